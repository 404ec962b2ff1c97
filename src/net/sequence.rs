//! A whole sequence at a time, layer by layer: for models with layers that read it from the end.

use super::{Output, RunError};
use crate::blob::{Direction, Model, Structure};
use crate::cell::{LayerView, split_mut};
use crate::kernel::layout::vector_words;
use crate::kernel::{put, word};
use crate::memory::first_words;
use crate::plan::{Buffers, SequencePlan};

/// A model that runs whole sequences, in the caller's memory.
///
/// Each layer runs over all steps before the next begins, a backward one from the last step to the first. Vectors of
/// all steps are in two buffers, which the layers read from and write to alternately; the layer that runs has its states
/// after them. States begin at zero in each sequence.
///
/// ```
/// # fn run(model: &elman::Model<'_>, memory: &mut [u32], frames: &[i16]) -> Result<(), elman::RunError> {
/// let mut net = model.sequence(memory)?; // `model.memory_words()` words
/// let outputs = net.run(frames)?; // `[steps, model.inputs()]`
/// for (t, output) in outputs.iter().enumerate() {
///     println!("step {t}: {:?}", output.argmax().and_then(|k| model.label(k)));
/// }
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Sequence<'m, 'b> {
    model: &'m Model<'b>,
    memory: &'m mut [u32],
    most: usize,
}

/// The outputs of a sequence, a vector a step.
#[derive(Clone, Copy, Debug)]
pub struct Outputs<'s> {
    pub(super) words: &'s [u32],
    pub(super) steps: usize,
    pub(super) stride: usize,
    pub(super) width: usize,
    pub(super) frac: u8,
}

impl<'b> Model<'b> {
    /// Words of memory for sequences of up to `steps`. For a model with [`Model::max_steps`] and as many steps it is
    /// [`Model::memory_words`].
    pub fn sequence_words(&self, steps: usize) -> usize {
        SequencePlan::of(self.layers()).words(steps)
    }

    /// Runs sequences in `memory`. A model with [`Model::max_steps`] needs [`Model::memory_words`]; any other, which
    /// could be a stream as well, takes sequences as long as `memory` can hold ([`Model::sequence_words`]).
    ///
    /// # Errors
    /// [`RunError::Memory`] where `memory` is too small, for even one step where no longest sequence is stated;
    /// [`RunError::WrongRunner`] where the structure is no sequence.
    pub fn sequence<'m>(&'m self, memory: &'m mut [u32]) -> Result<Sequence<'m, 'b>, RunError> {
        if self.structure() != Structure::Sequence {
            return Err(RunError::WrongRunner { structure: self.structure() });
        }
        let provided = memory.len();
        let plan = SequencePlan::of(self.layers());
        let most = match self.max_steps() {
            0 => provided.saturating_sub(plan.widest).checked_div(plan.buffers.words()).unwrap_or(0).max(1),
            steps => steps,
        };
        let required = plan.words(most);
        let memory = first_words(memory, required)?;
        Ok(Sequence { model: self, memory, most })
    }
}

impl<'m, 'b> Sequence<'m, 'b> {
    /// The model.
    pub fn model(&self) -> &'m Model<'b> {
        self.model
    }

    /// Steps of the longest sequence that it takes.
    pub fn max_steps(&self) -> usize {
        self.most
    }

    /// Runs a sequence: `frames` is `[steps, inputs]`, frame after frame. A model with feedback reads the previous
    /// outputs from the frames (teacher forced).
    ///
    /// # Errors
    /// [`RunError::Frames`] where `frames` is no whole number of frames, [`RunError::TooLong`] where there are more than
    /// [`Sequence::max_steps`].
    pub fn run(&mut self, frames: &[i16]) -> Result<Outputs<'_>, RunError> {
        let SequencePlan { buffers, .. } = SequencePlan::of(self.model.layers());
        let Vectors { words, stride, steps } =
            run_layers(self.model.layers(), self.model.inputs(), frames, buffers, self.most, self.memory)?;
        Ok(Outputs { words, steps, stride, width: self.model.outputs(), frac: self.model.out_frac() })
    }
}

/// What the last of some layers gave: a vector at the front of each `stride` words.
pub(super) struct Vectors<'s> {
    pub words: &'s [u32],
    pub stride: usize,
    pub steps: usize,
}

