//! Dropout on what goes from layer to layer.

use anyhow::Result;
use elman_integer::IntegerLayer;
use get_size2::GetSize;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};

use super::{Backward, Built, Forward, LayerKind, Mode, Output, Place, Reads, Rounding, Run, Site, fit};
use crate::Float;

/// Sets a share of the values to 0 in training and scales the others so that the mean stays.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dropout {
    /// The share.
    pub rate: f32,
    /// One mask for all steps of a sequence, not one for each.
    #[serde(default)]
    pub variational: bool,
}

impl LayerKind for Dropout {
    fn reads(&self) -> Reads {
        Reads::Step
    }

    fn check(&self, _: Place) -> Result<(), String> {
        check_rate(self.rate)
    }

    fn build<F: Float>(&self, site: &Site<'_>) -> Built<F> {
        Built::one(Mask { dropout: *self, stream: site.stream(0) })
    }

    fn device(&self) -> Vec<&str> {
        vec![]
    }

    fn quantize(&self, _: &Rounding<'_>) -> Result<Vec<IntegerLayer>> {
        Ok(vec![])
    }

    fn samples() -> Vec<Self> {
        [false, true].map(|variational| Dropout { rate: 0.2, variational }).to_vec()
    }

    fn drops(&self) -> bool {
        self.rate > 0.0
    }
}

/// Dropout that drops everything, or less than nothing, is an error.
pub fn check_rate(rate: f32) -> Result<(), String> {
    match rate {
        0.0..1.0 => Ok(()),
        _ => Err("dropout must be at least 0 and below 1".to_owned()),
    }
}

/// Draws masks: 0 for the share that is dropped, 1 / (1 - share) for the rest.
pub struct Draw {
    random: ChaCha8Rng,
    rate: f32,
}

impl Draw {
    /// Masks of one purpose, `stream`, in a pass.
    pub fn new(seed: u64, stream: u64, rate: f32) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(stream);
        Self { random, rate }
    }

    /// Fills `mask`.
    pub fn fill<F: Float>(&mut self, mask: &mut [F]) {
        let keep = F::of(1.0 / (1.0 - f64::from(self.rate)));
        let below = (f64::from(self.rate) * 2f64.powi(32)) as u32;
        mask.iter_mut().for_each(|m| *m = if self.random.next_u32() < below { F::ZERO } else { keep });
    }
}

/// Dropout at a place in the network: layers draw different masks.
pub struct Mask {
    pub dropout: Dropout,
    pub stream: u64,
}

/// What dropout keeps.
#[derive(Clone, Debug, Default, GetSize)]
pub struct DropoutTape<F> {
    /// `[steps, size, width]`: the mask; empty where nothing was dropped.
    mask: Vec<F>,
}

impl<F: Float> Run<F> for Mask {
    type Tape = DropoutTape<F>;

    fn forward(&self, Forward { input, mode, .. }: Forward<'_, F>, out: &mut Output<F>, tape: &mut DropoutTape<F>) {
        out.shape(input.rows, input.size, input.width, 0);
        let n = input.size * input.width;
        let Mode::Train(seed) = mode else {
            tape.mask.clear();
            out.values.copy_from_slice(&input.data[..out.rows.len() * n]);
            return;
        };
        let mut draw = Draw::new(seed, self.stream, self.dropout.rate);
        fit(&mut tape.mask, input.steps() * n);
        for t in 0..input.steps() {
            let used = input.rows[t] * input.width;
            if self.dropout.variational && t > 0 {
                tape.mask.copy_within(..used, t * n);
            } else {
                draw.fill(&mut tape.mask[t * n..][..used]);
            }
            let out = &mut out.values[t * n..];
            for ((mask, out), x) in tape.mask[t * n..].iter().zip(out).zip(input.step(t)) {
                *out = *x;
                *out *= *mask;
            }
        }
    }

    fn backward(&self, Backward { below, .. }: Backward<'_, F>, out: &mut Output<F>, tape: &mut DropoutTape<F>) {
        let Some(mut below) = below else { return };
        let n = out.size * out.width;
        for t in (0..out.rows.len()).filter(|&t| out.touched[t]) {
            let used = out.rows[t] * out.width;
            let to = &mut below.step(t)[..used];
            to.copy_from_slice(&out.gradient[t * n..][..used]);
            if !tape.mask.is_empty() {
                to.iter_mut().zip(&tape.mask[t * n..]).for_each(|(to, mask)| *to *= *mask);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Dropout;
    use crate::{DropoutKind, LayerSpec, Mode, Network, NetworkSpec};

    fn network(layers: Vec<LayerSpec>) -> Network<f64> {
        Network::new(&NetworkSpec::sequence(4, layers), 1).unwrap()
    }

    #[test]
    fn a_variational_mask_is_the_same_at_every_step() {
        let frames = [1.0; 4 * 50];
        for variational in [false, true] {
            let y =
                network(vec![LayerSpec::from(Dropout { rate: 0.5, variational })]).run_mode(&frames, Mode::Train(3));
            assert!(y.iter().all(|y| *y == 0.0 || *y == 2.0));
            assert_eq!(y.chunks(4).all(|step| step == &y[..4]), variational);
        }
    }

    /// The output is linear in the mask, so that its mean over many masks is the output without dropout.
    #[test]
    fn the_mean_over_many_masks_is_the_whole_network() {
        let layers = vec![LayerSpec::from(Dropout { rate: 0.3, variational: false }), LayerSpec::dense(2)];
        let network = network(layers);
        let frame = [0.5, -1.0, 0.8, 0.3];
        let whole = network.run(&frame);
        let n = 4000;
        let mut mean = [0.0; 2];
        for seed in 0..n {
            let sample = network.run_mode(&frame, Mode::Train(seed));
            mean.iter_mut().zip(&sample).for_each(|(m, y)| *m += y / n as f64);
        }
        // Four deviations of the mean.
        assert!(mean.iter().zip(&whole).all(|(m, y)| (m - y).abs() < 0.06), "{mean:?} {whole:?}");
    }

    #[test]
    fn every_kind_is_off_in_evaluation_and_follows_the_seed() {
        let frames: Vec<f64> = (0..40).map(|k| (k as f64).sin()).collect();
        let plain = network(vec![LayerSpec::cell("gru", 8)]).run(&frames);
        for kind in [DropoutKind::NonRecurrent, DropoutKind::Ordinary, DropoutKind::Variational, DropoutKind::Weights] {
            let network = network(vec![LayerSpec::cell("gru", 8).with_dropout(0.5, kind)]);
            assert_eq!(network.run(&frames), plain, "{kind:?}");
            let run = |seed| network.run_mode(&frames, Mode::Train(seed));
            assert_eq!(run(1), run(1), "{kind:?}");
            assert_ne!(run(1), run(2), "{kind:?}");
            assert_ne!(run(1), plain, "{kind:?}");
        }
    }
}
