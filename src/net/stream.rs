//! A step per frame, state kept between calls.

use super::{RunError, Sampler};
use crate::arith::{Logit, Probability, probability, softmax};
use crate::blob::{Model, Structure};
use crate::cell::{LayerView, chain};
use crate::kernel::layout::vector_words;
use crate::kernel::{copy_elements, put, word};
use crate::memory::{MemoryError, first_words};

/// Words of a snapshot beyond the stream's memory: the mark of the model.
pub const SNAPSHOT_EXTRA_WORDS: usize = 1;

/// A model that runs: hidden and cell states in the caller's memory.
///
/// A step is total: it cannot fail, panic or allocate, and takes the same path for every input. States change
/// only by [`Stream::step`], [`Stream::advance`], [`Stream::reset`] and [`Stream::restore`].
#[derive(Debug)]
pub struct Stream<'m, 'b> {
    model: &'m Model<'b>,
    memory: &'m mut [u32],
}

/// The output of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Output<'s> {
    /// The last layer's outputs.
    pub logits: &'s [i16],
    /// Their fraction bits.
    pub frac: u8,
}

impl Output<'_> {
    /// The class: index of the greatest logit, the first of equals; `None` where there are no logits.
    /// [`Model::label`] is its name.
    pub fn argmax(&self) -> Option<u16> {
        // Below every i16, so that the first logit is above it.
        let mut best = (None, i32::MIN);
        for (k, y) in self.logits.iter().enumerate() {
            if i32::from(*y) > best.1 {
                best = (Some(k as u16), i32::from(*y));
            }
        }
        best.0
    }

    /// Logit `k` as a number, exactly; `None` where there is none.
    pub fn logit(&self, k: u16) -> Option<Logit> {
        let y = i32::from(*self.logits.get(usize::from(k))?);
        Some(Logit::from_bits(y << 16u32.saturating_sub(self.frac.into())))
    }

    /// Probabilities: p_k = exp(y_k) / Σ exp(y_j) of the logits y, as [`softmax`] computes them.
    /// Only as many as the shorter of logits and `p` has.
    pub fn softmax(&self, p: &mut [Probability]) {
        softmax(self.logits, self.frac, probability::bits_mut(p));
    }
}

impl<'b> Model<'b> {
    /// A stream over `memory`, which needs [`Model::memory_words`]; states are zeroed.
    ///
    /// # Errors
    /// [`RunError::Memory`] where `memory` is too small, [`RunError::SequenceOnly`] where a layer reads backward,
    /// [`RunError::WrongRunner`] where the structure is no sequence.
    pub fn stream<'m>(&'m self, memory: &'m mut [u32]) -> Result<Stream<'m, 'b>, RunError> {
        self.check_streams()?;
        let memory = first_words(memory, self.memory_words)?;
        memory.fill(0);
        Ok(Stream { model: self, memory })
    }

    /// Whether the model runs as a stream.
    #[inline]
    pub(crate) fn check_streams(&self) -> Result<(), RunError> {
        if self.structure() != Structure::Sequence {
            return Err(RunError::WrongRunner { structure: self.structure() });
        }
        if self.max_steps() > 0 {
            return Err(RunError::SequenceOnly { max_steps: self.max_steps() });
        }
        Ok(())
    }
}

impl<'m, 'b> Stream<'m, 'b> {
    /// A stream whose states `memory` has, of a model that [runs as one](Model::check_streams): exactly as many words.
    #[inline(always)]
    pub(crate) fn resume(model: &'m Model<'b>, memory: &'m mut [u32]) -> Self {
        Stream { model, memory }
    }

    /// The model.
    pub fn model(&self) -> &'m Model<'b> {
        self.model
    }

