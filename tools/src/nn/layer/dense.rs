//! A dense layer, y = f(W x + b), at every step.

use super::{Below, Place, Tape};
use crate::nn::Float;
use crate::nn::batch::Frames;
use crate::nn::cell::{BackwardStep, ForwardStep, Pointwise};
use crate::nn::float::gemm::{Gemm, Left, Packed, Right};

/// A dense layer.
pub struct Dense<F> {
    equation: Box<dyn Pointwise<F>>,
    inputs: usize,
    outputs: usize,
    place: Place,
    forward: Packed<F>,
    backward: Packed<F>,
}

impl<F: Float> Dense<F> {
    /// A layer from `inputs` to `outputs` values with this pointwise function.
    pub fn new(equation: Box<dyn Pointwise<F>>, inputs: usize, outputs: usize, place: Place) -> Self {
        Self { equation, inputs, outputs, place, forward: Packed::default(), backward: Packed::default() }
    }

    pub fn pack(&mut self, parameters: &[F]) {
        let w = &parameters[self.place.w.clone()];
        self.forward.pack_transposed(w, self.inputs, self.outputs);
        self.backward.pack(w, self.outputs, self.inputs, self.inputs);
    }

    pub fn forward(&self, parameters: &[F], input: Frames<'_, F>, tape: &mut Tape<F>) {
        let n = input.size * self.outputs;
        tape.shape(input.rows, input.size, self.outputs, 0);
        tape.gates.resize_with(1, Vec::new);
        tape.gates[0].resize(input.steps() * n, F::ZERO);
        if tape.keep_pre {
            tape.pre.resize_with(1, Vec::new);
            tape.pre[0].clear();
        }
        let bias = &parameters[self.place.b.clone()];
        for t in 0..input.steps() {
            let rows = input.rows[t];
            let gates = &mut tape.gates[0][t * n..][..n];
            let (a, b) = (Left::Rows(input.step(t), self.inputs), Right::Packed(&self.forward));
            F::dispatch(Gemm { rows, a, b, c: gates, stride: self.outputs, add: false });
            if tape.keep_pre {
                for row in gates.chunks_exact(self.outputs).take(rows) {
                    tape.pre[0].extend(row.iter().zip(bias).map(|(a, b)| F::of(a.f64() + b.f64())));
                }
            }
            self.equation.forward(ForwardStep {
                rows,
                units: self.outputs,
                gates,
                bias,
                h: &[],
                h_out: &mut tape.out[t * n..][..n],
                long: &[],
                long_out: &mut [],
                carry: &[],
                carry_out: &mut [],
            });
        }
    }

    pub fn backward(
        &self,
        input: Frames<'_, F>,
        tape: &mut Tape<F>,
        gradient: &mut [F],
        mut below: Option<Below<'_, F>>,
    ) {
        let n = input.size * self.outputs;
        for t in (0..input.steps()).filter(|&t| tape.touched[t]) {
            let rows = input.rows[t];
            let gates = &mut tape.gates[0][t * n..][..n];
            self.equation.backward(BackwardStep {
                rows,
                units: self.outputs,
                gates,
                dbias: &mut gradient[self.place.b.clone()],
                h: &[],
                long: &[],
                long_out: &[],
                carry: &[],
                dout: &[],
                dh: &mut tape.dout[t * n..][..n],
                dlong: &mut [],
                fold: false,
                enter_long: false,
                dcarry: &mut [],
            });
            if let Some(below) = &mut below {
                let (a, b) = (Left::Rows(gates, self.outputs), Right::Packed(&self.backward));
                F::dispatch(Gemm { rows, a, b, c: below.step(t), stride: self.inputs, add: false });
            }
            let b = Right::rows(input.step(t), rows, self.inputs, &mut tape.packed);
            let (a, c) = (Left::Columns(gates, self.outputs), &mut gradient[self.place.w.clone()]);
            F::dispatch(Gemm { rows: self.outputs, a, b, c, stride: self.inputs, add: true });
        }
    }
}
