//! A part of a batch: what one thread works on.

use super::dataset::Dataset;
use super::error::TrainError;
use crate::nn::{Batch, Loss, Network, NetworkSpec, Pass, Score, Target, Workspace};

/// A shard and its memory, reused from batch to batch.
#[derive(Debug, Default)]
pub struct Shard {
    batch: Batch<f32>,
    workspace: Workspace<f32>,
    targets: Vec<Target>,
    /// Its part of the batch's gradient.
    pub gradient: Vec<f32>,
    /// Its part of the batch's score.
    pub score: Score,
}

/// Sequences of a data set.
#[derive(Clone, Copy)]
pub struct Part<'a> {
    /// The data.
    pub data: &'a dyn Dataset,
    /// What it is called in messages.
    pub set: &'static str,
    /// Which of its sequences.
    pub indices: &'a [usize],
    /// Seed of the epoch, where they may be augmented.
    pub epoch_seed: Option<u64>,
}

impl Shard {
    /// Sequences in it.
    pub fn len(&self) -> usize {
        self.targets.len()
    }

    /// Takes these sequences.
    pub fn load(&mut self, spec: &NetworkSpec, loss: Loss, part: Part<'_>) -> Result<(), TrainError> {
        let mut frames = Vec::with_capacity(part.indices.len());
        self.targets.clear();
        for &index in part.indices {
            let sequence = part.data.get(index, part.epoch_seed);
            if let Some(reason) = sequence.misfit(spec, loss) {
                return Err(TrainError::Sequence { set: part.set, index, reason });
            }
            frames.push(sequence.frames);
            self.targets.push(sequence.target);
        }
        let frames: Vec<&[f32]> = frames.iter().map(Vec::as_slice).collect();
        self.batch.fill(&frames, spec.inputs);
        Ok(())
    }

    /// Score and gradient of its sequences.
    pub fn train(&mut self, network: &Network<f32>, pass: Pass<'_>) {
        self.gradient.clear();
        self.gradient.resize(network.values().len(), 0.0);
        let targets: Vec<&Target> = self.targets.iter().collect();
        let (batch, workspace, gradient) = (&self.batch, &mut self.workspace, &mut self.gradient);
        self.score = network.gradient(batch, &targets, pass, workspace, gradient);
    }

    /// Score of the shard's sequences.
    pub fn evaluate(&mut self, network: &Network<f32>, loss: Loss, part: Part<'_>) -> Result<Score, TrainError> {
        self.load(network.spec(), loss, part)?;
        let targets: Vec<&Target> = self.targets.iter().collect();
        Ok(network.score(&self.batch, &targets, loss, &mut self.workspace))
    }
}
