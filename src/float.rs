//! The border to real numbers: f32 in, f32 out, for users whose data is not i16 yet. Feature `float`, by micromath.
//!
//! The network itself never computes in float.
//!
//! ```
//! use elman::float;
//!
//! let (mut frame, mut back) = ([0; 4], [0.0; 4]);
//! let clipped = float::quantize(&[0.5, -1.25, 3.0e9, f32::NAN], 8, &mut frame);
//! assert_eq!((frame, clipped), ([128, -320, i16::MAX, 0], 2));
//! float::dequantize(&frame, 8, &mut back);
//! assert_eq!(back[..2], [0.5, -1.25]);
//! ```

use crate::blob::Model;
use crate::net::Output;
use crate::scaling::{Channel, InputScaling, OutputScaling};
use micromath::F32Ext;

/// 2^frac, of 0 to 15 fraction bits.
fn scale(frac: u8) -> f32 {
    (1u32 << frac.min(15)) as f32
}

/// floor(y + 1/2), saturated at 32 bits; a NaN becomes 0.
fn round(y: f32) -> i32 {
    // Rounds towards 0 and saturates; a NaN is 0. The fraction that is left is exact: y + 1/2 in f32 would not be.
    let whole = y as i32;
    match y - whole as f32 {
        f if f >= 0.5 => whole.saturating_add(1),
        f if f < -0.5 => whole.saturating_sub(1),
        _ => whole,
    }
}

/// 2^frac for the fraction bits of readings.
fn power_of_two(frac: i8) -> f32 {
    f32::from_bits((127i32.wrapping_add(frac.into()).max(1) as u32) << 23)
}

/// Numbers to elements with `frac` fraction bits: floor(x·2^frac + 1/2), saturated; a NaN becomes 0. How many do not fit:
/// saturated ones and NaNs. `values` and `elements` are of the same length, which a debug assertion checks; without it only
/// as many as the shorter has are computed.
///
/// For a frame of a model `frac` is [`Model::in_frac`]; see [`Model::quantize`].
pub fn quantize(values: &[f32], frac: u8, elements: &mut [i16]) -> usize {
    debug_assert_eq!(values.len(), elements.len(), "values and elements are of one length");
    let mut clipped = 0usize;
    for (value, element) in values.iter().zip(elements) {
        let rounded = round(value * scale(frac));
        let saturated = rounded.clamp(i16::MIN.into(), i16::MAX.into());
        clipped = clipped.wrapping_add((saturated != rounded || value.is_nan()).into());
        *element = saturated as i16;
    }
    clipped
}

/// Elements with `frac` fraction bits as numbers: x / 2^frac, exactly. `elements` and `values` are of the same length, as in
/// [`quantize`].
pub fn dequantize(elements: &[i16], frac: u8, values: &mut [f32]) {
    debug_assert_eq!(elements.len(), values.len(), "elements and values are of one length");
    for (element, value) in elements.iter().zip(values) {
        *value = f32::from(*element) / scale(frac);
    }
}

/// Softmax of logits with `frac` fraction bits: p_k = exp(y_k) / Σ exp(y_j), with a relative error of at most 0.5 %. The
/// lengths are as in [`quantize`].
///
/// [`Output::softmax`] needs no float and is what a detector uses; this one also tells small probabilities apart.
pub fn softmax(logits: &[i16], frac: u8, p: &mut [f32]) {
    debug_assert_eq!(logits.len(), p.len(), "logits and probabilities are of one length");
    let top = i32::from(logits.iter().copied().max().unwrap_or(0));
    let mut sum = 0.0;
    for (y, p) in logits.iter().zip(p.iter_mut()) {
        *p = F32Ext::exp(i32::from(*y).wrapping_sub(top) as f32 / scale(frac));
        sum += *p;
    }
    p.iter_mut().for_each(|p| *p /= sum);
}

/// Level of a block of samples in dBFS: 20 log10(RMS / 2^15), to within 0.01 dB. A square wave at full scale has 0, a sine at
/// full scale -3.01, a block of zeros or of no samples -∞. A bias counts: subtract it before.
pub fn level_dbfs(samples: &[i16]) -> f32 {
    // 10 log10(2^30)
    const FULL_SCALE: f32 = 90.309;
    let sum = samples.iter().fold(0u64, |sum, x| sum.wrapping_add(u64::from(x.unsigned_abs()).wrapping_pow(2)));
    match sum {
        0 => f32::NEG_INFINITY,
        _ => 10.0 * (F32Ext::log10(sum as f32) - F32Ext::log10(samples.len() as f32)) - FULL_SCALE,
    }
}

