//! What layers keep of a forward pass for the backward pass. Memory is reused from batch to batch.

use std::any::Any;
use std::fmt::Debug;
use std::ops::Range;

use get_size2::{GetSize, GetSizeTracker};

use crate::batch::Frames;
use crate::budget::{Part, timed};
use crate::loss::{Score, Target};
use crate::{Float, Pass};

/// A layer's output, and the gradient that comes back to it: what every layer has.
#[derive(Clone, Debug, Default, GetSize)]
pub struct Output<F> {
    /// Rows of the output in use at every step.
    pub rows: Vec<usize>,
    /// Rows of every matrix.
    pub size: usize,
    /// Columns.
    pub width: usize,
    /// Steps before the first in `values`: 1 where they start with the initial state.
    pub lead: usize,
    /// `[lead + steps, size, width]`: the output, y.
    pub values: Vec<F>,
    /// `[steps, size, width]`: ∂L/∂y.
    pub gradient: Vec<F>,
    /// Steps at which `gradient` is not 0; the others' memory is stale.
    pub touched: Vec<bool>,
}

/// Makes a vector `n` long without the room to grow that a vector takes for itself: what a batch needs is what
/// [`Workspace`](crate::Workspace) holds. What is new is 0.
pub(crate) fn fit<F: Float>(v: &mut Vec<F>, n: usize) {
    v.reserve_exact(n.saturating_sub(v.len()));
    v.resize(n, F::ZERO);
}

impl<F: Float> Output<F> {
    /// Takes the shape of an output and makes memory for it.
    pub fn shape(&mut self, rows: &[usize], size: usize, width: usize, lead: usize) {
        self.rows.clear();
        self.rows.extend_from_slice(rows);
        (self.size, self.width, self.lead) = (size, width, lead);
        fit(&mut self.values, (lead + rows.len()) * size * width);
        self.values[..lead * size * width].fill(F::ZERO);
    }

    /// Takes `values`, `[steps, size, width]`, in place of what was computed.
    pub fn replace(&mut self, values: &[F]) {
        self.values[self.lead * self.size * self.width..].copy_from_slice(values);
    }

    /// The output.
    pub fn frames(&self) -> Frames<'_, F> {
        let data = &self.values[self.lead * self.size * self.width..];
        Frames { data, rows: &self.rows, size: self.size, width: self.width }
    }

    /// The output to read, and its gradient to write.
    pub fn split(&mut self) -> (Frames<'_, F>, Below<'_, F>) {
        let Output { rows, size, width, lead, values, gradient, touched } = self;
        let (size, width) = (*size, *width);
        let frames = Frames { data: &values[*lead * size * width..], rows, size, width };
        (frames, Below { gradient, touched, size, width })
    }

    /// Makes memory for ∂L/∂y, 0 at every step.
    pub fn clear_gradient(&mut self) {
        self.touched.clear();
        self.touched.resize(self.rows.len(), false);
        fit(&mut self.gradient, self.rows.len() * self.size * self.width);
    }

    /// Scores the output against the targets of its rows and writes ∂L/∂y, which is 0 before.
    pub fn score(&mut self, targets: &[&Target], pass: Pass<'_>) -> Score {
        let (frames, below) = self.split();
        let Below { gradient, touched, size, width } = below;
        let mut write = |t: usize, row: usize, d: &[F]| {
            if !std::mem::replace(&mut touched[t], true) {
                gradient[t * size * width..][..size * width].fill(F::ZERO);
            }
            gradient[(t * size + row) * width..][..width].copy_from_slice(d);
        };
        timed(Part::Loss, || pass.loss.score(frames, targets, pass.classes, pass.scale, Some(&mut write)))
    }
}

/// The gradient of what a layer read, to be written: of the output of the layer below, or of the input.
#[derive(Debug)]
pub struct Below<'a, F> {
    /// `[steps, size, width]`
    pub gradient: &'a mut [F],
    /// Steps written.
    pub touched: &'a mut [bool],
    /// Rows of every matrix.
    pub size: usize,
    /// Columns.
    pub width: usize,
}

impl<F: Float> Below<'_, F> {
    /// The gradient of these steps, to be written whole.
    pub fn steps(&mut self, steps: Range<usize>) -> &mut [F] {
        self.touched[steps.clone()].fill(true);
        &mut self.gradient[steps.start * self.size * self.width..steps.end * self.size * self.width]
    }

    /// The same memory, for one of several that write to it.
    pub fn again(&mut self) -> Below<'_, F> {
        Below { gradient: self.gradient, touched: self.touched, size: self.size, width: self.width }
    }

    /// The gradient of step `t`, to be written whole.
    pub fn step(&mut self, t: usize) -> &mut [F] {
        self.steps(t..t + 1)
    }
}

/// What one kind of layer keeps in addition to its output: a type of its own in the layer's file.
pub trait Kept: Any + Debug + Send + Sync {
    /// Bytes of it.
    fn bytes(&self) -> usize;
}

impl<T: Any + Debug + Send + Sync + GetSize> Kept for T {
    fn bytes(&self) -> usize {
        self.get_size()
    }
}

/// All that a layer keeps.
#[derive(Debug, Default)]
pub struct Tape<F> {
    /// What every layer has.
    pub output: Output<F>,
    own: Option<Box<dyn Kept>>,
}

impl<F: Float> Tape<F> {
    /// The output, and what the layer keeps in addition; made where the tape has none yet.
    pub fn parts<T: Kept + Default>(&mut self) -> (&mut Output<F>, &mut T) {
        let fits = self.own.as_deref().is_some_and(|own| (own as &dyn Any).is::<T>());
        if !fits {
            self.own = Some(Box::new(T::default()));
        }
        let own = self.own.as_deref_mut().and_then(|own| (own as &mut dyn Any).downcast_mut());
        (&mut self.output, own.expect("it was made above"))
    }
}

impl<F: GetSize> GetSize for Tape<F> {
    fn get_heap_size_with_tracker<T: GetSizeTracker>(&self, tracker: T) -> (usize, T) {
        let (bytes, tracker) = self.output.get_heap_size_with_tracker(tracker);
        (bytes + self.own.as_deref().map_or(0, Kept::bytes), tracker)
    }
}
