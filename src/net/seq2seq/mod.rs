//! A sequence for a sequence: an encoder reads, a decoder writes.
//!
//! ```text
//! h_t = f1(h_(t-1), x_t)        the encoder, over the source
//! s_0 = bridge(summary)         the summary: forward part of the last h, backward part of the first
//! s_t = f2(s_(t-1), y_(t-1))    the decoder; y_0 is the end symbol, 0
//! c_t = Σ_i a_ti h_i            a_t = softmax of the scores of query(s_t) and key(h_i)
//! y_t ~ head([s_t; c_t])
//! ```

mod beam;
mod search;

pub use search::Written;

use super::sequence::run_layers;
use super::{Output, RunError};
use crate::arith::{reformat, softmax_wide};
use crate::blob::{AttentionScore, Direction, Model, Structure};
use crate::cell::{CarriedState, LayerView, chain, split_mut};
use crate::kernel::layout::vector_words;
use crate::kernel::{put, word};
use crate::layer::attention;
use crate::memory::first_words;
use crate::plan::Seq2seqPlan;
use crate::wiring::seq2seq::{BRIDGE, DECODER, ENCODER, ENERGY, HEAD, KEY, QUERY};

/// An attention weight: from 0 to 1 in steps of 2^-15, a word each.
pub type AttentionWeight = fixed::types::U17F15;

/// The symbol that ends what is written, and that the decoder reads before the first.
pub const END: u16 = 0;

/// An encoder-decoder that runs, in the caller's memory.
///
/// ```
/// # fn run(model: &elman::Model<'_>, memory: &mut [u32], frames: &[i16]) -> Result<(), elman::RunError> {
/// let mut net = model.seq2seq(memory)?; // `model.memory_words()` words
/// let written = net.run(frames)?; // `[steps, model.inputs()]`
/// for symbol in written.symbols() {
///     println!("{:?}", model.label(symbol));
/// }
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Seq2seq<'m, 'b> {
    model: &'m Model<'b>,
    memory: &'m mut [u32],
    plan: Seq2seqPlan,
    score: AttentionScore,
    max_outputs: usize,
    beams: usize,
    /// Steps of the source that was read last.
    steps: usize,
}

impl<'b> Model<'b> {
    /// An encoder-decoder over `memory`, which needs [`Model::memory_words`].
    ///
    /// # Errors
    /// [`RunError::Memory`] where `memory` is too small, [`RunError::WrongRunner`] where layers are joined otherwise.
    pub fn seq2seq<'m>(&'m self, memory: &'m mut [u32]) -> Result<Seq2seq<'m, 'b>, RunError> {
        let Structure::Seq2seq { score, max_outputs, beams } = self.structure() else {
            return Err(RunError::WrongRunner { structure: self.structure() });
        };
        let plan = Seq2seqPlan::of(self.chains(), score, self.max_steps(), max_outputs, beams);
        let memory = first_words(memory, plan.words())?;
        memory.fill(0);
        let (max_outputs, beams) = (max_outputs as usize, beams as usize);
        Ok(Seq2seq { model: self, memory, plan, score, max_outputs, beams, steps: 0 })
    }
}

/// The parts of the memory after the encoder's layers: [`Seq2seqPlan`].
struct Workspace<'p> {
    /// The encoder's states, `stride` words each.
    states: &'p [u32],
    stride: usize,
    query: &'p mut [u32],
    weights: &'p mut [u32],
    keys: &'p mut [u32],
    stage: &'p mut [u32],
    slots: &'p mut [u32],
    written: &'p mut [u32],
}

/// Elements of a vector, up to `n`.
fn elements(words: &[u32], n: usize) -> &[i16] {
    word::halves(words).get(..n).unwrap_or_default()
}

/// Runs a chain without state over the vector at the front of `stage`, after which all is 0; gives the output's words,
/// `stage`'s own front where there is no layer.
fn run_stage<'s>(layers: &[LayerView<'_>], stage: &'s mut [u32], width: usize) -> &'s mut [u32] {
    chain::step(layers, stage);
    let units = layers.last().map_or(width, LayerView::units);
    split_mut(stage, chain::words(layers)).1.get_mut(..vector_words(units)).unwrap_or_default()
}

impl<'m, 'b> Seq2seq<'m, 'b> {
    /// The model.
    pub fn model(&self) -> &'m Model<'b> {
        self.model
    }

    /// Most symbols that it writes.
    pub fn max_outputs(&self) -> usize {
        self.max_outputs
    }

