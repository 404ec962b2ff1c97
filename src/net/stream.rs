//! A step per frame, state kept between calls.

use super::{RunError, Sampler, chain};
use crate::arith::softmax;
use crate::blob::{Model, Structure};
use crate::cell::LayerView;
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
pub struct Output<'s> {
    /// The last layer's outputs.
    pub logits: &'s [i16],
    /// Their fraction bits.
    pub frac: u8,
}

impl Output<'_> {
    /// Index of the greatest score, the first of equals.
    pub fn argmax(&self) -> usize {
        let mut best = (0, i16::MIN);
        for (k, s) in self.logits.iter().enumerate() {
            if *s > best.1 {
                best = (k, *s);
            }
        }
        best.0
    }

    /// Probabilities in Q0.15, as [`softmax`] computes them.
    pub fn softmax(&self, p: &mut [u16]) {
        softmax(self.logits, self.frac, p);
    }
}

impl<'b> Model<'b> {
    /// A stream over `memory`, which needs [`Model::memory_words`]; states are zeroed.
    ///
    /// # Errors
    /// [`RunError::Memory`] where `memory` is too small, [`RunError::SequenceOnly`] where a layer reads backward,
    /// [`RunError::WrongRunner`] where the structure is no sequence.
    pub fn stream<'m>(&'m self, memory: &'m mut [u32]) -> Result<Stream<'m, 'b>, RunError> {
        if self.structure() != Structure::Sequence {
            return Err(RunError::WrongRunner { structure: self.structure() });
        }
        if self.max_steps() > 0 {
            return Err(RunError::SequenceOnly { max_steps: self.max_steps() });
        }
        let memory = first_words(memory, self.memory_words)?;
        memory.fill(0);
        Ok(Stream { model: self, memory })
    }
}

impl<'m, 'b> Stream<'m, 'b> {
    /// The model.
    pub fn model(&self) -> &'m Model<'b> {
        self.model
    }

    /// One time step: takes a frame of [`Model::inputs`] elements, advances all states, gives the output.
    /// Missing elements of `frame` are read as 0, surplus ones are not read.
    ///
    /// A model with [`Model::feedback`] runs in closed loop where `frame` ends before the elements fed back: they are
    /// then its own previous output (0 at first). With a whole frame it is teacher forced.
    pub fn step(&mut self, frame: &[i16]) -> Output<'_> {
        self.advance(frame);
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
                (drawn as u16).saturating_add(1)
            }
            _ => 0,
        }
    }

    /// The part of a step that changes states. Saves the head's work where only the last output counts.
    pub fn advance(&mut self, frame: &[i16]) {
        let inputs = self.model.inputs();
        let provided = copy_elements(self.memory, frame.get(..inputs).unwrap_or(frame));
        if provided < inputs {
            word::halves_mut(self.memory).get_mut(provided..inputs).unwrap_or_default().fill(0);
        }
        if self.model.feedback() == 0 {
            run(self.model, self.memory);
        } else if let Some(step) = self.model.operations.feedback {
            step(self.model, self.memory, provided);
        }
    }

    /// The output for the states as they are: the layers after the last that carries state.
    pub fn output(&mut self) -> Output<'_> {
        let head = self.model.layers.get(self.model.body..).unwrap_or_default();
        if !head.is_empty() {
            chain::step(head, self.memory.get_mut(self.model.body_words..).unwrap_or_default());
        }
        let logits = word::halves(self.memory.get(output_at(self.model)..).unwrap_or_default());
        Output { logits: logits.get(..self.model.outputs()).unwrap_or_default(), frac: self.model.out_frac() }
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
        let Some((layer, memory)) = self.layer_memory(k) else { return &[] };
        let at = if layer.recurrent() { layer.input_words() } else { layer.memory_words() };
        word::halves(memory.get(at..).unwrap_or_default()).get(..layer.units()).unwrap_or_default()
    }

    /// Carried state of layer `k` in the layer's format: c of an LSTM, the 32-bit h of a GRU, the sum of a mean.
    pub fn carried_state(&self, k: usize) -> &[i32] {
        let Some((layer, memory)) = self.layer_memory(k) else { return &[] };
        let at = layer.vector_words();
        word::signed(memory.get(at..at + layer.carried_words()).unwrap_or_default())
    }

    /// Layer `k`, and the memory from its own part on.
    fn layer_memory(&self, k: usize) -> Option<(&LayerView<'b>, &[u32])> {
        let before: usize = self.model.layers.iter().take(k).map(LayerView::memory_words).sum();
        Some((self.model.layers.get(k)?, self.memory.get(before..)?))
    }
}

/// Where in a stream's memory the output is.
pub(super) fn output_at(model: &Model<'_>) -> usize {
    model.memory_words.saturating_sub(vector_words(model.outputs()))
}

/// Runs the layers up to the last that carries state.
#[inline(always)]
pub(super) fn run(model: &Model<'_>, memory: &mut [u32]) {
    let body = model.layers.get(..model.body).unwrap_or_default();
    if !body.is_empty() {
        chain::step(body, memory);
    }
}
