//! Where a model keeps what in its memory: one plan for the loader, which checks the words that the frame declares, and for
//! the run, which divides the memory.

mod graph;
mod seq2seq;
mod sequence;
mod tree;

pub(crate) use graph::GraphPlan;
pub(crate) use seq2seq::Seq2seqPlan;
pub(crate) use sequence::{Buffers, SequencePlan};
pub(crate) use tree::TreePlan;

use crate::cell::LayerView;
use crate::descriptor::Structure;

/// The layers of a model, cut into chains.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chains<'v, 'b> {
    pub layers: &'v [LayerView<'b>],
    /// Layers of each chain; empty where all of them are one.
    pub counts: &'v [u8],
}

impl<'v, 'b> Chains<'v, 'b> {
    /// Number of the first layer of chain number `k`.
    pub(crate) fn first(&self, k: usize) -> usize {
        self.counts.iter().take(k).fold(0usize, |s, n| s.saturating_add(*n as usize))
    }

    /// The layers of chain number `k`: [`crate::wiring`] has the numbers.
    #[inline(never)]
    pub(crate) fn at(&self, k: usize) -> &'v [LayerView<'b>] {
        let (start, count) = (self.first(k), self.counts.get(k).copied().unwrap_or(0));
        self.layers.get(start..start.saturating_add(count as usize)).unwrap_or_default()
    }

    /// How many chains there are.
    pub(crate) fn len(&self) -> usize {
        self.counts.len()
    }

    /// The last chain.
    pub(crate) fn last(&self) -> &'v [LayerView<'b>] {
        self.at(self.len().wrapping_sub(1))
    }
}

/// Words of the output of a chain's last layer.
pub(crate) fn out_words(chain: &[LayerView<'_>]) -> usize {
    chain.last().map_or(0, LayerView::out_words)
}

/// Words of a chain that runs as a stream: its layers' memories one after the other, and its output.
#[inline(never)]
pub(crate) fn chain_words(chain: &[LayerView<'_>]) -> usize {
    chain.iter().map(LayerView::memory_words).fold(out_words(chain), usize::saturating_add)
}

/// Words of a structure's memory; 0 for a sequence, whose memory is a stream's or a [`SequencePlan`]'s.
#[inline(never)]
pub(crate) fn structure_words(structure: Structure, chains: Chains<'_, '_>, max_steps: usize) -> usize {
    match structure {
        Structure::Sequence => 0,
        Structure::Seq2seq { score, max_outputs, beams } => {
            Seq2seqPlan::of(chains, score, max_steps, max_outputs, beams).words()
        }
        Structure::Tree { max_nodes, slots, .. } => TreePlan::of(chains, max_nodes, slots).words(),
        Structure::Graph { max_nodes, .. } => GraphPlan::of(chains, max_nodes).words(),
    }
}
