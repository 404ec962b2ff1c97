//! Memory of an encoder-decoder.

use super::{Buffers, Chains, SequencePlan, chain_words, out_words};
use crate::descriptor::AttentionScore;
use crate::wiring::seq2seq::{BRIDGE, DECODER, ENCODER, ENERGY, HEAD, KEY, QUERY};

/// Words of each part: two buffers of the encoder's vectors, and after them either what its layers need while they run or,
/// afterwards, what the decoder needs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seq2seqPlan {
    /// The encoder's vectors, per step.
    pub buffers: Buffers,
    /// Most steps of a source.
    pub steps: usize,
    /// The layer of the encoder that needs the most, with its output.
    pub widest: usize,
    /// q
    pub query: usize,
    /// A weight of each state; 0 without attention.
    pub weights: usize,
    /// A key, per step; 0 where keys are the states themselves.
    pub key: usize,
    /// The largest of the chains without state, which run one at a time.
    pub stage: usize,
    /// The decoder's layers and their output.
    pub slot: usize,
    /// How many of these there are.
    pub slots: usize,
    /// A symbol and the hypothesis that it extends, for each step and hypothesis.
    pub written: usize,
}

impl Seq2seqPlan {
    pub(crate) fn of(
        chains: Chains<'_, '_>,
        score: AttentionScore,
        max_steps: usize,
        max_outputs: u16,
        beams: u8,
    ) -> Self {
        let SequencePlan { buffers, widest } = SequencePlan::of(chains.at(ENCODER));
        let attends = score != AttentionScore::None;
        let (query, decoder) = (chains.at(QUERY), chains.at(DECODER));
        let query = out_words(if query.is_empty() { decoder } else { query });
        let stages = [BRIDGE, QUERY, KEY, ENERGY, HEAD];
        Seq2seqPlan {
            buffers,
            steps: max_steps,
            widest,
            query: if attends { query } else { 0 },
            weights: if attends { max_steps } else { 0 },
            key: out_words(chains.at(KEY)),
            stage: stages.iter().map(|k| chain_words(chains.at(*k))).max().unwrap_or(0),
            slot: chain_words(decoder),
            slots: if beams > 1 { beams as usize * 2 } else { 1 },
            written: max_outputs as usize * beams as usize,
        }
    }

    /// Words in all; saturates.
    pub(crate) fn words(&self) -> usize {
        let Seq2seqPlan { buffers, steps, widest, query, weights, key, stage, slot, slots, written } = *self;
        let decoder = [query, weights, key.saturating_mul(steps), stage, slot.saturating_mul(slots), written];
        let decoder = decoder.into_iter().fold(0, usize::saturating_add);
        buffers.words().saturating_mul(steps).saturating_add(decoder.max(widest))
    }
}
