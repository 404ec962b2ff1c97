//! Training steps of a network on a random batch, in one thread: `steps CELL INPUTS UNITS TIME-STEPS BATCH STEPS`. What counts their
//! instructions runs it on an emulated processor.

use elman_nn::{LayerSpec, Network, NetworkSpec, Over, Pool, Target};
use elman_train::{Learner, Sequence, TrainConfig};
use rand::{RngExt, SeedableRng};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |k: usize| arguments.get(k).and_then(|text| text.parse::<usize>().ok());
    let numbers = [1, 2, 3, 4, 5].map(number);
    let (Some(cell), [Some(inputs), Some(units), Some(length), Some(batch), Some(steps)]) =
        (arguments.first(), numbers)
    else {
        return Err("usage: steps CELL INPUTS UNITS TIME-STEPS BATCH STEPS".into());
    };
    let layers = vec![LayerSpec::cell(cell, units), LayerSpec::from(Pool { over: Over::Last }), LayerSpec::dense(10)];
    let config = TrainConfig { batch, shard: batch, clip: 0.0, rate: 1e-3, ..TrainConfig::default() };
    let mut learner = Learner::new(Network::new(&NetworkSpec::sequence(inputs, layers), 5)?, &config);
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(1);
    let data: Vec<Sequence> = (0..batch)
        .map(|_| {
            let frames = (0..length * inputs).map(|_| random.random_range(-1.0..1.0)).collect();
            Sequence::new(frames, Target::Class(random.random_range(0..10)))
        })
        .collect();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    pool.install(|| {
        learner.load(&data, &(0..batch).collect::<Vec<_>>(), None)?;
        (0..steps).try_for_each(|_| learner.learn(1e-3, 0).map(|_| ()))
    })?;
    Ok(())
}
