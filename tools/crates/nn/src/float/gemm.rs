//! Matrix products C = A B and C += A B, small and in one thread, with B packed beforehand.
//!
//! B is cut into panels of two vectors' width (one, if the last is narrow), each stored row by row and padded
//! with zeros. A tile of C, up to 12 rows by one panel, stays in registers while the product runs over k. Every
//! element of C is one chain of multiply-adds in the order of k, so the result does not depend on the tile.

use super::{Float, Kernel, Lanes};
use get_size2::GetSize;

/// A right operand in panels.
#[derive(Clone, Debug, Default, GetSize)]
pub struct Packed<F> {
    rows: usize,
    columns: usize,
    panels: Vec<F>,
}

impl<F: Float> Packed<F> {
    /// Packs a row-major `rows x columns` matrix with `stride` elements from row to row.
    pub fn pack(&mut self, from: &[F], rows: usize, columns: usize, stride: usize) {
        let lanes = self.reserve(rows, columns);
        let mut j = 0;
        while j < columns {
            let width = panel_width(columns - j, lanes);
            let filled = width.min(columns - j);
            let panel = &mut self.panels[j * rows..][..width * rows];
            for (row, to) in panel.chunks_exact_mut(width).enumerate() {
                to[..filled].copy_from_slice(&from[row * stride + j..][..filled]);
                to[filled..].fill(F::ZERO);
            }
            j += width;
        }
    }

    /// Packs the transpose of a row-major `columns x rows` matrix.
    pub fn pack_transposed(&mut self, from: &[F], rows: usize, columns: usize) {
        let lanes = self.reserve(rows, columns);
        let mut j = 0;
        while j < columns {
            let width = panel_width(columns - j, lanes);
            let panel = &mut self.panels[j * rows..][..width * rows];
            for lane in 0..width {
                let row = (j + lane < columns).then(|| &from[(j + lane) * rows..][..rows]);
                for k in 0..rows {
                    panel[k * width + lane] = row.map_or(F::ZERO, |row| row[k]);
                }
            }
            j += width;
        }
    }

    fn reserve(&mut self, rows: usize, columns: usize) -> usize {
        let lanes = F::lanes();
        (self.rows, self.columns) = (rows, columns);
        self.panels.resize(rows * columns.next_multiple_of(lanes), F::ZERO);
        lanes
    }
}

/// Width of the next panel when `left` columns are left.
#[inline(always)]
fn panel_width(left: usize, lanes: usize) -> usize {
    if left > lanes { 2 * lanes } else { lanes }
}

/// Left operand, `rows` high.
#[derive(Clone, Copy, Debug)]
pub enum Left<'a, F> {
    /// Row-major: element (i, k) at `i * stride + k`.
    Rows(&'a [F], usize),
    /// Transposed: element (i, k) at `k * stride + i`.
    Columns(&'a [F], usize),
}

/// Right operand.
#[derive(Clone, Copy, Debug)]
pub enum Right<'a, F> {
    /// Packed beforehand.
    Packed(&'a Packed<F>),
    /// As it lies, `rows x columns`, row-major; columns are a multiple of the vector.
    Rows {
        /// Elements.
        data: &'a [F],
        /// Rows.
        rows: usize,
        /// Columns.
        columns: usize,
    },
}

impl<'a, F: Float> Right<'a, F> {
    /// A row-major matrix, packed into `packed` only where it must be.
    pub fn rows(data: &'a [F], rows: usize, columns: usize, packed: &'a mut Packed<F>) -> Self {
        if columns.is_multiple_of(F::lanes()) {
            return Self::Rows { data, rows, columns };
        }
        packed.pack(data, rows, columns, columns);
        Self::Packed(packed)
    }

    fn shape(&self) -> (usize, usize) {
        match *self {
            Self::Packed(packed) => (packed.rows, packed.columns),
            Self::Rows { rows, columns, .. } => (rows, columns),
        }
    }
}

/// C = A B or C += A B; C is row-major, its first row at 0, `stride` from row to row.
#[derive(Debug)]
pub struct Gemm<'a, F> {
    /// Rows of A and C.
    pub rows: usize,
    /// A
    pub a: Left<'a, F>,
    /// B
    pub b: Right<'a, F>,
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
        let (k, columns) = self.b.shape();
        if self.rows == 0 || columns == 0 {
            return;
        }
        let tiles = self.rows.div_ceil(L::TILE_ROWS);
        let (least, larger) = (self.rows / tiles, self.rows % tiles);
        let mut j = 0;
        while j < columns {
            let width = panel_width(columns - j, L::LANES);
            let (panel, step) = match self.b {
                Right::Packed(packed) => (&packed.panels[j * k..][..width * k], width),
                Right::Rows { data, columns, .. } => (&data[j..], columns),
            };
            let mut i = 0;
            for t in 0..tiles {
                let rows = least + usize::from(t < larger);
                let c = &mut self.c[i * self.stride + j..];
                let filled = width.min(columns - j);
                let tile = Tile { k, row: i, a: self.a, panel, step, c, stride: self.stride, filled, add: self.add };
                tile.run(l, rows, width / L::LANES);
                i += rows;
            }
            j += width;
        }
    }
}

