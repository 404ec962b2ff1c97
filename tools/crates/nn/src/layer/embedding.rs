//! Symbols as vectors: a learnt row each, or a unit vector each.

use super::{Place, Tape};
use crate::Float;
use crate::batch::Frames;

/// `y_t = E[x_t]`: a table of rows.
#[derive(Clone, Debug)]
pub struct Embedding {
    /// Symbols.
    pub rows: usize,
    /// Width of a row.
    pub units: usize,
    /// Where E lies, as W.
    pub place: Place,
}

/// y_t is 1 at element x_t and 0 elsewhere.
#[derive(Clone, Copy, Debug)]
pub struct OneHot {
    /// Symbols.
    pub rows: usize,
}

/// The row of a symbol: index 0, the unknown symbol, where it is out of range.
fn row<F: Float>(symbol: F, rows: usize) -> usize {
    // The cast saturates; NaN becomes 0.
    let index = symbol.f64() as usize;
    if index < rows { index } else { 0 }
}

impl Embedding {
    pub fn forward<F: Float>(&self, parameters: &[F], input: Frames<'_, F>, tape: &mut Tape<F>) {
        tape.shape(input.rows, input.size, self.units, 0);
        let table = &parameters[self.place.w.clone()];
        for t in 0..input.steps() {
            let out = tape.out[t * input.size * self.units..].chunks_exact_mut(self.units);
            for (out, symbol) in out.zip(input.step(t)) {
                out.copy_from_slice(&table[row(*symbol, self.rows) * self.units..][..self.units]);
            }
        }
    }

    /// Adds to the rows in use only.
    pub fn backward<F: Float>(&self, input: Frames<'_, F>, tape: &Tape<F>, gradient: &mut [F]) {
        let table = &mut gradient[self.place.w.clone()];
        for t in (0..input.steps()).filter(|&t| tape.touched[t]) {
            let dout = tape.dout[t * input.size * self.units..].chunks_exact(self.units);
            for (d, symbol) in dout.zip(input.step(t)) {
                let to = &mut table[row(*symbol, self.rows) * self.units..][..self.units];
                to.iter_mut().zip(d).for_each(|(to, d)| *to += *d);
            }
        }
    }
}

impl OneHot {
    pub fn forward<F: Float>(&self, input: Frames<'_, F>, tape: &mut Tape<F>) {
        tape.shape(input.rows, input.size, self.rows, 0);
        for t in 0..input.steps() {
            let out = tape.out[t * input.size * self.rows..].chunks_exact_mut(self.rows);
            for (out, symbol) in out.zip(input.step(t)) {
                out.fill(F::ZERO);
                out[row(*symbol, self.rows)] = F::of(1.0);
            }
        }
    }
}
