//! The first half of a depthwise separable convolution: a filter of each channel over the frames that a delay line gives.

use std::ops::Range;

use anyhow::{Result, ensure};
use elman_integer::IntegerLayer;
use elman_integer::ptq::frac_for;

use super::{Backward, Forward, Output, Run};
use crate::Float;

/// y_c = Σ_k d_kc x_kc, x being `kernel` frames side by side, and d `[kernel, channels]`.
#[derive(Clone, Debug)]
pub struct Depthwise {
    /// Elements of y, and of each frame.
    pub channels: usize,
    /// Where d is among the parameters.
    pub d: Range<usize>,
}

/// Most frames that the device's layer reads: a word has a weight of each, and a shift.
pub const MOST_KERNEL: usize = 3;

/// y + a b
fn add<F: Float>(y: &mut F, a: F, b: F) {
    let mut product = a;
    product *= b;
    *y += product;
}

impl<F: Float> Run<F> for Depthwise {
    type Tape = ();

    fn forward(&self, pass: Forward<'_, F>, out: &mut Output<F>, _: &mut ()) {
        let (input, d, n) = (pass.input, &pass.parameters[self.d.clone()], self.channels);
        out.shape(input.rows, input.size, n, 0);
        for (t, step) in out.values.chunks_exact_mut(input.size * n).enumerate() {
            for (row, y) in step.chunks_exact_mut(n).enumerate().take(input.rows[t]) {
                y.fill(F::ZERO);
                for (x, d) in input.row(t, row).chunks_exact(n).zip(d.chunks_exact(n)) {
                    y.iter_mut().zip(x).zip(d).for_each(|((y, x), d)| add(y, *x, *d));
                }
            }
        }
    }

    fn backward(&self, pass: Backward<'_, F>, out: &mut Output<F>, _: &mut ()) {
        let Backward { parameters, input, gradient, mut below, .. } = pass;
        let (d, n) = (&parameters[self.d.clone()], self.channels);
        let dd = &mut gradient[self.d.clone()];
        for t in (0..input.steps()).filter(|t| out.touched[*t]) {
            let rows = out.gradient[t * input.size * n..].chunks_exact(n).take(input.rows[t]).enumerate();
            let mut dx = below.as_mut().map(|below| below.step(t));
            for (row, dy) in rows {
                for (x, dd) in input.row(t, row).chunks_exact(n).zip(dd.chunks_exact_mut(n)) {
                    dd.iter_mut().zip(x).zip(dy).for_each(|((dd, x), dy)| add(dd, *x, *dy));
                }
                let Some(dx) = &mut dx else { continue };
                for (dx, d) in dx[row * input.width..][..input.width].chunks_exact_mut(n).zip(d.chunks_exact(n)) {
                    for ((dx, d), dy) in dx.iter_mut().zip(d).zip(dy) {
                        *dx = *d;
                        *dx *= *dy;
                    }
                }
            }
        }
    }
}

/// The device's layer of d over frames with `in_frac` fraction bits: a power of two is the scale of each channel, and the output holds
/// what any frame makes.
///
/// # Errors
/// Where an element of d is no number.
pub fn rounded(d: &[f32], channels: usize, in_frac: u8) -> Result<IntegerLayer> {
    ensure!(d.iter().all(|d| d.is_finite()), "depthwise: a weight is not a number; the training run diverged");
    let kernel = d.len() / channels.max(1);
    let of = |c: usize| (0..kernel).map(move |k| f64::from(d[k * channels + c]));
    let sum = (0..channels).map(|c| of(c).map(f64::abs).sum::<f64>()).fold(0.0, f64::max);
    let out_frac = frac_for(sum * 2f64.powi(15 - i32::from(in_frac)), 16, 0, 15);
    let word = |c: usize| {
        let largest = of(c).map(f64::abs).fold(1e-6, f64::max);
        // y·2^out = Σ q x·2^(in - shift)
        let free = (127.0 / largest).log2().floor() as i32 + i32::from(in_frac) - i32::from(out_frac);
        let shift = free.clamp(0, 30);
        let unit = 2f64.powi(shift - i32::from(in_frac) + i32::from(out_frac));
        let byte = |v: f64| (v * unit).round().clamp(-127.0, 127.0) as i8 as u8;
        let mut bytes = [0, 0, 0, shift as u8];
        bytes.iter_mut().zip(of(c)).take(MOST_KERNEL).for_each(|(to, v)| *to = byte(v));
        let [a, b, c, shift] = bytes;
        (i16::from_le_bytes([a, b]), i16::from_le_bytes([c, shift]))
    };
    Ok(IntegerLayer {
        variant: "depthwise".to_owned(),
        inputs: kernel * channels,
        units: channels,
        in_frac,
        out_frac,
        params: [kernel as u16, 0, 0, 0],
        scale: (0..channels).map(word).collect(),
        ..IntegerLayer::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_keeps_each_channel_to_a_part_of_its_largest_weight() {
        let d = [0.9, -0.01, 0.0, 0.3, 0.02, 0.0, -0.5, 0.0, 0.0];
        let layer = rounded(&d, 3, 12).unwrap();
        assert_eq!((layer.inputs, layer.units, layer.params[0], layer.in_frac), (9, 3, 3, 12));
        // Σ|d| is 1.7, so that the output needs a bit more.
        assert_eq!(layer.out_frac, 11);
        for (c, (low, high)) in layer.scale.iter().enumerate() {
            let ([w0, w1], [w2, shift]) = (low.to_le_bytes(), high.to_le_bytes());
            let unit = 2f64.powi(i32::from(shift) + i32::from(layer.out_frac) - 12);
            let largest = (0..3).map(|k| d[k * 3 + c].abs()).fold(0.0, f32::max);
            for (k, w) in [w0, w1, w2].into_iter().enumerate() {
                let back = f64::from(w as i8) / unit;
                assert!((back - f64::from(d[k * 3 + c])).abs() <= f64::from(largest) / 126.0, "{c} {k}: {back}");
            }
        }
        assert!(rounded(&[f32::NAN], 1, 12).is_err());
    }
}
