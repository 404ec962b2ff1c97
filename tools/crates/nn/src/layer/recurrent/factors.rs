//! U as the product of two matrices.

use std::ops::Range;

use crate::Float;
use crate::float::gemm::{Gemm, Left, Packed, Right, Term};

/// U = U₁ P: `[rows, units]` of `[rows, rank]` and `[rank, units]`. Products read U itself, which is made after each change of the
/// parameters; its gradient goes to both factors.
#[derive(Clone, Debug)]
pub struct Factors<F> {
    /// Elements of p.
    rank: usize,
    /// Units.
    units: usize,
    /// Where U₁ and P are among the parameters.
    u: Range<usize>,
    p: Range<usize>,
    product: Vec<F>,
    /// P, packed.
    packed: Packed<F>,
}

/// y = a b, or y += a b, of matrices of as many `rows` and `columns` as y has.
fn multiply<F: Float>(a: Left<'_, F>, b: &Packed<F>, [rows, columns]: [usize; 2], y: &mut [F], add: bool) {
    let terms = &[Term { a, b: Right::Packed(b) }];
    F::gemm(Gemm { rows, terms, c: y, stride: columns, add });
}

impl<F: Float> Factors<F> {
    /// Of tensors with these places; `None` where there is no P.
    pub fn of(u: Range<usize>, p: Range<usize>, units: usize) -> Option<Self> {
        let rank = p.len() / units.max(1);
        (rank > 0).then(|| Factors { rank, units, u, p, product: Vec::new(), packed: Packed::default() })
    }

    /// Makes U.
    pub fn multiply(&mut self, parameters: &[F]) {
        let rows = self.u.len() / self.rank;
        self.product.resize(rows * self.units, F::ZERO);
        let p = &mut self.packed;
        p.pack(&parameters[self.p.clone()], self.rank, self.units, self.units);
        let u = Left::Rows(&parameters[self.u.clone()], self.rank);
        multiply(u, p, [rows, self.units], &mut self.product, false);
    }

    /// U.
    pub fn product(&self) -> &[F] {
        &self.product
    }

    /// Adds ∂L/∂U₁ and ∂L/∂P of ∂L/∂U; right operands are packed into `packed`.
    pub fn gather(&self, du: &[F], parameters: &[F], gradient: &mut [F], packed: &mut Packed<F>) {
        let (rank, units, rows) = (self.rank, self.units, self.u.len() / self.rank);
        packed.pack_transposed(&parameters[self.p.clone()], units, rank);
        multiply(Left::Rows(du, units), packed, [rows, rank], &mut gradient[self.u.clone()], true);
        packed.pack(du, rows, units, units);
        let u = Left::Columns(&parameters[self.u.clone()], rank);
        multiply(u, packed, [rank, units], &mut gradient[self.p.clone()], true);
    }
}
