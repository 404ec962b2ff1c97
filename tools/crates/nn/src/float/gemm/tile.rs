//! One tile of a product, in registers.

use super::{Left, Term};
use crate::float::{Float, Kernel, Lanes};

/// One tile of C.
pub(super) struct Tile<'a, F> {
    pub terms: &'a [Term<'a, F>],
    /// First row and column.
    pub at: (usize, usize),
    /// C from there on.
    pub c: &'a mut [F],
    pub stride: usize,
    /// Columns in use.
    pub filled: usize,
    pub add: bool,
}

impl<F: Float> Tile<'_, F> {
    #[inline(always)]
    pub fn run<L: Lanes<Elem = F>>(self, l: L, rows: usize, vectors: usize) {
        macro_rules! by_rows {
            ($vectors:literal: $($rows:literal)*) => {
                match rows {
                    // The condition is a constant: no tile is compiled that the instruction set cannot hold.
                    $($rows => if $rows <= L::TILE_ROWS[$vectors - 1] { l.outline(Fixed::<F, $rows, $vectors>(self)) },)*
                    _ => unreachable!("a tile has no more rows"),
                }
            };
        }
        if vectors == 2 {
            by_rows!(2: 1 2 3 4 5 6 7 8 9 10 11 12)
        } else {
            by_rows!(1: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16)
        }
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
        let (first, column) = tile.at;
        let mut sum = [[l.splat(F::ZERO); N]; M];
        for term in tile.terms {
            sum = term_of(l, sum, term, first, column);
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

/// `sum` and the product of one term.
#[inline(always)]
fn term_of<L: Lanes, const M: usize, const N: usize>(
    l: L,
    sum: [[L::V; N]; M],
    term: &Term<'_, L::Elem>,
    first: usize,
    column: usize,
) -> [[L::V; N]; M] {
    let width = N * L::LANES;
    let mut sum = sum;
    let count = term.b.shape().0;
    let (panel, step) = term.b.panel(column, width);
    match term.a {
        Left::Rows(a, stride) => {
            let mut rows: [&[L::Elem]; M] = [&[]; M];
            for (i, row) in rows.iter_mut().enumerate() {
                *row = &a[(first + i) * stride..][..count];
            }
            for k in 0..count {
                let b = L::vectors(&panel[k * step..][..width]);
                multiply(
                    l,
                    &mut sum,
                    b,
                    #[inline(always)]
                    |i| rows[i][k],
                );
            }
        }
        Left::Columns(a, stride) => {
            for k in 0..count {
                let b = L::vectors(&panel[k * step..][..width]);
                let a = &a[k * stride + first..][..M];
                multiply(
                    l,
                    &mut sum,
                    b,
                    #[inline(always)]
                    |i| a[i],
                );
            }
        }
    }
    sum
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
    // Not `from_fn` nor `copy_from_slice`: what the standard library calls may not be inlined, and the sums go to memory.
    let Some(row) = b.first_chunk::<N>() else { return };
    let row = *row;
    for i in 0..M {
        let a = l.splat(a(i));
        for j in 0..N {
            sum[i][j] = l.mul_add(a, row[j], sum[i][j]);
        }
    }
}
