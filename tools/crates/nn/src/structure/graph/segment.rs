//! Pools over rows that stand side by side: a node's messages, a graph's nodes.

use std::ops::Range;

use crate::{Float, Over};

/// The segments that offsets cut, one more than there are segments.
fn segments(offsets: &[usize]) -> impl Iterator<Item = Range<usize>> + '_ {
    offsets.windows(2).map(|w| w[0]..w[1])
}

/// Pools each segment of `x`, `[rows, width]`, into a row of `out`; a segment without rows gives 0. `of` gets the row
/// of each largest value, where these are taken.
pub fn forward<F: Float>(over: Over, x: &[F], width: usize, offsets: &[usize], out: &mut Vec<F>, of: &mut Vec<usize>) {
    let count = offsets.len() - 1;
    out.clear();
    out.resize(count * width, F::ZERO);
    of.clear();
    of.resize(if over == Over::Max { count * width } else { 0 }, usize::MAX);
    for (k, segment) in segments(offsets).enumerate().filter(|(_, s)| !s.is_empty()) {
        let out = &mut out[k * width..][..width];
        let rows = segment.clone().zip(x[segment.start * width..].chunks_exact(width));
        match over {
            Over::Last => out.copy_from_slice(&x[(segment.end - 1) * width..][..width]),
            Over::Ends => {
                for (row, half) in [(segment.end - 1, 0..width.div_ceil(2)), (segment.start, width.div_ceil(2)..width)]
                {
                    out[half.clone()].copy_from_slice(&x[row * width..][half]);
                }
            }
            Over::Max => {
                let of = &mut of[k * width..][..width];
                for (row, x) in rows {
                    for ((out, of), x) in out.iter_mut().zip(&mut *of).zip(x) {
                        if *of == usize::MAX || *x > *out {
                            (*out, *of) = (*x, row);
                        }
                    }
                }
            }
            Over::Sum | Over::Mean => {
                rows.for_each(|(_, x)| out.iter_mut().zip(x).for_each(|(out, x)| *out += *x));
                if over == Over::Mean {
                    let scale = F::of(1.0 / segment.len() as f64);
                    out.iter_mut().for_each(|out| *out *= scale);
                }
            }
        }
    }
}

/// ∂L/∂x from ∂L/∂out; of equal largest values, the first row has it.
pub fn backward<F: Float>(over: Over, d: &[F], width: usize, offsets: &[usize], of: &[usize], dx: &mut Vec<F>) {
    let rows = offsets[offsets.len() - 1];
    dx.clear();
    dx.resize(rows * width, F::ZERO);
    for (k, segment) in segments(offsets).enumerate().filter(|(_, s)| !s.is_empty()) {
        let d = &d[k * width..][..width];
        match over {
            Over::Last => dx[(segment.end - 1) * width..][..width].copy_from_slice(d),
            Over::Ends => {
                for (row, half) in [(segment.end - 1, 0..width.div_ceil(2)), (segment.start, width.div_ceil(2)..width)]
                {
                    dx[row * width..][half.clone()].copy_from_slice(&d[half]);
                }
            }
            Over::Max => {
                for ((k, row), d) in of[k * width..][..width].iter().enumerate().zip(d) {
                    dx[row * width + k] = *d;
                }
            }
            Over::Sum | Over::Mean => {
                let scale = F::of(if over == Over::Mean { 1.0 / segment.len() as f64 } else { 1.0 });
                for dx in dx[segment.start * width..segment.end * width].chunks_exact_mut(width) {
                    dx.copy_from_slice(d);
                    dx.iter_mut().for_each(|dx| *dx *= scale);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pools_by_segment() {
        let x = [1.0f64, -1.0, 3.0, -5.0, -2.0, -2.0];
        let offsets = [0, 2, 2, 3];
        let (mut out, mut of, mut dx) = (vec![], vec![], vec![]);
        let d = [1.0, 2.0, 9.0, 9.0, 3.0, 4.0];
        for (over, wanted, back) in [
            (Over::Sum, [4.0, -6.0, 0.0, 0.0, -2.0, -2.0], [1.0, 2.0, 1.0, 2.0, 3.0, 4.0]),
            (Over::Mean, [2.0, -3.0, 0.0, 0.0, -2.0, -2.0], [0.5, 1.0, 0.5, 1.0, 3.0, 4.0]),
            (Over::Max, [3.0, -1.0, 0.0, 0.0, -2.0, -2.0], [0.0, 2.0, 1.0, 0.0, 3.0, 4.0]),
            (Over::Last, [3.0, -5.0, 0.0, 0.0, -2.0, -2.0], [0.0, 0.0, 1.0, 2.0, 3.0, 4.0]),
        ] {
            forward(over, &x, 2, &offsets, &mut out, &mut of);
            assert_eq!(out, wanted, "{over:?}");
            backward(over, &d, 2, &offsets, &of, &mut dx);
            assert_eq!(dx, back, "{over:?}");
        }
    }
}