/// One tile of C.
struct Tile<'a, F> {
    k: usize,
    row: usize,
    a: Left<'a, F>,
    panel: &'a [F],
    /// Elements from row to row of the panel.
    step: usize,
    c: &'a mut [F],
    stride: usize,
    filled: usize,
    add: bool,
}

impl<F: Float> Tile<'_, F> {
    #[inline(always)]
    fn run<L: Lanes<Elem = F>>(self, l: L, rows: usize, vectors: usize) {
        macro_rules! by_rows {
            ($vectors:literal: $($rows:literal)*) => {
                match rows {
                    // The condition is a constant: no tile is compiled that the instruction set cannot hold.
                    $($rows => if $rows <= L::TILE_ROWS { l.outline(Fixed::<F, $rows, $vectors>(self)) },)*
                    _ => unreachable!("a tile has 1 to 12 rows"),
                }
            };
        }
        if vectors == 2 { by_rows!(2: 1 2 3 4 5 6 7 8 9 10 11 12) } else { by_rows!(1: 1 2 3 4 5 6 7 8 9 10 11 12) }
    }
}

/// A tile of a size known to the compiler.
struct Fixed<'a, F, const M: usize, const N: usize>(Tile<'a, F>);

impl<F: Float, const M: usize, const N: usize> Kernel<F> for Fixed<'_, F, M, N> {
    type Output = ();

    #[expect(clippy::needless_range_loop, reason = "constant bounds and plain indices keep the sums in registers")]
    #[inline(always)]
    fn run<L: Lanes<Elem = F>>(self, l: L) {
        let tile = self.0;
        let width = N * L::LANES;
        let mut sum = [[l.splat(F::ZERO); N]; M];
        match tile.a {
            Left::Rows(a, stride) => {
                let rows: [&[F]; M] = std::array::from_fn(|i| &a[(tile.row + i) * stride..][..tile.k]);
                for k in 0..tile.k {
                    let b = L::vectors(&tile.panel[k * tile.step..][..width]);
                    multiply(l, &mut sum, b, |i| rows[i][k]);
                }
            }
            Left::Columns(a, stride) => {
                for k in 0..tile.k {
                    let b = L::vectors(&tile.panel[k * tile.step..][..width]);
                    let a = &a[k * stride + tile.row..][..M];
                    multiply(l, &mut sum, b, |i| a[i]);
                }
            }
        }
        if tile.filled == width {
            for i in 0..M {
                let c = L::vectors_mut(&mut tile.c[i * tile.stride..][..width]);
                for j in 0..N {
                    c[j] = if tile.add { l.add(c[j], sum[i][j]) } else { sum[i][j] };
                }
            }
            return;
        }
        // The rest indexes as it runs, which would keep `sum` itself in memory all along.
        let mut rows = [[l.splat(F::ZERO); N]; M];
        for i in 0..M {
            for j in 0..N {
                rows[i][j] = sum[i][j];
            }
        }
        for (i, row) in rows.into_iter().enumerate() {
            let c = &mut tile.c[i * tile.stride..][..tile.filled];
            for (c, v) in c.chunks_mut(L::LANES).zip(row) {
                l.store(c, if tile.add { l.add(l.load(c), v) } else { v });
            }
        }
    }
}

/// `sum[i] += a(i) * b` for all rows of a tile.
#[expect(clippy::needless_range_loop, reason = "constant bounds and plain indices keep the sums in registers")]
#[inline(always)]
fn multiply<L: Lanes, const M: usize, const N: usize>(
    l: L,
    sum: &mut [[L::V; N]; M],
    b: &[L::V],
    a: impl Fn(usize) -> L::Elem,
) {
    let b: [L::V; N] = std::array::from_fn(|j| b[j]);
    for i in 0..M {
        let a = l.splat(a(i));
        for j in 0..N {
            sum[i][j] = l.mul_add(a, b[j], sum[i][j]);
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
            for b in [Right::Packed(&packed), Right::Packed(&transposed)] {
                for a in [Left::Rows(&a, k), Left::Columns(&at, m)] {
                    let mut c = vec![1.0; m * n];
                    f32::dispatch(Gemm { rows: m, a, b, c: &mut c, stride: n, add: true });
                    assert_eq!(c, exact);
                    f32::dispatch(Gemm { rows: m, a, b, c: &mut c, stride: n, add: false });
                    assert!(c.iter().zip(&exact).all(|(c, e)| *c == e - 1.0));
                }
            }
        }
    }
}
