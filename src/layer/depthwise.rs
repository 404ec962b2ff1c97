//! The first half of a depthwise separable convolution over time: y_c = Σ_k d_kc x_kc, a filter of each channel over the frames x_k that
//! a delay line gives side by side. A dense layer after it is the second half.
//!
//! In integers a word a channel holds d as three i8, the first frame's in the lowest byte, and a shift s of the channel, of up to 30, in the highest:
//! y = (Σ_k d_k x_k + 2^(s-1)) >> s, saturating, in the layer's power-of-two format. It has the same word in all weight formats and
//! layouts. Sums stay below 2^24.

use crate::arith::{round_shift, saturate};
use crate::cell::{CellSpec, LayerOperation, LayerView, OutRange, StageKind, StageSpec, VariantSpec};
use crate::kernel::word;

/// The layer's table.
pub const SPEC: CellSpec = CellSpec {
    tag: 25,
    name: "depthwise",
    variants: &[&VariantSpec {
        name: "depthwise",
        stages: &[StageSpec { kind: StageKind::Pointwise, gates: &[] }],
        out: OutRange::Calibrated,
        params: &["kernel"],
        check: |inputs, units, [kernel, ..]| {
            (matches!(kernel, 1..=3) && inputs == units.wrapping_mul(kernel.into())).then_some(0)
        },
        step,
        ..VariantSpec::BASE
    }],
};

/// Filters of each channel.
pub const DEPTHWISE: LayerOperation = SPEC.operation(0);

/// A filter over an element of each frame.
#[inline(always)]
fn filter(word: u32, x: [i16; 3]) -> i16 {
    let [a, b, c, shift] = word.to_le_bytes();
    let [x, u, v] = x.map(i32::from);
    let product = |d: u8, x: i32| (d as i8 as i32).wrapping_mul(x);
    let sum = product(a, x).wrapping_add(product(b, u)).wrapping_add(product(c, v));
    saturate(round_shift(sum, u32::from(shift).min(30)))
}

fn step(layer: &LayerView<'_>, memory: &mut [u32], out: &mut [u32]) {
    let (channels, x) = (layer.units(), word::halves(memory));
    // Of fewer than three frames, those that are missing are empty.
    let frames = x.get(..layer.inputs()).unwrap_or_default();
    let frame = |k: usize| frames.get(channels.wrapping_mul(k)..).unwrap_or_default().iter().copied();
    let (mut second, mut third) = (frame(1), frame(2));
    for ((word, x), y) in layer.stage(0).params.iter().zip(frame(0)).zip(word::halves_mut(out)) {
        *y = filter(*word, [x, second.next().unwrap_or(0), third.next().unwrap_or(0)]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_follow_the_equation() {
        let mut state = 7u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state >> 8
        };
        for shift in 0..31u32 {
            for _ in 0..100 {
                let (word, x) = (next() & 0xFF_FFFF | shift << 24, [next(), next(), next()].map(|x| x as i16));
                let d = word.to_le_bytes().map(|d| f64::from(d as i8));
                let exact = d.iter().zip(x).map(|(d, x)| d * f64::from(x)).sum::<f64>() / 2f64.powi(shift as i32);
                let wanted = (exact + 0.5).floor().clamp(-32768.0, 32767.0);
                assert_eq!(f64::from(filter(word, x)), wanted, "{word:08x} {x:?}");
            }
        }
    }

    /// A shift beyond 30 is 30, and no sum overflows.
    #[test]
    fn extremes_are_total() {
        assert_eq!(filter(0x0080_8080, [i16::MIN; 3]), i16::MAX);
        assert_eq!(filter(0xFF80_8080, [i16::MIN; 3]), 0);
        assert_eq!(filter(0x087F_7F7F, [i16::MIN; 3]), i16::MIN);
    }
}
