//! Networks over examples of any structure: sequences, pairs of them, trees, graphs.

mod graph;
pub(super) mod seq2seq;
mod tree;

pub(super) use graph::Room as GraphRoom;
pub use seq2seq::{decode, search};
pub(super) use tree::Room as TreeRoom;

use super::joined::StructureSpec;
use super::layer::Mode;
use super::{Batch, Float, Network, NetworkSpec, Pass, Score, Target, Trace, Workspace};
use elman_data::Joints;

/// One example as a network takes it.
#[derive(Clone, Copy, Debug)]
pub struct Item<'a> {
    /// `[steps, inputs]`: frames, in the network's own units.
    pub frames: &'a [f32],
    /// How they hang together.
    pub joints: &'a Joints,
    /// What is wanted. Of a network that writes a sequence, the symbols that it should write, the end included.
    pub target: &'a Target,
}

/// Lays out items as the batch of the workspace that [`learn`] is given.
pub fn load<F: Float>(spec: &NetworkSpec, items: &[Item<'_>], batch: &mut Batch<F>) {
    if spec.structure == StructureSpec::Sequence {
        let frames: Vec<&[f32]> = items.iter().map(|i| i.frames).collect();
        batch.fill(&frames, spec.inputs);
    }
}

/// Runs and scores items, which [`load`] has laid out in the workspace; where `gradient` is given, adds the gradient of their total loss, scaled by the pass, to it.
/// Without a gradient, dropout is off whatever the pass says.
pub fn learn<F: Float>(
    network: &Network<F>,
    items: &[Item<'_>],
    pass: Pass<'_>,
    workspace: &mut Workspace<F>,
    gradient: Option<&mut [F]>,
) -> Score {
    match network.spec().structure {
        StructureSpec::Sequence => {
            let batch = std::mem::take(&mut workspace.batch);
            let targets: Vec<&Target> = items.iter().map(|i| i.target).collect();
            let score = match gradient {
                Some(gradient) => network.gradient(&batch, &targets, pass, workspace, gradient),
                None => network.score(&batch, &targets, pass.loss, workspace),
            };
            workspace.batch = batch;
            score
        }
        StructureSpec::Seq2seq { .. } => seq2seq::learn(network, items, pass, workspace, gradient),
        StructureSpec::Tree { .. } => tree::learn(network, items, pass, workspace, gradient),
        StructureSpec::Graph { .. } => graph::learn(network, items, pass, workspace, gradient),
    }
}

/// Runs one item; its outputs, `[steps or nodes, outputs]`, or one where the network has one. A network that writes a
/// sequence is given the symbols wanted before each.
pub fn run<F: Float>(network: &Network<F>, item: Item<'_>, mode: Mode) -> Vec<F> {
    match network.spec().structure {
        StructureSpec::Sequence => network.run_mode(item.frames, mode),
        StructureSpec::Seq2seq { .. } => seq2seq::run(network, item, mode),
        StructureSpec::Tree { .. } => tree::run(network, item, mode),
        StructureSpec::Graph { .. } => graph::run(network, item, mode),
    }
}

/// Runs one item and returns everything that its layers compute: of a layer that runs more than once, all of it one
/// behind the other.
pub fn trace<F: Float>(network: &Network<F>, item: Item<'_>) -> Vec<Trace<F>> {
    match network.spec().structure {
        StructureSpec::Sequence => network.trace(item.frames),
        StructureSpec::Seq2seq { .. } => seq2seq::trace(network, item),
        StructureSpec::Tree { .. } => tree::trace(network, item),
        StructureSpec::Graph { .. } => graph::trace(network, item),
    }
}
