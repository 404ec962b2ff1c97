//! Where in its memory an encoder-decoder keeps what.

use super::shape::{Buffers, running};
use super::structure::{Chains, chain_words};
use super::{AttentionScore, LayerDescriptor};
use crate::kernel::layout::vector_words;

/// Numbers of the chains, in the order of [`super::Structure::SEQ2SEQ`].
pub(crate) const ENCODER: usize = 0;
pub(crate) const BRIDGE: usize = 1;
pub(crate) const DECODER: usize = 2;
pub(crate) const QUERY: usize = 3;
pub(crate) const KEY: usize = 4;
pub(crate) const SCORE: usize = 5;
pub(crate) const HEAD: usize = 6;

/// Words of each part: two buffers of the encoder's vectors, and after them either what its layers need while they run
/// or, afterwards, what the decoder needs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// The encoder's vectors, per step.
    pub buffers: Buffers,
    /// Most steps of a source.
    pub steps: usize,
    /// The widest layer of the encoder, with its output.
    pub widest: usize,
    /// q
    pub query: usize,
    /// A weight of each state; 0 without attention.
    pub weights: usize,
    /// A key, per step; 0 where keys are the states themselves.
    pub key: usize,
    /// The largest of the chains without state, which run alternately.
    pub stage: usize,
    /// The decoder's layers and their output.
    pub slot: usize,
    /// How many of these there are.
    pub slots: usize,
    /// A symbol and the hypothesis that it goes on, for each step and hypothesis.
    pub written: usize,
}

impl Plan {
    pub(crate) fn of(chains: Chains<'_>, score: AttentionScore, max_steps: u16, max_outputs: u16, beams: u8) -> Self {
        let steps = max_steps as usize;
        let (buffers, widest) = running(chains.chain(ENCODER));
        let last = |chain: &[LayerDescriptor]| chain.last().map(|l| vector_words(l.units as usize));
        let attends = score != AttentionScore::None;
        let query = last(chains.chain(QUERY)).or(last(chains.chain(DECODER))).unwrap_or(0);
        let stages = [BRIDGE, QUERY, KEY, SCORE, HEAD];
        Plan {
            buffers,
            steps,
            widest,
            query: if attends { query } else { 0 },
            weights: if attends { steps } else { 0 },
            key: last(chains.chain(KEY)).unwrap_or(0),
            stage: stages.iter().map(|k| chain_words(chains.chain(*k))).max().unwrap_or(0),
            slot: chain_words(chains.chain(DECODER)),
            slots: if beams > 1 { beams as usize * 2 } else { 1 },
            written: max_outputs as usize * beams as usize,
        }
    }

    /// Words in all; saturates.
    pub(crate) fn words(&self) -> usize {
        let Plan { buffers, steps, widest, query, weights, key, stage, slot, slots, written } = *self;
        let decoder = [query, weights, key.saturating_mul(steps), stage, slot.saturating_mul(slots), written];
        let decoder = decoder.into_iter().fold(0, usize::saturating_add);
        buffers.even.saturating_add(buffers.odd).saturating_mul(steps).saturating_add(decoder.max(widest))
    }
}
