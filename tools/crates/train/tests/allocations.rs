//! Training takes its memory before the first step: nothing is allocated in the loop over time.

use elman_nn::{LayerSpec, Loss, Network, NetworkSpec, Over, Pool, Reads, Target};
use elman_train::{Learner, Sequence, TrainConfig};

const INPUTS: usize = 5;

/// Allocations of a step after the first, of a network with this layer over sequences of so many steps.
fn allocations(layer: &LayerSpec, steps: usize) -> u64 {
    let symbols = layer.reads() == Reads::Symbol;
    let inputs = if symbols { 1 } else { INPUTS };
    let network = |layers| Network::new(&NetworkSpec::sequence(inputs, layers), 1);
    let pool = || Pool { over: Over::Last }.into();
    let with = match layer.reads() {
        Reads::Sequence => vec![layer.clone(), LayerSpec::dense(3)],
        _ => vec![layer.clone(), pool(), LayerSpec::dense(3)],
    };
    // Some layers are networks by themselves.
    let network = network(with).or_else(|_| network(vec![layer.clone()])).unwrap();
    let outputs = network.spec().outputs();
    let values = network.spec().per_step();
    let loss = if values { Loss::SquaredError } else { Loss::CrossEntropy };
    let config = TrainConfig { batch: 8, shard: 8, loss, ..TrainConfig::default() };
    let mut learner = Learner::new(network, &config);
    let value = |k: usize| if symbols { (k % 11) as f32 } else { (k % 11) as f32 / 11.0 };
    let frames = |k: usize| (0..steps * inputs).map(|i| value(i * 7 + k)).collect();
    let target =
        |k: usize| if values { Target::Values(vec![0.1; steps * outputs]) } else { Target::Class(k as u32 % 3) };
    let data: Vec<Sequence> = (0..8).map(|k| Sequence::new(frames(k), target(k))).collect();
    learner.load(&data, &[0, 1, 2, 3, 4, 5, 6, 7], None).unwrap();
    learner.learn(1e-3, 1).unwrap();
    allocation_counter::measure(|| {
        learner.learn(1e-3, 2).unwrap();
    })
    .count_total
}

#[test]
fn a_step_allocates_no_more_for_more_steps() {
    for layer in LayerSpec::samples() {
        let [short, long] = [10, 200].map(|steps| allocations(&layer, steps));
        assert_eq!(short, long, "{layer:?}");
        // Lists of the shard's items, targets and their order.
        assert!(long <= 8, "{layer:?}: {long}");
    }
}