impl Model<'_> {
    /// Numbers in the unit that the model was trained on as a frame: [`InputScaling::quantize_f32`], or
    /// [`float::quantize`](quantize) of a model without it.
    pub fn quantize(&self, values: &[f32], frame: &mut [i16]) -> usize {
        match self.input_scaling() {
            Some(scaling) => scaling.quantize_f32(values, frame),
            None => quantize(values, self.in_frac(), frame),
        }
    }

    /// The outputs in the unit that the model was trained on: [`OutputScaling::restore_f32`], or [`Output::dequantize`] of
    /// a model without it.
    pub fn dequantize(&self, output: &Output<'_>, values: &mut [f32]) {
        match self.output_scaling() {
            Some(scaling) => scaling.restore_f32(output.logits, values),
            None => output.dequantize(values),
        }
    }
}

impl Channel {
    /// The reading of a number: floor(v·2^raw_frac + 1/2), and whether an i32 holds it. A NaN becomes 0 and has none.
    pub fn reading(&self, value: f32) -> (i32, bool) {
        let y = value * power_of_two(self.raw_frac);
        (round(y), (-2_147_483_648.0..2_147_483_648.0).contains(&y))
    }

    /// The number that a reading stands for, raw / 2^raw_frac, rounded to an f32.
    pub fn number(&self, raw: i32) -> f32 {
        raw as f32 * power_of_two(self.raw_frac.saturating_neg())
    }
}

impl InputScaling<'_> {
    /// Numbers in the unit that the model was trained on as a frame: each becomes a reading ([`Channel::reading`]), and this an
    /// element as in [`InputScaling::quantize_i32`]. How many do not fit: saturated ones and NaNs.
    pub fn quantize_f32(&self, values: &[f32], frame: &mut [i16]) -> usize {
        self.each(values, frame, |channel, value| {
            let (raw, fits) = channel.reading(*value);
            let (element, saturated) = channel.quantize(raw);
            (element, saturated || !fits)
        })
    }
}

impl OutputScaling<'_> {
    /// Outputs in the unit that the model was trained on: [`OutputScaling::restore_i32`], then [`Channel::number`].
    pub fn restore_f32(&self, outputs: &[i16], values: &mut [f32]) {
        debug_assert_eq!(outputs.len(), values.len(), "outputs and values are of one length");
        for ((channel, y), value) in self.channels().zip(outputs).zip(values) {
            *value = channel.number(channel.restore(*y));
        }
    }
}

