//! Pooling over time: one vector of a sequence.

use super::{Below, Tape};
use crate::Float;
use crate::batch::Frames;
use crate::spec::Over;

/// Takes the last step of every sequence, or the mean, the sum or the largest value of each element over its steps.
#[derive(Clone, Copy, Debug)]
pub struct Pool {
    /// Which.
    pub over: Over,
    /// Columns.
    pub width: usize,
}

/// Steps of the sequence in every row.
pub fn lengths(rows: &[usize], size: usize) -> impl Iterator<Item = usize> + '_ {
    (0..size).map(|row| rows.partition_point(|&running| running > row))
}

impl Pool {
    pub fn forward<F: Float>(&self, input: Frames<'_, F>, tape: &mut Tape<F>) {
        let width = self.width;
        tape.shape(&[input.size], input.size, width, 0);
        tape.of.resize(input.size * width, 0);
        for (row, length) in lengths(input.rows, input.size).enumerate() {
            let out = &mut tape.out[row * width..][..width];
            match self.over {
                Over::Last => out.copy_from_slice(input.row(length - 1, row)),
                Over::Max => {
                    let of = &mut tape.of[row * width..][..width];
                    of.fill(0);
                    out.copy_from_slice(input.row(0, row));
                    for t in 1..length {
                        for ((a, of), x) in out.iter_mut().zip(&mut *of).zip(input.row(t, row)) {
                            if *x > *a {
                                (*a, *of) = (*x, t);
                            }
                        }
                    }
                }
                Over::Mean | Over::Sum => {
                    out.copy_from_slice(input.row(0, row));
                    for t in 1..length {
                        out.iter_mut().zip(input.row(t, row)).for_each(|(a, x)| *a += *x);
                    }
                    if self.over == Over::Mean {
                        let scale = F::of(1.0 / length as f64);
                        out.iter_mut().for_each(|a| *a *= scale);
                    }
                }
            }
        }
    }

    pub fn backward<F: Float>(&self, rows: &[usize], tape: &Tape<F>, below: Option<Below<'_, F>>) {
        let Some(below) = below else { return };
        let width = self.width;
        let mut touch = |t: usize| {
            let step = &mut below.dout[t * below.size * width..][..below.size * width];
            if !std::mem::replace(&mut below.touched[t], true) {
                step.fill(F::ZERO);
            }
        };
        for length in lengths(rows, tape.size) {
            match self.over {
                Over::Last => touch(length - 1),
                Over::Mean | Over::Sum | Over::Max => (0..length).for_each(&mut touch),
            }
        }
        for (row, length) in lengths(rows, tape.size).enumerate() {
            let d = &tape.dout[row * width..][..width];
            let mut write = |t: usize, scale: F| {
                let to = &mut below.dout[(t * below.size + row) * width..][..width];
                to.iter_mut().zip(d).for_each(|(to, d)| {
                    *to = *d;
                    *to *= scale;
                });
            };
            match self.over {
                Over::Last => write(length - 1, F::of(1.0)),
                // Of equals, the first step has the gradient; what the others get is 0.
                Over::Max => {
                    (0..length).for_each(|t| write(t, F::ZERO));
                    for ((k, of), d) in tape.of[row * width..][..width].iter().enumerate().zip(d) {
                        below.dout[(of * below.size + row) * width + k] = *d;
                    }
                }
                Over::Sum => (0..length).for_each(|t| write(t, F::of(1.0))),
                Over::Mean => (0..length).for_each(|t| write(t, F::of(1.0 / length as f64))),
            }
        }
    }
}
