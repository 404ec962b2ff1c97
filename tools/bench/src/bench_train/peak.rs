//! The floor under all training steps: how fast this machine multiplies and adds.

use std::time::Instant;

use elman_nn::Float;
use elman_nn::float::{Kernel, Lanes};

use super::Case;

/// Multiply-adds that do not wait for each other: enough for the latency of any core.
const CHAINS: usize = 12;
const ROUNDS: usize = 200_000;

struct MultiplyAdd;

impl Kernel<f32> for MultiplyAdd {
    type Output = f64;

    #[inline(always)]
    fn run<L: Lanes<Elem = f32>>(self, l: L) -> f64 {
        let mut sums = [l.splat(1.0); CHAINS];
        let factor = std::hint::black_box(l.splat(0.999));
        for _ in 0..ROUNDS {
            for sum in &mut sums {
                *sum = l.mul_add(*sum, factor, factor);
            }
        }
        std::hint::black_box(sums);
        2.0 * (CHAINS * ROUNDS * L::LANES) as f64
    }
}

/// Multiplications and additions per second of one core, in units of 10^9: the fastest of some tries.
pub fn measure() -> f64 {
    let one = || {
        let start = Instant::now();
        let operations = f32::dispatch(MultiplyAdd);
        operations / start.elapsed().as_secs_f64() * 1e-9
    };
    (0..40).map(|_| one()).fold(0.0, f64::max)
}

impl Case {
    /// Multiplications and additions of the matrix products in one step, in units of 10^9: x and h forward, both
    /// weight gradients and ∂L/∂h backward, without h where it is 0.
    pub fn operations(&self) -> f64 {
        let gates = match self.cell {
            "lstm" => 4,
            "gru" => 3,
            _ => 1,
        };
        let products = 2 * self.steps * self.inputs + 3 * (self.steps - 1) * self.hidden;
        2.0 * (self.batch * gates * self.hidden * products) as f64 * 1e-9
    }
}
