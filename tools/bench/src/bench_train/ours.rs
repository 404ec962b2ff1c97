//! Our side: a learner on one resident batch.

use std::time::Instant;

use anyhow::Result;
use elman_nn::budget::{self, Part};
use elman_nn::{LayerSpec, Network, NetworkSpec, Over, Pool, Target};
use elman_train::{Learner, Sequence, TrainConfig};

use super::{Case, median};

/// Sequences that one thread works on at a time: two threads share a batch of 64.
const SHARD: usize = 32;

/// A case, ready to step.
pub struct Ours {
    learner: Learner,
    pool: rayon::ThreadPool,
    threads: usize,
}

/// Milliseconds: of the processor with one thread, where it is known, else on the clock.
fn clock(threads: usize, begin: Instant) -> f64 {
    let known = if threads == 1 { cpu_time::ProcessTime::try_now().ok() } else { None };
    known.map_or_else(|| begin.elapsed(), |time| time.as_duration()).as_secs_f64() * 1e3
}

impl Ours {
    /// Builds the network and its batch.
    pub fn new(case: &Case, threads: usize) -> Result<Self> {
        let layers = vec![
            LayerSpec::cell(case.cell, case.hidden),
            LayerSpec::from(Pool { over: Over::Last }),
            LayerSpec::dense(10),
        ];
        let shard = if threads == 1 { case.batch } else { SHARD.min(case.batch / threads) };
        let config = TrainConfig { batch: case.batch, shard, clip: 0.0, rate: 1e-3, ..TrainConfig::default() };
        let network = Network::new(&NetworkSpec::sequence(case.inputs, layers), 5)?;
        let mut state = 1u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as u32
        };
        let data: Vec<Sequence> = (0..case.batch)
            .map(|_| {
                let frames = (0..case.steps * case.inputs).map(|_| next() as f32 / 2f32.powi(30) - 1.0).collect();
                Sequence::new(frames, Target::Class(next() % 10))
            })
            .collect();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
        let mut learner = Learner::new(network, &config);
        pool.install(|| learner.load(&data, &(0..case.batch).collect::<Vec<_>>(), None))?;
        let mut ours = Self { learner, pool, threads };
        ours.measure(0.1)?;
        Ok(ours)
    }

    /// Bytes of the activations and their gradients.
    pub fn activation_bytes(&self) -> usize {
        self.learner.memory().activation_bytes
    }

    /// What share of the time of a step each part takes, in the order of [`Part::ALL`], and what is left, over so many seconds.
    pub fn shares(&mut self, seconds: f64) -> Result<Vec<f64>> {
        budget::measure(true);
        let begin = Instant::now();
        let measured = self.measure(seconds);
        let all = begin.elapsed().as_secs_f64() * self.threads as f64;
        let parts: Vec<f64> = Part::ALL.iter().map(|part| budget::spent(*part).as_secs_f64() / all).collect();
        budget::measure(false);
        measured?;
        let rest = 1.0 - parts.iter().sum::<f64>();
        Ok(parts.into_iter().chain([rest]).collect())
    }

    /// Median time of a step in ms, as [`clock`] has it, over this many seconds.
    pub fn measure(&mut self, seconds: f64) -> Result<f64> {
        let Self { learner, pool, threads } = self;
        pool.install(|| {
            let mut times = Vec::new();
            let begin = Instant::now();
            while begin.elapsed().as_secs_f64() < seconds || times.len() < 3 {
                let start = clock(*threads, begin);
                let step = learner.learn(1e-3, 0)?;
                times.push(clock(*threads, begin) - start);
                anyhow::ensure!(step.score.loss.is_finite(), "the bench's training diverged");
            }
            Ok(median(times))
        })
    }
}