    /// Layers of a chain.
    fn chain(&self, k: usize) -> &'m [LayerView<'b>] {
        self.model.chain(k)
    }

    /// Elements and fraction bits of the encoder's output: of both directions, where they are two.
    fn state(&self) -> (usize, usize, u8) {
        let layers = self.chain(ENCODER);
        let frac = layers.last().map_or(15, |l| l.formats().out_frac);
        let units = |l: Option<&LayerView<'_>>| l.map_or(0, LayerView::units);
        match layers.split_last() {
            Some((last, before)) if last.direction() == Direction::Backward => {
                let forward = units(before.last());
                (forward.saturating_add(last.units()), forward, frac)
            }
            _ => (units(layers.last()), units(layers.last()), frac),
        }
    }

    /// Elements and fraction bits of s.
    fn output(&self) -> (usize, u8) {
        self.chain(DECODER).last().map_or((0, 15), |l| (l.units(), l.formats().out_frac))
    }

    fn workspace(&mut self) -> Workspace<'_> {
        let plan = self.plan;
        let (even, rest) = split_mut(self.memory, plan.buffers.even.saturating_mul(plan.steps));
        let (odd, rest) = split_mut(rest, plan.buffers.odd.saturating_mul(plan.steps));
        let (query, rest) = split_mut(rest, plan.query);
        let (weights, rest) = split_mut(rest, plan.weights);
        let (keys, rest) = split_mut(rest, plan.key.saturating_mul(plan.steps));
        let (stage, rest) = split_mut(rest, plan.stage);
        let (slots, rest) = split_mut(rest, plan.slot.saturating_mul(plan.slots));
        let (states, stride) =
            if plan.buffers.last_is_odd() { (odd, plan.buffers.odd) } else { (even, plan.buffers.even) };
        let written = split_mut(rest, plan.written).0;
        let weights = weights.get_mut(..self.steps).unwrap_or_default();
        Workspace { states, stride, query, weights, keys, stage, slots, written }
    }

    /// Reads a source, `[steps, inputs]`, and puts the decoder before its first step.
    ///
    /// # Errors
    /// [`RunError::Frames`] where `frames` is no whole number of frames, [`RunError::TooLong`] where there are more than the
    /// model's [`Model::max_steps`].
    pub fn encode(&mut self, frames: &[i16]) -> Result<(), RunError> {
        let (inputs, most) = (self.model.inputs(), self.plan.steps);
        self.steps = run_layers(self.chain(ENCODER), inputs, frames, self.plan.buffers, most, self.memory)?.steps;
        let (steps, (units, forward, state_frac)) = (self.steps, self.state());
        let [bridge, keys, decoder] = [BRIDGE, KEY, DECODER].map(|k| self.chain(k));
        let (attends, key) = (self.score != AttentionScore::None, self.plan.key);
        let slot_words = self.plan.slot;
        let Workspace { states, stride, keys: key_words, stage, slots, .. } = self.workspace();
        // Of a source without steps, the states are those before the first.
        let state = |t: usize| {
            let at = t.wrapping_mul(stride);
            let words = if t < steps { states.get(at..at.wrapping_add(stride)) } else { None };
            elements(words.unwrap_or_default(), units)
        };
        if attends && key > 0 {
            for (t, to) in key_words.chunks_exact_mut(key).enumerate().take(steps) {
                stage.fill(0);
                put(word::halves_mut(stage), state(t));
                put(to, run_stage(keys, stage, units));
            }
        }
        stage.fill(0);
        let (first, last) = (state(0), state(steps.saturating_sub(1)));
        let summary = word::halves_mut(stage);
        let (of_forward, of_backward) = summary.split_at_mut(forward.min(summary.len()));
        put(of_forward, last);
        put(of_backward, first.get(forward..).unwrap_or_default());
        let from = bridge.last().map_or(state_frac, |l| l.formats().out_frac);
        let start = run_stage(bridge, stage, units);

        let slot = slots.get_mut(..slot_words).unwrap_or_default();
        slot.fill(0);
        let (mut rest, mut values) = (slot, word::halves(start));
        for layer in decoder {
            let (own, next) = split_mut(rest, layer.memory_words());
            if layer.recurrent() {
                let (mine, others) = values.split_at(layer.units().min(values.len()));
                begin(layer, own, mine, from);
                values = others;
            }
            rest = next;
        }
        Ok(())
    }

    /// One step of the decoder after [`Seq2seq::encode`]: reads the symbol before, gives the logits of the next. The
    /// caller chooses it; [`Seq2seq::run`] chooses by itself.
    pub fn step(&mut self, symbol: u16) -> Output<'_> {
        self.advance(0, symbol)
    }

    /// Attention weights a_i of the source's steps in the last step of the decoder; empty without attention.
    pub fn attention_weights(&self) -> &[AttentionWeight] {
        let words = self.memory.get(self.weights_at()..).unwrap_or_default();
        let steps = if self.score == AttentionScore::None { 0 } else { self.steps };
        bytemuck::try_cast_slice(words.get(..steps).unwrap_or_default()).unwrap_or_default()
    }

    /// Where in memory the attention weights are.
    fn weights_at(&self) -> usize {
        let Seq2seqPlan { buffers, steps, query, .. } = self.plan;
        buffers.even.saturating_add(buffers.odd).saturating_mul(steps).saturating_add(query)
    }

    /// A step of the hypothesis whose states are in slot `slot`.
    pub(super) fn advance(&mut self, slot: usize, symbol: u16) -> Output<'_> {
        let (units, _, state_frac) = self.state();
        let (width, frac) = self.output();
        let [decoder, query_layers, key_layers, energy_layers, head] =
            [DECODER, QUERY, KEY, ENERGY, HEAD].map(|k| self.chain(k));
        let (score, key, slot_words) = (self.score, self.plan.key, self.plan.slot);
        let (outputs, out_frac) = (self.model.outputs(), self.model.out_frac());
        let Workspace { states, stride, query, weights, keys, stage, slots, .. } = self.workspace();

        let at = slot.wrapping_mul(slot_words);
        let slot = slots.get_mut(at..at.wrapping_add(slot_words)).unwrap_or_default();
        if let Some(x) = word::halves_mut(slot).first_mut() {
            *x = symbol as i16;
        }
        chain::step(decoder, slot);
        let s = slot.get(slot_words.saturating_sub(vector_words(width))..).unwrap_or_default();
        if score != AttentionScore::None {
            stage.fill(0);
            put(word::halves_mut(stage), elements(s, width));
            put(query, run_stage(query_layers, stage, width));
            let u = query_layers.last().map_or(width, LayerView::units);
            let q_frac = query_layers.last().map_or(frac, |l| l.formats().out_frac);
            let k_frac = key_layers.last().map_or(state_frac, |l| l.formats().out_frac);
            let (all, key) = if key > 0 { (&*keys, key) } else { (states, stride) };
            let q = elements(query, u);
            let factor = if score == AttentionScore::Scaled { attention::root(u) } else { attention::ONE };
            stage.fill(0);
            for (e, k) in weights.iter_mut().zip(all.chunks_exact(key.max(1))) {
                let k = elements(k, u);
                *e = match score {
                    AttentionScore::Additive => {
                        attention::sums(q, k, q_frac, word::halves_mut(stage).get_mut(..u).unwrap_or_default());
                        let y = run_stage(energy_layers, stage, u);
                        let frac = energy_layers.last().map_or(15, |l| l.formats().out_frac);
                        attention::wide(word::halves(y).first().copied().unwrap_or(0), frac)
                    }
                    AttentionScore::None | AttentionScore::Dot | AttentionScore::Scaled => {
                        attention::dot(q, k, q_frac.saturating_add(k_frac), factor)
                    }
                } as u32;
            }
            softmax_wide(weights);
        }
        stage.fill(0);
        let joined = word::halves_mut(stage);
        let (front, back) = joined.split_at_mut(width.min(joined.len()));
        put(front, elements(s, width));
        if score != AttentionScore::None {
            attention::context(weights, states, stride, back.get_mut(..units).unwrap_or_default());
        }
        let y = run_stage(head, stage, width);
        Output { logits: elements(y, outputs), frac: out_frac }
    }
}

/// The states of a recurrent layer before its first step: h, and its 32-bit form where it has one; c is 0.
fn begin(layer: &LayerView<'_>, memory: &mut [u32], h: &[i16], frac: u8) {
    let q = layer.formats();
    let (xh, carried) = split_mut(memory, layer.vector_words());
    let to = word::halves_mut(split_mut(xh, layer.input_words()).1);
    let shift = match layer.carried() {
        CarriedState::Hidden => Some(15u32),
        CarriedState::Wide => Some((q.carried_frac as u32).saturating_sub(q.out_frac as u32)),
        _ => None,
    };
    let carried = carried.iter_mut().map(Some).chain(core::iter::repeat_with(|| None));
    for ((to, h), carried) in to.iter_mut().zip(h).zip(carried) {
        *to = reformat(*h, frac, q.out_frac);
        if let (Some(shift), Some(carried)) = (shift, carried) {
            *carried = ((*to as i32) << (shift & 31)) as u32;
        }
    }
}
