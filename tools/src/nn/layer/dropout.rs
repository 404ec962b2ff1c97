//! Dropout on what goes from layer to layer.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::{Below, Mode, Tape};
use crate::nn::Float;
use crate::nn::batch::Frames;

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
    pub layer: usize,
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
        let mut draw = Draw::new(seed, self.layer as u64, self.rate);
        tape.gates[0].resize(input.steps() * n, F::ZERO);
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
