//! Memory of a graph network.

use super::{Chains, chain_words, out_words};
use crate::cell::LayerView;
use crate::wiring::graph::{EDGE, NODE, UPDATE};

/// Words of each part: the hidden states of all nodes before and after a round (the outputs of all nodes replace either),
/// their carried states, the edges' chain, and the other chain that runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GraphPlan {
    /// Most nodes.
    pub nodes: usize,
    /// Whether the head begins with a pool over all nodes.
    pub pools_nodes: bool,
    /// Words of a hidden state, or of the output of a node where that is wider.
    pub stride: usize,
    /// Words of a carried state.
    pub carried: usize,
    /// Words of the edges' chain, which runs while a message is made.
    pub edge: usize,
    /// The other chain that needs the most, with its output; they run one at a time.
    pub scratch: usize,
}

impl GraphPlan {
    pub(crate) fn of(chains: Chains<'_, '_>, max_nodes: u16) -> Self {
        let head = chains.last();
        let pools_nodes = head.first().is_some_and(|l| l.spec.pools());
        let output = if pools_nodes { 0 } else { out_words(head) };
        let updates = (UPDATE..chains.len()).step_by(2).flat_map(|k| chains.at(k));
        let scratch = (0..chains.len()).filter(|k| *k != EDGE).map(|k| chain_words(chains.at(k)));
        GraphPlan {
            nodes: max_nodes as usize,
            pools_nodes,
            stride: out_words(chains.at(NODE)).max(output),
            carried: updates.map(LayerView::carried_words).max().unwrap_or(0),
            edge: chain_words(chains.at(EDGE)),
            scratch: scratch.max().unwrap_or(0),
        }
    }

    /// Words in all; saturates.
    pub(crate) fn words(&self) -> usize {
        let GraphPlan { nodes, stride, carried, edge, scratch, .. } = *self;
        let node = stride.saturating_mul(2).saturating_add(carried);
        node.saturating_mul(nodes).saturating_add(scratch).saturating_add(edge)
    }
}
