//! Training takes its memory before the first step: nothing is allocated in the loop over time.

use elman_nn::{LayerSpec, Network, NetworkSpec, Over, Target};
use elman_train::{Learner, Sequence, TrainConfig};

/// Allocations of a step after the first, over sequences of so many steps.
fn allocations(variant: &str, steps: usize) -> u64 {
    let layers = vec![LayerSpec::cell(variant, 20), LayerSpec::Pool { over: Over::Last }, LayerSpec::dense(3)];
    let config = TrainConfig { batch: 8, shard: 8, ..TrainConfig::default() };
    let mut learner = Learner::new(Network::new(&NetworkSpec::sequence(5, layers), 1).unwrap(), &config);
    let frames = |k: usize| (0..steps * 5).map(|i| ((i * 7 + k) % 11) as f32 / 11.0).collect();
    let data: Vec<Sequence> = (0..8).map(|k| Sequence::new(frames(k), Target::Class(k as u32 % 3))).collect();
    learner.load(&data, &[0, 1, 2, 3, 4, 5, 6, 7], None).unwrap();
    learner.learn(1e-3, 1);
    allocation_counter::measure(|| {
        learner.learn(1e-3, 2);
    })
    .count_total
}

#[test]
fn a_step_allocates_no_more_for_more_steps() {
    for variant in ["srn", "gru", "gru-before", "lstm", "lstm-peephole", "residual-2"] {
        let [short, long] = [10, 200].map(|steps| allocations(variant, steps));
        assert_eq!(short, long, "{variant}");
        // Lists of the shard's items, targets and their order.
        assert!(long <= 8, "{variant}: {long}");
    }
}