    /// One time step: takes a frame of [`Model::inputs`] elements, advances all states, gives the output.
    ///
    /// A frame of another length is a mistake of the caller, which a build with debug assertions reports by a panic.
    /// A build without them, as a release is, runs on: missing elements are read as 0, surplus ones are not read.
    /// [`Stream::try_step`] returns an error instead.
    ///
    /// A model with [`Model::feedback`] is teacher forced: the last elements of the frame are the outputs of the
    /// previous step as the caller knows them. In [`Stream::step_closed`] they are the model's own.
    pub fn step(&mut self, frame: &[i16]) -> Output<'_> {
        self.advance(frame);
        self.output()
    }

    /// [`Stream::step`], or an error where the frame's length is not [`Model::inputs`]; states stay as they were then.
    ///
    /// # Errors
    /// [`RunError::FrameLength`].
    pub fn try_step(&mut self, frame: &[i16]) -> Result<Output<'_>, RunError> {
        check_frame(frame, self.model.inputs())?;
        Ok(self.step(frame))
    }

    /// One time step in closed loop, of a model with [`Model::feedback`]: `frame` has [`Model::external_inputs`] elements,
    /// and the elements fed back are the model's own previous output, 0 at first. Another length is treated as in
    /// [`Stream::step`]. Of a model without feedback it is [`Stream::step`].
    pub fn step_closed(&mut self, frame: &[i16]) -> Output<'_> {
        self.advance_closed(frame);
        self.output()
    }

    /// [`Stream::step`] or, where the frame has [`Model::external_inputs`] elements, [`Stream::step_closed`]: one body for
    /// firmware that is asked by a PC which of them to run.
    #[doc(hidden)]
    pub fn step_by_length(&mut self, frame: &[i16]) -> Output<'_> {
        self.enter(frame, frame.len(), self.model.inputs());
        self.output()
    }

    /// One time step of a model that reads symbols.
    pub fn step_symbol(&mut self, symbol: u16) -> Output<'_> {
        self.step(&[symbol as i16])
    }

    /// Takes a symbol and draws the next, for a model whose outputs are the symbols that it reads. The unknown symbol,
    /// 0, is not drawn where there is another.
    pub fn next_symbol(&mut self, symbol: u16, sampler: &mut Sampler) -> u16 {
        let Output { logits, frac } = self.step_symbol(symbol);
        match logits.split_first() {
            Some((_, known)) if !known.is_empty() => {
                let drawn = sampler.draw(&Output { logits: known, frac });
                drawn.map_or(0, |k| k.saturating_add(1))
            }
            _ => 0,
        }
    }

    /// The part of a step that changes states. Saves the head's work where only the last output counts.
    pub fn advance(&mut self, frame: &[i16]) {
        let inputs = self.model.inputs();
        self.enter(frame, inputs, inputs);
    }

    /// The part of [`Stream::step_closed`] that changes states.
    pub fn advance_closed(&mut self, frame: &[i16]) {
        self.enter(frame, self.model.external_inputs(), self.model.inputs());
    }

    /// Takes a frame of `required` elements, with 0 for what is missing of all `inputs`, and runs the layers that carry state.
    #[inline(always)]
    fn enter(&mut self, frame: &[i16], required: usize, inputs: usize) {
        debug_assert!(frame.len() == required, "a frame of {} elements: the step reads {required}", frame.len());
        let provided = copy_elements(self.memory, frame.get(..required).unwrap_or(frame));
        if provided < inputs {
            word::halves_mut(self.memory).get_mut(provided..inputs).unwrap_or_default().fill(0);
        }
        match self.model.feedback_step {
            None => run(self.model, self.memory),
            Some(step) => step(self.model, self.memory, required),
        }
    }

    /// The output for the states as they are: the layers after the last that carries state.
    pub fn output(&mut self) -> Output<'_> {
        output(self.model, self.memory)
    }

    /// States as after [`Model::stream`].
    pub fn reset(&mut self) {
        self.memory.fill(0);
    }

    /// Words that [`Stream::snapshot`] writes.
    pub fn snapshot_words(&self) -> usize {
        self.memory.len() + SNAPSHOT_EXTRA_WORDS
    }

    /// Copies the states to `buffer`, which needs [`Stream::snapshot_words`].
    ///
    /// # Errors
    /// [`RunError::Memory`] where `buffer` is too small.
    pub fn snapshot(&self, buffer: &mut [u32]) -> Result<(), RunError> {
        if let Some((mark, states)) = first_words(buffer, self.snapshot_words())?.split_first_mut() {
            *mark = self.model.crc();
            put(states, self.memory);
        }
        Ok(())
    }

    /// Takes the states of a snapshot.
    ///
    /// # Errors
    /// [`RunError::Snapshot`] where it is another model's, [`RunError::Memory`] where it is too short; the states
    /// stay as they were.
    pub fn restore(&mut self, buffer: &[u32]) -> Result<(), RunError> {
        let (required, provided) = (self.snapshot_words(), buffer.len());
        let Some((mark, states)) = buffer.get(..required).and_then(<[u32]>::split_first) else {
            return Err(MemoryError { required, provided }.into());
        };
        if *mark != self.model.crc() {
            return Err(RunError::Snapshot { model: self.model.crc(), found: *mark });
        }
        put(self.memory, states);
        Ok(())
    }

    /// Hidden state of layer `k` (its output, where it is not recurrent), in the layer's format.
    pub fn hidden_state(&self, k: usize) -> &[i16] {
        hidden_state(self.model, self.memory, k)
    }

    /// Carried state of layer `k` in the layer's format: c of an LSTM, the 32-bit h of a GRU, the sum of a mean.
    pub fn carried_state(&self, k: usize) -> &[i32] {
        carried_state(self.model, self.memory, k)
    }
}