/// Runs layers over whole frames, at most `most`, in memory of two buffers and what the widest layer needs.
pub(super) fn run_layers<'s>(
    layers: &[LayerView<'_>],
    inputs: usize,
    frames: &[i16],
    buffers: Buffers,
    most: usize,
    memory: &'s mut [u32],
) -> Result<Vectors<'s>, RunError> {
    let steps = frames.len().checked_div(inputs).unwrap_or(0);
    if steps.wrapping_mul(inputs) != frames.len() {
        return Err(RunError::Frames { elements: frames.len(), inputs });
    }
    if steps > most {
        return Err(RunError::TooLong { steps, most });
    }
    let (even, rest) = split_mut(memory, buffers.even.saturating_mul(most));
    let (odd, scratch) = split_mut(rest, buffers.odd.saturating_mul(most));
    let mut from = VectorBuffer { words: odd, stride: buffers.odd };
    let mut to = VectorBuffer { words: even, stride: buffers.even };
    for (t, frame) in frames.chunks_exact(inputs.max(1)).enumerate() {
        put(to.vector(t, 0, inputs), frame);
    }
    let (mut at, mut every) = (0, 1usize);
    for layer in layers {
        match layer.direction() {
            // What was written last is read now.
            Direction::Forward => {
                core::mem::swap(&mut from, &mut to);
                at = 0;
            }
            Direction::Backward => {}
        }
        pass(layer, scratch, &mut from, &mut to, at, Steps { all: steps, every });
        at = layer.units();
        every = every.saturating_mul(layer.stride());
    }
    let VectorBuffer { words, stride } = to;
    Ok(Vectors { words, stride, steps })
}

/// A buffer of vectors of `stride` words.
pub(super) struct VectorBuffer<'m> {
    pub(super) words: &'m mut [u32],
    pub(super) stride: usize,
}

impl VectorBuffer<'_> {
    /// Elements `at..at + n` of the vector of step `t`.
    pub(super) fn vector(&mut self, t: usize, at: usize, n: usize) -> &mut [i16] {
        let start = t.wrapping_mul(self.stride);
        let words = self.words.get_mut(start..start.wrapping_add(self.stride)).unwrap_or_default();
        word::halves_mut(words).get_mut(at..at.wrapping_add(n)).unwrap_or_default()
    }
}

/// The steps of a sequence, and those of them that a layer takes: every so many from the first on.
#[derive(Clone, Copy)]
struct Steps {
    all: usize,
    every: usize,
}

/// Runs a layer over all of its steps; its output goes to element `at` of each vector, also of the steps up to its next one.
fn pass(
    layer: &LayerView<'_>,
    scratch: &mut [u32],
    from: &mut VectorBuffer<'_>,
    to: &mut VectorBuffer<'_>,
    at: usize,
    Steps { all, every }: Steps,
) {
    let (inputs, units) = (layer.inputs(), layer.units());
    let (own, out) = split_mut(scratch, layer.memory_words());
    let out = out.get_mut(..vector_words(units)).unwrap_or_default();
    own.fill(0);
    out.fill(0);
    for k in 0..all {
        let t = match layer.direction() {
            Direction::Forward => k,
            Direction::Backward => all.wrapping_sub(k).wrapping_sub(1),
        };
        if t.checked_rem(every) != Some(0) {
            continue;
        }
        put(word::halves_mut(own), from.vector(t, 0, inputs));
        layer.step(own, out);
        for t in (t..all).take(every) {
            put(to.vector(t, at, units), word::halves(out));
        }
    }
}

impl<'s> Outputs<'s> {
    /// Steps of the sequence.
    pub fn len(&self) -> usize {
        self.steps
    }

    /// Whether the sequence had no steps.
    pub fn is_empty(&self) -> bool {
        self.steps == 0
    }

    /// The output of step `t`; `None` beyond the sequence.
    pub fn get(&self, t: usize) -> Option<Output<'s>> {
        if t >= self.steps {
            return None;
        }
        let start = t.checked_mul(self.stride)?;
        let words = self.words.get(start..start.checked_add(self.stride)?)?;
        Some(Output { logits: word::halves(words).get(..self.width)?, frac: self.frac })
    }

    /// The output of the last step: the answer of a model from sequence to class.
    pub fn last(&self) -> Option<Output<'s>> {
        self.get(self.steps.checked_sub(1)?)
    }

    /// The outputs of all steps, in order.
    pub fn iter(&self) -> impl Iterator<Item = Output<'s>> + use<'s> {
        let all = *self;
        (0..self.steps).filter_map(move |t| all.get(t))
    }
}
