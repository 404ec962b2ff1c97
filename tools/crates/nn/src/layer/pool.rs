//! Pooling over time: one vector of a sequence.

use anyhow::Result;
use elman::cell::OutRange;
use elman_integer::IntegerLayer;
use elman_integer::ptq::out_frac;
use get_size2::GetSize;
use serde::{Deserialize, Serialize};

use super::{Backward, Built, Forward, LayerKind, Output, Reads, Rounding, Run, Site};
use crate::Float;

/// Makes one vector of a sequence: the last step of it, or the mean, the sum or the largest value of each element over
/// its steps. Without such a layer the network has one output per step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pool {
    /// Of which steps.
    pub over: Over,
}

/// How a sequence becomes one vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Over {
    /// The last step of the sequence.
    Last,
    /// The mean over the steps of the sequence.
    Mean,
    /// The sum over the steps of the sequence.
    Sum,
    /// Of each element the largest over the steps of the sequence.
    Max,
    /// The first half at the last step and the second half at the first: after a layer of both directions the last
    /// state of each.
    Ends,
}

impl Over {
    /// All of them.
    pub const ALL: [Over; 5] = [Over::Last, Over::Mean, Over::Sum, Over::Max, Over::Ends];
}

impl LayerKind for Pool {
    fn reads(&self) -> Reads {
        Reads::Sequence
    }

    fn build<F: Float>(&self, _: &Site<'_>) -> Built<F> {
        Built::one(*self)
    }

    fn device(&self) -> Vec<&str> {
        match self.over {
            // The device's last output is that of the last step.
            Over::Last => vec![],
            Over::Mean => vec!["mean"],
            Over::Sum => vec!["sum"],
            Over::Max => vec!["max"],
            Over::Ends => vec!["ends"],
        }
    }

    fn quantize(&self, layer: &Rounding<'_>) -> Result<Vec<IntegerLayer>> {
        let round = |variant| {
            let plain = layer.plain(variant);
            match self.over {
                Over::Sum => {
                    let out_frac = out_frac(OutRange::Calibrated, true, layer.in_frac, layer.ranges);
                    IntegerLayer { out_frac, ..plain }
                }
                Over::Last | Over::Mean | Over::Max | Over::Ends => plain,
            }
        };
        Ok(self.device().into_iter().map(round).collect())
    }

    fn samples() -> Vec<Self> {
        Over::ALL.map(|over| Pool { over }).to_vec()
    }
}

/// Steps of the sequence in every row.
pub fn lengths(rows: &[usize], size: usize) -> impl Iterator<Item = usize> + '_ {
    (0..size).map(|row| rows.partition_point(|&running| running > row))
}

/// What pooling keeps.
#[derive(Clone, Debug, Default, GetSize)]
pub struct PoolTape {
    /// `[size, width]`: the step of each largest value, where these are taken.
    of: Vec<usize>,
}

impl<F: Float> Run<F> for Pool {
    type Tape = PoolTape;

    fn forward(&self, Forward { input, .. }: Forward<'_, F>, out: &mut Output<F>, tape: &mut PoolTape) {
        let (width, half) = (input.width, input.width.div_ceil(2));
        out.shape(&[input.size], input.size, width, 0);
        tape.of.resize(input.size * width, 0);
        for (row, length) in lengths(input.rows, input.size).enumerate() {
            let out = &mut out.values[row * width..][..width];
            match self.over {
                Over::Last => out.copy_from_slice(input.row(length - 1, row)),
                Over::Ends => {
                    let (last, first) = out.split_at_mut(half);
                    last.copy_from_slice(&input.row(length - 1, row)[..half]);
                    first.copy_from_slice(&input.row(0, row)[half..]);
                }
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

    fn backward(&self, Backward { input, below, .. }: Backward<'_, F>, out: &mut Output<F>, tape: &mut PoolTape) {
        let Some(below) = below else { return };
        let (width, half) = (input.width, input.width.div_ceil(2));
        let mut touch = |t: usize| {
            let step = &mut below.gradient[t * below.size * width..][..below.size * width];
            if !std::mem::replace(&mut below.touched[t], true) {
                step.fill(F::ZERO);
            }
        };
        for length in lengths(input.rows, out.size) {
            match self.over {
                Over::Last => touch(length - 1),
                Over::Ends => [0, length - 1].into_iter().for_each(&mut touch),
                Over::Mean | Over::Sum | Over::Max => (0..length).for_each(&mut touch),
            }
        }
        for (row, length) in lengths(input.rows, out.size).enumerate() {
            let d = &out.gradient[row * width..][..width];
            let mut write = |t: usize, scale: F| {
                let to = &mut below.gradient[(t * below.size + row) * width..][..width];
                to.iter_mut().zip(d).for_each(|(to, d)| {
                    *to = *d;
                    *to *= scale;
                });
            };
            match self.over {
                Over::Last => write(length - 1, F::of(1.0)),
                Over::Ends => {
                    for (t, part) in [(length - 1, 0..half), (0, half..width)] {
                        let to = &mut below.gradient[(t * below.size + row) * width..][..width];
                        to[part.clone()].copy_from_slice(&d[part]);
                    }
                }
                // Of equals, the first step has the gradient; what the others get is 0.
                Over::Max => {
                    (0..length).for_each(|t| write(t, F::ZERO));
                    for ((k, of), d) in tape.of[row * width..][..width].iter().enumerate().zip(d) {
                        below.gradient[(of * below.size + row) * width + k] = *d;
                    }
                }
                Over::Sum => (0..length).for_each(|t| write(t, F::of(1.0))),
                Over::Mean => (0..length).for_each(|t| write(t, F::of(1.0 / length as f64))),
            }
        }
    }
}
