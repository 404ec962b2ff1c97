//! What a listener takes of a core, and that a block completes no more frames than its budget says.

use elman::Listener;
use elman::audio::Config;
use elman::blob::{Blob, Model};
use elman_listen::{Budget, Cost};
use elman_quant::synthetic::sound;
use elman_quant::{IntegerModel, words_of};

fn words(model: &IntegerModel) -> Vec<u32> {
    words_of(&model.to_blob().unwrap()).unwrap()
}

#[test]
fn the_budget_is_the_sum_of_its_parts() {
    let blob = words(&sound::listener(Config::HZ_16000, 6, 3, 2));
    let model = Model::load(Blob::new(&blob)).unwrap();
    let mut memory = vec![0; Blob::new(&blob).listener_words()];
    let listener = Listener::new(&model, &mut memory).unwrap();
    let cost = Cost { front_end: 60_000, network: 19_000, detector: 1000 };
    for (block, frames) in [(0, 0), (1, 1), (320, 1), (321, 2), (16_000, 50)] {
        let budget = cost.budget(listener.audio(), block);
        assert_eq!(
            budget,
            Budget { per_second: 4_000_000, frames_per_block: frames, per_block: 80_000 * u64::from(frames) }
        );
        // Never more frames than it says.
        let mut memory = vec![0; Blob::new(&blob).listener_words()];
        let mut fresh = Listener::new(&model, &mut memory).unwrap();
        let mut most = 0;
        for samples in vec![0i16; 16_000].chunks(block.max(1)) {
            let mut n = 0;
            fresh.push_each(samples, |_| n += 1);
            most = most.max(n);
        }
        assert!(block == 0 || most <= frames, "{most} frames in a block of {block}");
    }
    assert_eq!(cost.budget(listener.audio(), 320).per_mille(64_000_000), 63);
}
