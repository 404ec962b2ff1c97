//! Delay line: y_t = [x_t; x_(t-s); ...; x_(t-K s)], present and past inputs side by side.
//!
//! A dense layer after it is the time delay network's h_t = f(h_t^(l-1), ..., h_(t-K)^(l-1)), which is a causal
//! convolution over time. The last `tail` elements of x have K' taps of their own: all present and past values of
//! the other elements come first, then those of the tail. Inputs before the first step are 0. In integers nothing
//! is computed, so the format is the input's.

use crate::cell::{
    CarriedState, CellSpec, DelayTaps, LayerOperation, LayerView, OutRange, VariantSpec, WidthRule, split_mut,
};
use crate::kernel::layout::vector_words;
use crate::kernel::{put, word};

/// The layer's table.
pub const SPEC: CellSpec = CellSpec {
    tag: 21,
    name: "delay",
    variants: &[&VariantSpec {
        name: "delay",
        carried: CarriedState::Line,
        out: OutRange::Input,
        widths: WidthRule::DelayTaps,
        params: DelayTaps::NAMES,
        check,
        step,
        ..VariantSpec::BASE
    }],
};

/// Delay line.
pub const DELAY: LayerOperation = SPEC.operation(0);

/// The words of the line, where the numbers make one of these widths.
fn check(inputs: usize, units: usize, params: [u16; 4]) -> Option<usize> {
    let taps = DelayTaps::of(params);
    (taps.outputs(inputs) == Some(units)).then(|| taps.line_words(inputs))
}

fn step(layer: &LayerView<'_>, memory: &mut [u32], out: &mut [u32]) {
    let taps = DelayTaps::of(layer.params());
    let (x, line) = split_mut(memory, layer.vector_words());
    let (positions, line) = split_mut(line, 2);
    let [at_head, at_tail] = positions else { return };
    let (kept_head, kept_tail) = taps.kept_by(layer.inputs());
    let (head_line, tail_line) = split_mut(line, vector_words(kept_head));
    let x = word::halves(x).get(..layer.inputs()).unwrap_or_default();
    let (x_head, x_tail) = x.split_at(x.len().saturating_sub(taps.tail as usize));
    let y = word::halves_mut(out);
    let ring = |line, kept| word::halves_mut(line).get_mut(..kept).unwrap_or_default();
    let stride = taps.stride as usize;
    let y = delayed(x_head, ring(head_line, kept_head), at_head, stride, y);
    delayed(x_tail, ring(tail_line, kept_tail), at_tail, stride, y);
}

/// Writes x and its past values to the front of `y`, puts x in the ring, and gives the rest of `y`.
///
/// `ring` holds whole vectors as long as x, and `position` the oldest of them: the element where it begins.
fn delayed<'y>(x: &[i16], ring: &mut [i16], position: &mut u32, stride: usize, y: &'y mut [i16]) -> &'y mut [i16] {
    let mut y = copy(x, y);
    let (n, all) = (x.len(), ring.len());
    let (step, oldest) = (n.wrapping_mul(stride), *position as usize);
    // From tap 1, `stride` steps back, to the oldest, where x is written.
    let mut at = oldest;
    let mut left = if step == 0 { 0 } else { all };
    while left > 0 {
        at = if at < step { at.wrapping_add(all) } else { at }.wrapping_sub(step);
        y = copy(ring.get(at..at.wrapping_add(n)).unwrap_or_default(), y);
        left = left.saturating_sub(step);
    }
    copy(x, ring.get_mut(oldest..oldest.wrapping_add(n)).unwrap_or_default());
    let next = oldest.wrapping_add(n);
    *position = if next < all { next as u32 } else { 0 };
    y
}

/// Copies `from` to the front of `to`; the rest of `to`.
fn copy<'y>(from: &[i16], to: &'y mut [i16]) -> &'y mut [i16] {
    let (front, rest) = to.split_at_mut(from.len().min(to.len()));
    put(front, from);
    rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;
    use std::vec::Vec;

    /// Every tap equals the input so many steps before, 0 before the first, over several turns of the ring.
    #[test]
    fn taps_are_the_past() {
        for (n, taps, stride) in [(1, 1, 1), (3, 4, 1), (2, 3, 5), (5, 0, 2), (0, 0, 1)] {
            let mut ring = vec![0; n * taps * stride];
            let mut position = 0;
            let x: Vec<Vec<i16>> = (0..40).map(|t| (0..n).map(|k| (t * 10 + k + 1) as i16).collect()).collect();
            for t in 0..40 {
                let mut y = vec![-1; n * (taps + 1) + 2];
                assert_eq!(delayed(&x[t], &mut ring, &mut position, stride, &mut y).len(), 2);
                let past = |k: usize| t.checked_sub(k * stride).map_or(vec![0; n], |s| x[s].clone());
                let want: Vec<i16> = (0..=taps).flat_map(past).collect();
                assert_eq!(y[..want.len()], want, "n {n}, taps {taps}, stride {stride}, t {t}");
            }
        }
    }
}
