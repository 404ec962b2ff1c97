//! Networks over examples of any structure: sequences, pairs of them, trees, graphs.

mod graph;
mod reach;
pub(crate) mod seq2seq;
mod tree;

pub(super) use graph::Memory as GraphMemory;
pub(crate) use reach::probe_here;
pub use reach::{Reach, probe};
use reach::{cells, means};
pub use seq2seq::{decode, search};
pub(super) use tree::Memory as TreeMemory;

use super::joined::StructureSpec;
use super::layer::{IntegerStates, Mode};
use super::{Batch, Float, Frames, Network, NetworkSpec, Pass, Score, Target, Trace, Workspace};
use elman_data::ExampleStructure;
use get_size2::GetSize;

/// One example as a network takes it.
#[derive(Clone, Copy, Debug)]
pub struct Item<'a> {
    /// `[steps, inputs]`: frames, in the network's own units.
    pub frames: &'a [f32],
    /// How they hang together.
    pub joints: &'a ExampleStructure,
    /// What is wanted. Of a network that writes a sequence, the symbols that it should write, the end included.
    pub target: &'a Target,
}

/// Examples in the form in which a network reads them. They are prepared apart from the pass that learns from them, so
/// that a thread may prepare the next batch while this one is learnt from; the memory is used again.
#[derive(Clone, Debug, Default, GetSize)]
pub struct Prepared<F> {
    items: usize,
    /// Of a network over sequences, the frames side by side. The other structures gather theirs as they run.
    batch: Batch<F>,
}

impl<F: Float> Prepared<F> {
    /// Takes these examples.
    pub fn fill(&mut self, spec: &NetworkSpec, items: &[Item<'_>]) {
        F::prepare(self, spec, items);
    }

    pub(crate) fn fill_here(&mut self, spec: &NetworkSpec, items: &[Item<'_>]) {
        self.items = items.len();
        if spec.structure == StructureSpec::Sequence {
            let frames: Vec<&[f32]> = items.iter().map(|i| i.frames).collect();
            self.batch.fill(&frames, spec.inputs);
        }
    }
}

impl<F: Float> Prepared<F> {
    /// The frames side by side, of a network over sequences.
    pub fn frames(&self) -> Frames<'_, F> {
        self.batch.frames()
    }

    /// Takes what the network in integers computed of these examples; of a network over sequences.
    pub fn give(&mut self, examples: &[Vec<IntegerStates>]) {
        self.batch.give(examples);
    }
}

/// Runs and scores examples; where `gradient` is given, adds the gradient of their total loss, scaled by the pass, to it.
/// Without a gradient, dropout is off whatever the pass says.
pub fn learn<F: Float>(
    network: &Network<F>,
    items: &[Item<'_>],
    pass: Pass<'_>,
    workspace: &mut Workspace<F>,
    gradient: Option<&mut [F]>,
) -> Score {
    let mut prepared = Prepared::default();
    prepared.fill(network.spec(), items);
    learn_prepared(network, &prepared, items, pass, workspace, gradient)
}

/// As [`learn`], of examples that were prepared.
///
/// # Panics
/// Where `prepared` was filled with another number of examples.
pub fn learn_prepared<F: Float>(
    network: &Network<F>,
    prepared: &Prepared<F>,
    items: &[Item<'_>],
    pass: Pass<'_>,
    workspace: &mut Workspace<F>,
    gradient: Option<&mut [F]>,
) -> Score {
    F::learn(network, prepared, items, pass, workspace, gradient)
}

pub(crate) fn learn_here<F: Float>(
    network: &Network<F>,
    prepared: &Prepared<F>,
    items: &[Item<'_>],
    pass: Pass<'_>,
    workspace: &mut Workspace<F>,
    gradient: Option<&mut [F]>,
) -> Score {
    assert_eq!(prepared.items, items.len(), "other examples were prepared than are to be learnt from");
    match network.spec().structure {
        StructureSpec::Sequence => {
            let targets: Vec<&Target> = items.iter().map(|i| i.target).collect();
            match gradient {
                Some(gradient) => network.gradient_here(&prepared.batch, &targets, pass, workspace, gradient),
                None => network.score_here(&prepared.batch, &targets, pass.loss, workspace),
            }
        }
        StructureSpec::Seq2seq { .. } => seq2seq::learn(network, items, pass, workspace, gradient),
        StructureSpec::Tree { .. } => tree::learn(network, items, pass, workspace, gradient),
        StructureSpec::Graph { .. } => graph::learn(network, items, pass, workspace, gradient),
    }
}

/// Runs one item; its outputs, `[steps or nodes, outputs]`, or one where the network has one. A network that writes a
/// sequence is given the symbols wanted before each.
pub fn run<F: Float>(network: &Network<F>, item: Item<'_>, mode: Mode) -> Vec<F> {
    F::run_item(network, item, mode)
}

pub(crate) fn run_here<F: Float>(network: &Network<F>, item: Item<'_>, mode: Mode) -> Vec<F> {
    match network.spec().structure {
        StructureSpec::Sequence => network.run_mode(item.frames, mode),
        StructureSpec::Seq2seq { .. } => seq2seq::run(network, item, mode),
        StructureSpec::Tree { .. } => tree::run(network, item, mode),
        StructureSpec::Graph { .. } => graph::run(network, item, mode),
    }
}

/// Runs one item and returns everything that its layers compute: of a layer that runs more than once, all of it one
/// after the other.
pub fn trace<F: Float>(network: &Network<F>, item: Item<'_>) -> Vec<Trace<F>> {
    F::trace_item(network, item)
}

pub(crate) fn trace_here<F: Float>(network: &Network<F>, item: Item<'_>) -> Vec<Trace<F>> {
    match network.spec().structure {
        StructureSpec::Sequence => network.trace(item.frames),
        StructureSpec::Seq2seq { .. } => seq2seq::trace(network, item),
        StructureSpec::Tree { .. } => tree::trace(network, item),
        StructureSpec::Graph { .. } => graph::trace(network, item),
    }
}
