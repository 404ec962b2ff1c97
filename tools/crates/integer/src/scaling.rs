//! The scale layer in front of a network: raw features to mean 0 and deviation 1, in the device's integers.
//!
//! It is fixed before training, and the network is trained on what it gives: inputs carry no quantization error.

use elman::arith::round_shift;

use super::IntegerLayer;

/// Fraction bits of scaled features: Q2.13, so ±4 deviations.
pub const SCALED_FRAC: u8 = 13;

/// Sums of features over the training set.
#[derive(Clone, Debug, Default)]
pub struct Moments {
    frames: u64,
    sums: Vec<f64>,
    squares: Vec<f64>,
}

impl Moments {
    /// Adds the frames of a clip, `channels` features each.
    pub fn add(&mut self, features: &[i16], channels: usize) {
        self.sums.resize(channels, 0.0);
        self.squares.resize(channels, 0.0);
        for frame in features.chunks_exact(channels.max(1)) {
            self.frames += 1;
            for ((x, sum), square) in frame.iter().zip(&mut self.sums).zip(&mut self.squares) {
                *sum += *x as f64;
                *square += *x as f64 * *x as f64;
            }
        }
    }

    /// The layer that takes features of `in_frac` fraction bits to mean 0 and deviation 1 in [`SCALED_FRAC`].
    pub fn layer(&self, in_frac: u8) -> IntegerLayer {
        let n = self.frames.max(1) as f64;
        let moments: Vec<(f64, f64)> = (self.sums.iter().zip(&self.squares))
            .map(|(s, q)| (s / n, (q / n - (s / n).powi(2)).max(1.0).sqrt()))
            .collect();
        // A multiplier is 2^shift·2^SCALED_FRAC/deviation, the deviation in units of the feature.
        let largest = moments.iter().fold(0f64, |m, (_, d)| m.max(2f64.powi(SCALED_FRAC as i32) / d));
        let shift = (0..=30).rev().find(|s| largest * 2f64.powi(*s) <= i16::MAX as f64).unwrap_or(0);
        let scale = moments
            .iter()
            .map(|(mean, deviation)| {
                let m = 2f64.powi(shift + SCALED_FRAC as i32) / deviation;
                (mean.round() as i16, m.round().min(i16::MAX as f64) as i16)
            })
            .collect();
        IntegerLayer {
            variant: "scale".to_owned(),
            inputs: self.sums.len(),
            units: self.sums.len(),
            in_frac,
            out_frac: SCALED_FRAC,
            carried_frac: shift as u8,
            scale,
            ..IntegerLayer::default()
        }
    }
}

/// What the scale layer gives for `features`, as real numbers: the trainer's input.
pub fn scaled(layer: &IntegerLayer, features: &[i16]) -> Vec<f32> {
    let unit = 2f32.powi(-(layer.out_frac as i32));
    features
        .chunks_exact(layer.inputs.max(1))
        .flat_map(|frame| frame.iter().zip(&layer.scale))
        .map(|(x, (offset, m))| {
            let product = (*x as i32 - *offset as i32).wrapping_mul(*m as i32);
            let y = round_shift(product, layer.carried_frac as u32).clamp(i16::MIN as i32, i16::MAX as i32);
            y as f32 * unit
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synthetic::Numbers;
    use crate::{IntegerModel, words_of};
    use elman::blob::{Blob, Model, Readout};

    #[test]
    fn scales_as_the_device_does() {
        let mut numbers = Numbers(9);
        let features: Vec<i16> = (0..3000)
            .map(|k| numbers.between(-300, 300) as i16 * [1, 10, 90][k % 3] + [0, 500, -3000][k % 3])
            .collect();
        let mut moments = Moments::default();
        moments.add(&features, 3);
        let layer = moments.layer(9);
        let x = scaled(&layer, &features);
        for k in 0..3 {
            let v: Vec<f32> = x.iter().skip(k).step_by(3).copied().collect();
            let mean = v.iter().sum::<f32>() / v.len() as f32;
            let deviation = (v.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / v.len() as f32).sqrt();
            assert!(mean.abs() < 0.01 && (deviation - 1.0).abs() < 0.01, "{mean} {deviation}");
        }
        let model = IntegerModel {
            name: "scale".into(),
            readout: Readout::EveryStep,
            layers: vec![layer],
            ..IntegerModel::default()
        };
        let words = words_of(&model.to_blob().unwrap()).unwrap();
        let model = Model::load(Blob::new(&words)).unwrap();
        let mut memory = vec![0; model.memory_words()];
        let mut net = model.stream(&mut memory).unwrap();
        for (frame, x) in features.chunks(3).zip(x.chunks(3)) {
            let y: Vec<f32> = net.step(frame).logits.iter().map(|y| *y as f32 / 8192.0).collect();
            assert_eq!(y, x);
        }
    }
}
