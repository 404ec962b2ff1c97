//! The float arithmetic's sigmoid and tanh never fall, whatever vectors the machine has.

use elman_nn::Float;
use elman_nn::float::{Kernel, Lanes};
use rayon::prelude::*;

struct Map<'a> {
    values: &'a mut [f32],
    sigmoid: bool,
}

impl Kernel<f32> for Map<'_> {
    type Output = ();
    #[inline(always)]
    fn run<L: Lanes<Elem = f32>>(self, l: L) {
        for chunk in self.values.chunks_mut(L::LANES) {
            let v = l.load(chunk);
            l.store(chunk, if self.sigmoid { l.sigmoid(v) } else { l.tanh(v) });
        }
    }
}

/// Floats in a block; a block's last float is the first one of the next.
const BLOCK: u32 = 1 << 12;

/// Where in a block the function falls: x and the values before and at it.
fn falls(block: u32, sigmoid: bool, sign: f32) -> Option<(f32, f32, f32)> {
    let x: Vec<f32> = (0..=BLOCK).map(|k| sign * f32::from_bits(block * BLOCK + k)).collect();
    let mut values = x.clone();
    f32::dispatch(Map { values: &mut values, sigmoid });
    let found = values.windows(2).zip(&x).find(|(y, _)| sign * (y[1] - y[0]) < 0.0);
    found.map(|(y, x)| (*x, y[0], y[1]))
}

/// Neighbouring floats of either sign between 2^-30 and 2^7, one block in every `ELMAN_BLOCKS` (16; 1 takes all).
#[test]
fn activations_are_monotone() {
    let every = std::env::var("ELMAN_BLOCKS").map_or(16, |n| n.parse().expect("a number"));
    let (from, to) = (2f32.powi(-30).to_bits() / BLOCK, 2f32.powi(7).to_bits() / BLOCK);
    for (sigmoid, sign) in [(false, 1.0), (true, 1.0), (true, -1.0)] {
        let found: Vec<_> =
            (from..to).into_par_iter().step_by(every).filter_map(|block| falls(block, sigmoid, sign)).collect();
        assert!(found.is_empty(), "sigmoid {sigmoid}: {} blocks, {:?}", found.len(), &found[..found.len().min(9)]);
    }
}
