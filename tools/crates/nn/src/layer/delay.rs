//! A delay line: past frames next to the present one.
//!
//! ```text
//! y_t = [x_t; x_(t-s); ...; x_(t-Ks); u_t; u_(t-s); ...; u_(t-Js)]
//! ```
//! u being the tail of a frame and x the others of its elements; both are 0 before the first step.

use anyhow::Result;
use elman_integer::IntegerLayer;
use serde::{Deserialize, Serialize};

use super::{Backward, Built, Forward, LayerKind, Output, Place, Reads, Rounding, Run, Site};
use crate::Float;
use crate::batch::Frames;

/// A delay line: y_t = [x_t; x_(t-s); ...; x_(t-Ks)], 0 before the first step. With a dense layer after it, a
/// time-delay network and a causal 1-D convolution of kernel K + 1 and dilation s.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delay {
    /// K, of all but the last `tail` elements of x.
    pub taps: usize,
    /// s
    #[serde(default = "one")]
    pub stride: usize,
    /// Last elements of x, which have a number of taps of their own and come last in y.
    #[serde(default)]
    pub tail: usize,
    /// K of the last `tail` elements.
    #[serde(default)]
    pub tail_taps: usize,
}

/// Default of a stride.
fn one() -> usize {
    1
}

impl LayerKind for Delay {
    fn reads(&self) -> Reads {
        Reads::Steps
    }

    fn width(&self, inputs: usize) -> usize {
        inputs.saturating_sub(self.tail) * (self.taps + 1) + self.tail * (self.tail_taps + 1)
    }

    fn check(&self, Place { inputs, .. }: Place) -> Result<(), String> {
        let Delay { taps, stride, tail, tail_taps } = *self;
        let nothing = (tail == 0 && tail_taps > 0) || (tail == inputs && taps > 0);
        if stride == 0 || tail > inputs || nothing {
            return Err(format!(
                "a delay with stride = {stride}, tail = {tail}, taps = {taps} and tail_taps = {tail_taps}: the tail is no wider than its \
                 frames of {inputs} values, and taps are only of values that there are (tail_taps of the tail, taps of the others)"
            ));
        }
        Ok(())
    }

    fn build<F: Float>(&self, _: &Site<'_>) -> Built<F> {
        Built::one(*self)
    }

    fn device(&self) -> Vec<&str> {
        vec!["delay"]
    }

    fn quantize(&self, layer: &Rounding<'_>) -> Result<Vec<IntegerLayer>> {
        Ok(vec![self.rounded(layer)])
    }

    fn samples() -> Vec<Self> {
        vec![Delay { taps: 2, stride: 2, tail: 0, tail_taps: 0 }, Delay { taps: 1, stride: 1, tail: 1, tail_taps: 3 }]
    }
}

impl Delay {
    /// The device's layer.
    pub fn rounded(&self, layer: &Rounding<'_>) -> IntegerLayer {
        let params = [self.taps, self.stride, self.tail, self.tail_taps];
        IntegerLayer {
            units: self.width(layer.inputs),
            params: params.map(|p| p.min(usize::from(u16::MAX)) as u16),
            ..layer.plain("delay")
        }
    }

    /// For every block of the output: its first column, the steps it lies back, the frame's first column, the width.
    fn blocks(self, inputs: usize) -> impl Iterator<Item = (usize, usize, usize, usize)> {
        let body = inputs - self.tail;
        (0..=self.taps).map(move |k| (k * body, k * self.stride, 0, body)).chain(self.tail_blocks(inputs))
    }

    /// The blocks of the tail.
    pub fn tail_blocks(self, inputs: usize) -> impl Iterator<Item = (usize, usize, usize, usize)> {
        let body = inputs - self.tail;
        (0..=self.tail_taps).map(move |k| (body * (self.taps + 1) + k * self.tail, k * self.stride, body, self.tail))
    }

    /// Step `t` of the output.
    pub fn step<F: Float>(&self, input: Frames<'_, F>, t: usize, out: &mut [F]) {
        for (row, out) in out.chunks_exact_mut(self.width(input.width)).take(input.rows[t]).enumerate() {
            for (column, back, from, n) in self.blocks(input.width) {
                let out = &mut out[column..column + n];
                match t.checked_sub(back) {
                    Some(t) => out.copy_from_slice(&input.row(t, row)[from..from + n]),
                    None => out.fill(F::ZERO),
                }
            }
        }
    }
}

impl<F: Float> Run<F> for Delay {
    type Tape = ();

    fn forward(&self, Forward { input, .. }: Forward<'_, F>, out: &mut Output<F>, _: &mut ()) {
        let width = self.width(input.width);
        out.shape(input.rows, input.size, width, 0);
        for t in 0..input.steps() {
            self.step(input, t, &mut out.values[t * input.size * width..]);
        }
    }

    fn backward(&self, Backward { input, below, .. }: Backward<'_, F>, out: &mut Output<F>, _: &mut ()) {
        let Some(mut below) = below else { return };
        let (steps, width, inputs) = (out.rows.len(), out.width, input.width);
        let reads = |t: usize| self.blocks(inputs).any(|(_, back, ..)| out.touched.get(t + back) == Some(&true));
        for t in (0..steps).filter(|&t| reads(t)) {
            let dx = below.step(t).chunks_exact_mut(inputs).take(out.rows[t]);
            for (row, dx) in dx.enumerate() {
                dx.fill(F::ZERO);
                for (column, back, from, n) in self.blocks(inputs) {
                    if out.rows.get(t + back).is_none_or(|&rows| rows <= row) || !out.touched[t + back] {
                        continue;
                    }
                    let d = &out.gradient[((t + back) * out.size + row) * width + column..][..n];
                    dx[from..from + n].iter_mut().zip(d).for_each(|(dx, d)| *dx += *d);
                }
            }
        }
    }
}
