//! A shard of a batch: the sequences that one thread works on.

use get_size2::GetSize;

use super::dataset::{Dataset, Sequence};
use super::error::TrainError;
use super::integer::IntegerNetwork;
use elman_nn::budget::{Part, timed};
use elman_nn::{
    Classes, Item, Loss, Mode, Network, NetworkSpec, Pass, Prepared, Score, SoftLabels, Workspace, structure,
};

/// A shard's sequences, loaded for a training step.
#[derive(Debug, Default)]
pub struct Loaded {
    sequences: Vec<Sequence>,
    prepared: Prepared<f32>,
    /// `[steps, size, classes]`: what the teacher says of them; empty without one.
    soft: Vec<f32>,
    teaching: Workspace<f32>,
}

impl Loaded {
    /// Loads these sequences.
    pub fn load(&mut self, spec: &NetworkSpec, loss: Loss, part: SequenceSet<'_>) -> Result<(), TrainError> {
        timed(Part::Data, || self.load_all(spec, loss, part))
    }

    fn load_all(&mut self, spec: &NetworkSpec, loss: Loss, part: SequenceSet<'_>) -> Result<(), TrainError> {
        self.sequences.clear();
        for &index in part.indices {
            let sequence = part.data.get(index, part.epoch_seed);
            if let Some(reason) = sequence.validation_error(spec, loss) {
                return Err(TrainError::Sequence { set: part.set, index, reason });
            }
            self.sequences.push(sequence);
        }
        let items: Vec<Item<'_>> = self.sequences.iter().map(Sequence::item).collect();
        self.prepared.fill(spec, &items);
        Ok(())
    }

    /// Asks the teacher.
    pub fn teach(&mut self, teacher: Option<&Network<f32>>) {
        self.soft.clear();
        if let Some(teacher) = teacher {
            let output = teacher.forward(self.prepared.frames(), &mut self.teaching, Mode::Evaluate);
            self.soft.extend_from_slice(output.data);
        }
    }

    /// Lets the network in integers run the sequences, whose states then take the place of those of the layers.
    fn give(&mut self, integer: Option<&dyn IntegerNetwork>) {
        if let Some(integer) = integer {
            let sequences: Vec<&Sequence> = self.sequences.iter().collect();
            self.prepared.give(&integer.run(&sequences));
        }
    }

    /// Runs and scores the sequences; adds to `gradient`, where it is given.
    fn learn(
        &self,
        network: &Network<f32>,
        pass: Pass<'_>,
        workspace: &mut Workspace<f32>,
        gradient: Option<&mut [f32]>,
    ) -> Score {
        let items: Vec<Item<'_>> = self.sequences.iter().map(Sequence::item).collect();
        let teacher = pass.classes.teacher.map(|teacher| SoftLabels { logits: &self.soft, ..teacher });
        let pass = Pass { classes: Classes { teacher, ..pass.classes }, ..pass };
        structure::learn_prepared(network, &self.prepared, &items, pass, workspace, gradient)
    }
}

/// A shard and its memory, reused from batch to batch.
#[derive(Debug, Default)]
pub struct Shard {
    loaded: Loaded,
    workspace: Workspace<f32>,
    /// Its part of the batch's gradient.
    pub gradient: Vec<f32>,
    /// Its part of the batch's score.
    pub score: Score,
}

/// Sequences of a data set.
#[derive(Clone, Copy)]
pub struct SequenceSet<'a> {
    /// The data.
    pub data: &'a dyn Dataset,
    /// Its name in messages.
    pub set: &'static str,
    /// Which of its sequences.
    pub indices: &'a [usize],
    /// Seed of the epoch, where they may be augmented.
    pub epoch_seed: Option<u64>,
}

impl Shard {
    /// Exchanges its sequences for loaded ones, whose memory is used again.
    pub fn swap(&mut self, loaded: &mut Loaded) {
        std::mem::swap(&mut self.loaded, loaded);
    }

    /// Bytes of its activations and their gradients, its input among them.
    pub fn bytes(&self) -> usize {
        self.workspace.get_heap_size() + self.loaded.prepared.get_heap_size()
    }

    /// Score and gradient of its sequences; along what `integer` computes of them, where there is one.
    pub fn train(&mut self, network: &Network<f32>, pass: Pass<'_>, integer: Option<&dyn IntegerNetwork>) {
        self.loaded.give(integer);
        self.gradient.clear();
        self.gradient.resize(network.values().len(), 0.0);
        self.score = self.loaded.learn(network, pass, &mut self.workspace, Some(&mut self.gradient));
    }

    /// Score of the shard's sequences.
    pub fn evaluate(
        &mut self,
        network: &Network<f32>,
        loss: Loss,
        part: SequenceSet<'_>,
        integer: Option<&dyn IntegerNetwork>,
    ) -> Result<Score, TrainError> {
        self.loaded.load(network.spec(), loss, part)?;
        self.loaded.give(integer);
        let pass = Pass { loss, scale: 1.0, mode: Mode::Evaluate, classes: Classes::default(), teacher_forcing: 1.0 };
        Ok(self.loaded.learn(network, pass, &mut self.workspace, None))
    }
}
