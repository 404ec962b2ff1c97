//! A delay line: past frames beside the present one.
//!
//! ```text
//! y_t = [x_t; x_(t-s); ...; x_(t-Ks); u_t; u_(t-s); ...; u_(t-Js)]
//! ```
//! u being the tail of a frame and x the rest of it; both are 0 before the first step.

use super::{Below, Tape};
use crate::Float;
use crate::batch::Frames;

/// The delay line.
#[derive(Clone, Copy, Debug)]
pub struct Delay {
    /// Columns of a frame, tail and all.
    pub inputs: usize,
    /// K
    pub taps: usize,
    /// s
    pub stride: usize,
    /// Columns of the tail.
    pub tail: usize,
    /// J
    pub tail_taps: usize,
}

impl Delay {
    /// Columns of the output.
    pub fn width(&self) -> usize {
        (self.inputs - self.tail) * (self.taps + 1) + self.tail * (self.tail_taps + 1)
    }

    /// For every block of the output: its first column, the steps it lies back, the frame's first column, the width.
    fn blocks(self) -> impl Iterator<Item = (usize, usize, usize, usize)> {
        let body = self.inputs - self.tail;
        (0..=self.taps).map(move |k| (k * body, k * self.stride, 0, body)).chain(self.tail_blocks())
    }

    /// The blocks of the tail.
    pub fn tail_blocks(self) -> impl Iterator<Item = (usize, usize, usize, usize)> {
        let body = self.inputs - self.tail;
        (0..=self.tail_taps).map(move |k| (body * (self.taps + 1) + k * self.tail, k * self.stride, body, self.tail))
    }

    /// Step `t` of the output.
    pub fn step<F: Float>(&self, input: Frames<'_, F>, t: usize, out: &mut [F]) {
        for (row, out) in out.chunks_exact_mut(self.width()).take(input.rows[t]).enumerate() {
            for (column, back, from, n) in self.blocks() {
                let out = &mut out[column..column + n];
                match t.checked_sub(back) {
                    Some(t) => out.copy_from_slice(&input.row(t, row)[from..from + n]),
                    None => out.fill(F::ZERO),
                }
            }
        }
    }

    pub fn forward<F: Float>(&self, input: Frames<'_, F>, tape: &mut Tape<F>) {
        let width = self.width();
        tape.shape(input.rows, input.size, width, 0);
        for t in 0..input.steps() {
            self.step(input, t, &mut tape.out[t * input.size * width..]);
        }
    }

    pub fn backward<F: Float>(&self, tape: &Tape<F>, below: Option<Below<'_, F>>) {
        let Some(mut below) = below else { return };
        let (steps, width) = (tape.rows.len(), tape.width);
        let reads = |t: usize| self.blocks().any(|(_, back, ..)| tape.touched.get(t + back) == Some(&true));
        for t in (0..steps).filter(|&t| reads(t)) {
            let dx = below.step(t).chunks_exact_mut(self.inputs).take(tape.rows[t]);
            for (row, dx) in dx.enumerate() {
                dx.fill(F::ZERO);
                for (column, back, from, n) in self.blocks() {
                    if tape.rows.get(t + back).is_none_or(|&rows| rows <= row) || !tape.touched[t + back] {
                        continue;
                    }
                    let d = &tape.dout[((t + back) * tape.size + row) * width + column..][..n];
                    dx[from..from + n].iter_mut().zip(d).for_each(|(dx, d)| *dx += *d);
                }
            }
        }
    }
}
