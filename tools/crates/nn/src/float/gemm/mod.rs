//! Matrix products C = Σ A B and C += Σ A B, small and in one thread.
//!
//! B is cut into panels of two vectors' width (one, if the last is narrow); where it is packed beforehand, each is
//! stored row by row and padded with zeros. A tile of C, up to 12 rows by one panel, stays in registers while the
//! product runs over k of every term. Every element of C is one chain of multiply-adds in the order of terms and k, so
//! the result depends neither on the tile nor on the width of vectors.

mod pack;
mod tile;

pub use pack::{Packed, Right};

use super::{Float, Kernel, Lanes};
use pack::panel_width;
use tile::Tile;

/// Left operand, `rows` high.
#[derive(Clone, Copy, Debug)]
pub enum Left<'a, F> {
    /// Row-major: element (i, k) at `i * stride + k`.
    Rows(&'a [F], usize),
    /// Transposed: element (i, k) at `k * stride + i`.
    Columns(&'a [F], usize),
}

/// One product of a sum of products.
#[derive(Clone, Copy, Debug)]
pub struct Term<'a, F> {
    /// A
    pub a: Left<'a, F>,
    /// B
    pub b: Right<'a, F>,
}

/// C = Σ A B or C += Σ A B; C is row-major, its first row at 0, `stride` from row to row.
#[derive(Debug)]
pub struct Gemm<'a, F> {
    /// Rows of A and C.
    pub rows: usize,
    /// A and B of every term; all B are equally wide.
    pub terms: &'a [Term<'a, F>],
    /// C
    pub c: &'a mut [F],
    /// Elements from row to row of C.
    pub stride: usize,
    /// Add to C instead of replacing it.
    pub add: bool,
}

impl<F: Float> Kernel<F> for Gemm<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes<Elem = F>>(self, l: L) {
        let columns = self.terms.first().map_or(0, |term| term.b.shape().1);
        if self.rows == 0 || columns == 0 {
            return;
        }
        let mut j = 0;
        while j < columns {
            let width = panel_width(columns - j, L::LANES);
            let filled = width.min(columns - j);
            let tiles = self.rows.div_ceil(L::TILE_ROWS[width / L::LANES - 1]);
            let (least, larger) = (self.rows / tiles, self.rows % tiles);
            let mut i = 0;
            for t in 0..tiles {
                let rows = least + usize::from(t < larger);
                let c = &mut self.c[i * self.stride + j..];
                let tile = Tile { terms: self.terms, at: (i, j), c, stride: self.stride, filled, add: self.add };
                tile.run(l, rows, width / L::LANES);
                i += rows;
            }
            j += width;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(n: usize, seed: u32) -> Vec<f32> {
        (0..n as u32).map(|i| ((i * 7919 + seed * 104_729) % 17) as f32 - 8.0).collect()
    }

    /// Small integers are exact in any order, so the naive product is the exact answer.
    #[test]
    fn equals_the_naive_product() {
        for (m, n, k) in [(1, 1, 1), (3, 5, 7), (12, 32, 16), (13, 33, 4), (29, 17, 31), (40, 64, 10), (5, 100, 3)] {
            let (a, b) = (values(m * k, 1), values(k * n, 2));
            let mut at = vec![0.0; m * k];
            (0..m).for_each(|i| (0..k).for_each(|x| at[x * m + i] = a[i * k + x]));
            let mut bt = vec![0.0; n * k];
            (0..n).for_each(|j| (0..k).for_each(|x| bt[j * k + x] = b[x * n + j]));
            let mut exact = vec![1.0; m * n];
            for i in 0..m {
                for j in 0..n {
                    exact[i * n + j] += (0..k).map(|x| a[i * k + x] * b[x * n + j]).sum::<f32>();
                }
            }
            let (mut packed, mut transposed) = (Packed::default(), Packed::default());
            packed.pack(&b, k, n, n);
            transposed.pack_transposed(&bt, k, n);
            let mut longer = b.clone();
            longer.resize(b.len() + 64, f32::NAN);
            let (mut unused, mut used) = (Packed::default(), Packed::default());
            let as_is = Right::rows(&longer, k, n, &mut unused);
            assert!(matches!(as_is, Right::Rows { .. }));
            let rights = [Right::Packed(&packed), Right::Packed(&transposed), as_is, Right::rows(&b, k, n, &mut used)];
            for b in rights {
                for a in [Left::Rows(&a, k), Left::Columns(&at, m)] {
                    let mut c = vec![1.0; m * n];
                    f32::dispatch(Gemm { rows: m, terms: &[Term { a, b }], c: &mut c, stride: n, add: true });
                    assert_eq!(c, exact);
                    f32::dispatch(Gemm { rows: m, terms: &[Term { a, b }], c: &mut c, stride: n, add: false });
                    assert!(c.iter().zip(&exact).all(|(c, e)| *c == e - 1.0));
                    f32::dispatch(Gemm { rows: m, terms: &[Term { a, b }; 3], c: &mut c, stride: n, add: false });
                    assert!(c.iter().zip(&exact).all(|(c, e)| *c == 3.0 * (e - 1.0)));
                }
            }
        }
    }
}
