//! Outputs that take the place of a layer's own: those of the network in integers, for the straight-through estimator.
//!
//! In quantization-aware training the device's code computes a sequence, and the float network runs along it: a layer reads what
//! the integer layer before it gave, its equations give what the backward pass needs, and its output and carried state are then
//! replaced by those of the integer layer. So the loss is that of the device, and gradients pass rounding as if it were
//! the identity (Bengio et al. 2013).

use get_size2::GetSize;

use super::pool::lengths;
use crate::Float;
use crate::batch::Frames;

/// What a layer of the integer network computed over one sequence.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IntegerStates {
    /// Width of the output.
    pub width: usize,
    /// `[steps, width]`: its output; one step after a pool. Empty where the layer is none of the device, and keeps its own output.
    pub out: Vec<f32>,
    /// `[steps, width]`: its carried state, where it is kept apart from the output; else empty.
    pub carried: Vec<f32>,
}

/// The same of all sequences of a batch.
#[derive(Clone, Debug, Default, GetSize)]
pub struct Given<F> {
    /// `[steps, size, width]`: the output.
    pub out: Vec<F>,
    /// `[steps, size, width]`: the carried state, or empty.
    pub carried: Vec<F>,
}

impl<F: Float> Given<F> {
    /// Lays out the states of sequences, the longest first, row by row.
    pub fn fill(&mut self, rows: &[&IntegerStates]) {
        let Some(longest) = rows.first() else { return };
        let width = longest.width.max(1);
        let side_by_side = |of: &dyn Fn(&IntegerStates) -> &[f32], to: &mut Vec<F>| {
            to.clear();
            to.resize(of(longest).len() * rows.len(), F::ZERO);
            for (row, states) in rows.iter().enumerate() {
                for (t, step) in of(states).chunks_exact(width).enumerate() {
                    let to = &mut to[(t * rows.len() + row) * width..][..width];
                    to.iter_mut().zip(step).for_each(|(to, v)| *to = F::of(f64::from(*v)));
                }
            }
        };
        side_by_side(&|s| &s.out, &mut self.out);
        side_by_side(&|s| &s.carried, &mut self.carried);
    }

    /// Columns `from..from + width` of states of `whole` columns; of a direction that reads from the end, in its own order of time.
    pub fn part(&self, frames: Frames<'_, F>, [whole, from, width]: [usize; 3], reverse: bool) -> Self {
        let cut = |values: &[F]| {
            let mut to = vec![F::ZERO; values.len() / whole * width];
            for (row, length) in lengths(frames.rows, frames.size).enumerate().filter(|_| !values.is_empty()) {
                for t in 0..length {
                    let step = if reverse { length - 1 - t } else { t };
                    let value = &values[(t * frames.size + row) * whole + from..][..width];
                    to[(step * frames.size + row) * width..][..width].copy_from_slice(value);
                }
            }
            to
        };
        Given { out: cut(&self.out), carried: cut(&self.carried) }
    }
}