/// Whether a frame has as many elements as a step requires.
pub(crate) fn check_frame(frame: &[i16], required: usize) -> Result<(), RunError> {
    let provided = frame.len();
    if provided == required { Ok(()) } else { Err(RunError::FrameLength { required, provided }) }
}

/// Where in a stream's memory the output is.
pub(super) fn output_at(model: &Model<'_>) -> usize {
    model.memory_words.saturating_sub(vector_words(model.outputs()))
}

/// Runs the layers up to the last that carries state.
#[inline(always)]
pub(super) fn run(model: &Model<'_>, memory: &mut [u32]) {
    if let Some(run) = model.run {
        run(model.layers.get(..model.body).unwrap_or_default(), memory);
    }
}

/// [`Stream::output`] of a stream over `memory`.
#[inline(always)]
pub(crate) fn output<'s>(model: &Model<'_>, memory: &'s mut [u32]) -> Output<'s> {
    let head = model.layers.get(model.body..).unwrap_or_default();
    if !head.is_empty() {
        chain::step(head, memory.get_mut(model.body_words..).unwrap_or_default());
    }
    let logits = word::halves(memory.get(output_at(model)..).unwrap_or_default());
    Output { logits: logits.get(..model.outputs()).unwrap_or_default(), frac: model.out_frac() }
}

/// [`Stream::hidden_state`] of a stream over `memory`.
pub(crate) fn hidden_state<'s>(model: &Model<'_>, memory: &'s [u32], k: usize) -> &'s [i16] {
    let Some((layer, memory)) = layer_memory(model, memory, k) else { return &[] };
    let at = if layer.recurrent() { layer.input_words() } else { layer.memory_words() };
    word::halves(memory.get(at..).unwrap_or_default()).get(..layer.units()).unwrap_or_default()
}

/// [`Stream::carried_state`] of a stream over `memory`.
pub(crate) fn carried_state<'s>(model: &Model<'_>, memory: &'s [u32], k: usize) -> &'s [i32] {
    let Some((layer, memory)) = layer_memory(model, memory, k) else { return &[] };
    let (at, p) = (layer.vector_words(), layer.p_words());
    word::signed(memory.get(at + p..at + layer.carried_words()).unwrap_or_default())
}

/// Layer `k`, and the memory from its own part on.
fn layer_memory<'s, 'm, 'b>(
    model: &'m Model<'b>,
    memory: &'s [u32],
    k: usize,
) -> Option<(&'m LayerView<'b>, &'s [u32])> {
    let before: usize = model.layers.iter().take(k).map(LayerView::memory_words).sum();
    Some((model.layers.get(k)?, memory.get(before..)?))
}