impl Output<'_> {
    /// [`float::dequantize`](dequantize) of the outputs: logits, or the prediction in the unit that the model was trained on.
    pub fn dequantize(&self, values: &mut [f32]) {
        dequantize(self.logits, self.frac, values);
    }

    /// [`float::softmax`](softmax) of the logits.
    pub fn softmax_f32(&self, p: &mut [f32]) {
        softmax(self.logits, self.frac, p);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;
    use std::vec::Vec;

    fn quantized(value: f32, frac: u8) -> (i16, usize) {
        let mut element = [7];
        let clipped = quantize(&[value], frac, &mut element);
        (element[0], clipped)
    }

    #[test]
    fn rounds_half_up_and_saturates() {
        for (value, frac, expected) in [
            (0.0, 0, (0, 0)),
            (0.5, 0, (1, 0)),
            (-0.5, 0, (0, 0)),
            (1.5, 0, (2, 0)),
            (-1.5, 0, (-1, 0)),
            (-1.500_000_1, 0, (-2, 0)),
            (0.499_999_97, 0, (0, 0)), // + 1/2 in f32 is 1
            (1.0, 15, (i16::MAX, 1)),
            (-1.0, 15, (i16::MIN, 0)),
            (32767.49, 0, (i16::MAX, 0)),
            (32767.5, 0, (i16::MAX, 1)),
            (-32768.5, 0, (i16::MIN, 0)),
            (-32768.6, 0, (i16::MIN, 1)),
            (f32::INFINITY, 3, (i16::MAX, 1)),
            (f32::NEG_INFINITY, 3, (i16::MIN, 1)),
            (f32::MAX, 15, (i16::MAX, 1)),
            (f32::NAN, 3, (0, 1)),
            (f32::MIN_POSITIVE, 15, (0, 0)),
        ] {
            assert_eq!(quantized(value, frac), expected, "{value} with {frac} fraction bits");
        }
    }

    /// Against f64, which holds every product and sum here exactly.
    #[test]
    fn is_the_definition() {
        let mut seed = 1u32;
        for k in 0..200_000u32 {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let (value, frac) = (f32::from_bits(seed), (k % 16) as u8);
            if value.is_nan() {
                continue;
            }
            let exact = (f64::from(value) * f64::from(1u32 << frac) + 0.5).floor();
            let clipped = !(-32768.0..=32767.0).contains(&exact);
            assert_eq!(quantized(value, frac), (exact as i16, clipped.into()), "{value} {frac}");
        }
        for frac in 0..16 {
            for x in i16::MIN..=i16::MAX {
                let mut value = [0.0];
                dequantize(&[x], frac, &mut value);
                assert_eq!(quantized(value[0], frac), (x, 0));
            }
        }
    }

    /// Against f64, which holds every product and sum here exactly, or is beyond an i32.
    #[test]
    fn readings_are_the_definition() {
        let mut seed = 3u32;
        for k in 0..400_000u32 {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let channel = Channel { raw_frac: ((k % 201) as i16 - 100) as i8, ..Channel::default() };
            // Of any magnitude, and near an i32's ends.
            let value = match k % 3 {
                0 => f32::from_bits(seed),
                _ => (seed as i32 >> (k % 32)) as f32 * power_of_two(channel.raw_frac.saturating_neg()) * 0.5,
            };
            if value.is_nan() {
                assert_eq!(channel.reading(value), (0, false));
                continue;
            }
            let y = f64::from(value) * 2f64.powi(channel.raw_frac.into());
            let exact = y.floor() + f64::from(u8::from(y - y.floor() >= 0.5));
            let fits = (-2_147_483_648.0..=2_147_483_647.0).contains(&exact);
            assert_eq!(channel.reading(value), (exact as i32, fits), "{value} {channel:?}");
        }
        for raw_frac in -100..=100 {
            assert_eq!(f64::from(power_of_two(raw_frac)), 2f64.powi(raw_frac.into()));
            let channel = Channel { raw_frac, ..Channel::default() };
            for raw in [i32::MIN, -1 << 24, -1, 0, 1, 12_345, 1 << 24] {
                // Beyond what an f32 holds.
                if raw_frac < -96 && raw < -1 << 24 {
                    continue;
                }
                assert_eq!(channel.reading(channel.number(raw)), (raw, true), "{raw_frac} {raw}");
            }
        }
    }

    #[test]
    fn frames_are_quantized_as_readings_are() {
        let pascal = Channel { raw_frac: 4, offset: 101_325 << 4, shift: 16, multiplier: 671_089 };
        let words = pascal.to_words();
        let (scaling, outputs) = (InputScaling::new(&words), OutputScaling::new(&words));
        let mut frame = [0];
        for (value, expected) in [
            (101_325.0, (0, 0)),
            (101_375.0, (8192, 0)),
            (101_325.03, (10, 0)), // a reading has 4 fraction bits
            (0.0, (i16::MIN, 1)),
            (f32::INFINITY, (i16::MAX, 1)),
            (f32::NAN, (i16::MIN, 1)),
        ] {
            let count = scaling.quantize_f32(&[value], &mut frame);
            assert_eq!((frame[0], count), expected, "{value}");
            let (raw, fits) = pascal.reading(value);
            assert_eq!(pascal.quantize(raw).0, frame[0]);
            assert!(fits || count == 1);
        }
        let mut back = [0.0];
        outputs.restore_f32(&[100], &mut back);
        assert_eq!(back, [101_325.0 + 1024.0 / 16.0]);
    }

    #[test]
    fn softmax_is_near_the_definition() {
        let mut seed = 5u32;
        let mut worst = 0.0f64;
        for k in 0..2000 {
            let logits: Vec<i16> = (0..1 + k % 32)
                .map(|_| {
                    seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (seed >> 20) as i16 - 2048
                })
                .collect();
            let mut p = vec![0.0; logits.len()];
            Output { logits: &logits, frac: 8 }.softmax_f32(&mut p);
            let e: Vec<f64> = logits.iter().map(|y| (f64::from(*y) / 256.0).exp()).collect();
            let sum: f64 = e.iter().sum();
            for (p, e) in p.iter().zip(&e) {
                worst = worst.max((f64::from(*p) * sum / e - 1.0).abs());
            }
            assert!((p.iter().sum::<f32>() - 1.0).abs() < 1e-5);
        }
        assert!(worst < 5e-3, "{worst}");
        let mut p = [0.0; 3];
        softmax(&[i16::MIN, i16::MAX, i16::MAX], 0, &mut p);
        assert_eq!(p, [0.0, 0.5, 0.5]);
        softmax(&[], 15, &mut []);
    }

    #[test]
    fn levels_in_db() {
        let db = |samples: &[i16], expected: f32| {
            let level = level_dbfs(samples);
            assert!((level - expected).abs() < 0.01, "{level} {expected}");
        };
        assert_eq!((level_dbfs(&[]), level_dbfs(&[0; 100])), (f32::NEG_INFINITY, f32::NEG_INFINITY));
        db(&[i16::MIN; 320], 0.0);
        db(&[i16::MAX, i16::MIN], 0.0);
        db(&[1], -90.309);
        db(&[0, 0, 0, 2], -90.309);
        let sine: Vec<i16> =
            (0..1600).map(|n| (32767.0 * (f64::from(n) * core::f64::consts::TAU / 16.0).sin()) as i16).collect();
        db(&sine, -3.0103);
        for n in [3, 100, 30_000] {
            for x in [1, 7, 100, 3000, 30_000i16] {
                db(&vec![x; n], 20.0 * (f32::from(x) / 32768.0).log10());
            }
        }
    }
}
