//! Dropout on what goes from layer to layer.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::{Below, Mode, Tape, fit};
use crate::Float;
use crate::batch::Frames;

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

/// In training, sets a share of the values to 0 and scales the others so that the mean stays.
#[derive(Clone, Copy, Debug)]
pub struct Dropout {
    /// The share.
    pub rate: f32,
    /// Columns.
    pub width: usize,
    /// Place in the network: layers draw different masks.
    pub layer: u64,
    /// One mask for all steps of a sequence.
    pub variational: bool,
}

impl Dropout {
    pub fn forward<F: Float>(&self, input: Frames<'_, F>, tape: &mut Tape<F>, mode: Mode) {
        tape.shape(input.rows, input.size, self.width, 0);
        tape.gates.resize_with(1, Vec::new);
        let n = input.size * self.width;
        let Mode::Train(seed) = mode else {
            tape.out.copy_from_slice(&input.data[..tape.rows.len() * n]);
            return;
        };
        let mut draw = Draw::new(seed, self.layer, self.rate);
        fit(&mut tape.gates[0], input.steps() * n);
        for t in 0..input.steps() {
            let used = input.rows[t] * self.width;
            if self.variational && t > 0 {
                tape.gates[0].copy_within(..used, t * n);
            } else {
                draw.fill(&mut tape.gates[0][t * n..][..used]);
            }
            let out = &mut tape.out[t * n..];
            for ((mask, out), x) in tape.gates[0][t * n..].iter().zip(out).zip(input.step(t)) {
                *out = *x;
                *out *= *mask;
            }
        }
    }

    pub fn backward<F: Float>(tape: &Tape<F>, below: Option<Below<'_, F>>) {
        let Some(mut below) = below else { return };
        let n = tape.size * tape.width;
        for t in (0..tape.rows.len()).filter(|&t| tape.touched[t]) {
            let used = tape.rows[t] * tape.width;
            let to = &mut below.step(t)[..used];
            for ((to, d), mask) in to.iter_mut().zip(&tape.dout[t * n..]).zip(&tape.gates[0][t * n..]) {
                *to = *d;
                *to *= *mask;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{DropoutKind, LayerSpec, Mode, Network, NetworkSpec};

    fn network(layers: Vec<LayerSpec>) -> Network<f64> {
        Network::new(&NetworkSpec::sequence(4, layers), 1).unwrap()
    }

    #[test]
    fn a_variational_mask_is_the_same_at_every_step() {
        let frames = [1.0; 4 * 50];
        for variational in [false, true] {
            let y = network(vec![LayerSpec::Dropout { rate: 0.5, variational }]).run_mode(&frames, Mode::Train(3));
            assert!(y.iter().all(|y| *y == 0.0 || *y == 2.0));
            assert_eq!(y.chunks(4).all(|step| step == &y[..4]), variational);
        }
    }

    /// The output is linear in the mask, so that its mean over many masks is the output without dropout.
    #[test]
    fn the_mean_over_many_masks_is_the_whole_network() {
        let layers = vec![LayerSpec::Dropout { rate: 0.3, variational: false }, LayerSpec::dense(2)];
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
