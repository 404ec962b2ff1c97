//! Memory of a tree.

use super::{Chains, chain_words};
use crate::cell::CarriedState;
use crate::wiring::tree::COMPOSE;

/// Words of each part: a word for each node, a state for each slot, and the chain that runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TreePlan {
    /// Most nodes: a word of bookkeeping each.
    pub nodes: usize,
    /// States that are kept at a time.
    pub slots: usize,
    /// Words of a state: h, and c where the composing cell has it.
    pub state: usize,
    /// The chain that needs the most, with its output; they run one at a time.
    pub scratch: usize,
}

impl TreePlan {
    pub(crate) fn of(chains: Chains<'_, '_>, max_nodes: u16, slots: u16) -> Self {
        let state = chains.at(COMPOSE).last().map_or(0, |l| {
            let carried = if l.spec.carried == CarriedState::None { 0 } else { l.units() };
            l.out_words().saturating_add(carried)
        });
        let scratch = (0..chains.len()).map(|k| chain_words(chains.at(k))).max().unwrap_or(0);
        TreePlan { nodes: max_nodes as usize, slots: slots as usize, state, scratch }
    }

    /// Words in all; saturates.
    pub(crate) fn words(&self) -> usize {
        let TreePlan { nodes, slots, state, scratch } = *self;
        state.saturating_mul(slots).saturating_add(nodes).saturating_add(scratch)
    }
}
