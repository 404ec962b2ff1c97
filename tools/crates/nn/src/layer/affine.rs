//! y = f(W x + b) over some rows: the whole of a dense layer, and both maps of a narx one.

use std::ops::Range;

use crate::Float;
use crate::cell::{BackwardStep, ForwardStep, Pointwise};
use crate::float::gemm::{Gemm, Left, Packed, Right, Term};

/// The map.
pub struct Affine<F> {
    equation: Box<dyn Pointwise<F>>,
    /// Width of x.
    pub inputs: usize,
    /// Width of y.
    pub outputs: usize,
    w: Range<usize>,
    b: Range<usize>,
    forward: Packed<F>,
    backward: Packed<F>,
}

impl<F: Float> Affine<F> {
    /// The map with f = `equation`, W `[outputs, inputs]` and b being there among the parameters.
    pub fn new(
        equation: Box<dyn Pointwise<F>>,
        [inputs, outputs]: [usize; 2],
        w: Range<usize>,
        b: Range<usize>,
    ) -> Self {
        Self { equation, inputs, outputs, w, b, forward: Packed::default(), backward: Packed::default() }
    }

    pub fn pack(&mut self, parameters: &[F]) {
        let w = &parameters[self.w.clone()];
        self.forward.pack_transposed(w, self.inputs, self.outputs);
        self.backward.pack(w, self.outputs, self.inputs, self.inputs);
    }

    /// Computes `rows` rows; `gates` keeps what the backward pass needs. Appends W x + b to `pre`, where it is given.
    pub fn forward(
        &self,
        parameters: &[F],
        rows: usize,
        x: &[F],
        gates: &mut [F],
        out: &mut [F],
        pre: Option<&mut Vec<F>>,
    ) {
        let bias = &parameters[self.b.clone()];
        let (a, b) = (Left::Rows(x, self.inputs), Right::Packed(&self.forward));
        F::gemm(Gemm { rows, terms: &[Term { a, b }], c: gates, stride: self.outputs, add: false });
        if let Some(pre) = pre {
            for row in gates.chunks_exact(self.outputs).take(rows) {
                pre.extend(row.iter().zip(bias).map(|(a, b)| F::of(a.f64() + b.f64())));
            }
        }
        self.equation.forward(ForwardStep { rows, units: self.outputs, gates, bias, h_out: out, ..Default::default() });
    }

    /// From ∂L/∂y to ∂L/∂(W x + b), in `gates`, and ∂L/∂b, added to `gradient`.
    pub fn backward(&self, rows: usize, gates: &mut [F], dout: &mut [F], gradient: &mut [F]) {
        let dbias = &mut gradient[self.b.clone()];
        self.equation.backward(BackwardStep {
            rows,
            units: self.outputs,
            gates,
            dbias,
            dh: dout,
            ..Default::default()
        });
    }

    /// ∂L/∂x from ∂L/∂(W x + b).
    pub fn to_input(&self, rows: usize, gates: &[F], dx: &mut [F]) {
        let (a, b) = (Left::Rows(gates, self.outputs), Right::Packed(&self.backward));
        F::gemm(Gemm { rows, terms: &[Term { a, b }], c: dx, stride: self.inputs, add: false });
    }

    /// Adds ∂L/∂W, from ∂L/∂(W x + b) and x.
    pub fn to_weights(&self, rows: usize, gates: &[F], x: &[F], packed: &mut Packed<F>, gradient: &mut [F]) {
        let b = Right::rows(x, rows, self.inputs, packed);
        let (a, c) = (Left::Columns(gates, self.outputs), &mut gradient[self.w.clone()]);
        F::gemm(Gemm { rows: self.outputs, terms: &[Term { a, b }], c, stride: self.inputs, add: true });
    }
}
