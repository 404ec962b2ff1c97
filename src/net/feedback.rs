//! Models that read their own output.

use super::stream;
use crate::arith::reformat;
use crate::blob::{Model, Operations};
use crate::cell::split_mut;
use crate::kernel::word;

impl Operations {
    /// And models that read their own output.
    pub const fn with_feedback(mut self) -> Self {
        self.feedback = Some(step);
        self
    }
}

/// A step: `memory` has a frame of `provided` elements and 0 after them. Without the elements fed back the loop is closed.
#[inline(never)]
fn step(model: &Model<'_>, memory: &mut [u32], provided: usize) {
    close_loop(model, memory, provided);
    stream::run(model, memory);
    if model.descriptor().increments {
        increment(model, memory);
    }
}

/// The layers' memory, the output after it, and where in the input the elements fed back are.
fn parts<'s>(model: &Model<'_>, memory: &'s mut [u32]) -> (&'s mut [u32], &'s mut [u32], core::ops::Range<usize>) {
    let at = model.external_inputs();
    let (layers, output) = split_mut(memory, stream::output_at(model));
    (layers, output, at..model.inputs())
}

/// Where the frame ended before the elements fed back, puts the previous output there.
fn close_loop(model: &Model<'_>, memory: &mut [u32], provided: usize) {
    let (layers, output, fed_back) = parts(model, memory);
    if provided > fed_back.start {
        return;
    }
    let fed_back = word::halves_mut(layers).get_mut(fed_back).unwrap_or_default();
    let (from, to) = (model.out_frac(), model.in_frac());
    for (x, y) in fed_back.iter_mut().zip(word::halves(output)) {
        *x = reformat(*y, from, to);
    }
}

/// Adds the previous output, which the frame has, to what the layers gave.
fn increment(model: &Model<'_>, memory: &mut [u32]) {
    let (layers, output, fed_back) = parts(model, memory);
    let (from, to) = (model.in_frac(), model.out_frac());
    let previous = word::halves(layers).get(fed_back).unwrap_or_default();
    for (y, x) in word::halves_mut(output).iter_mut().zip(previous) {
        *y = y.saturating_add(reformat(*x, from, to));
    }
}
