//! A dense layer, y = f(W x + b), at every step.

use super::span::spans;
use super::{Affine, Below, Tape, fit};
use crate::Float;
use crate::batch::Frames;

/// A dense layer.
pub struct Dense<F>(pub Affine<F>);

impl<F: Float> Dense<F> {
    pub fn forward(&self, parameters: &[F], input: Frames<'_, F>, tape: &mut Tape<F>) {
        let n = input.size * self.0.outputs;
        tape.shape(input.rows, input.size, self.0.outputs, 0);
        tape.gates.resize_with(1, Vec::new);
        fit(&mut tape.gates[0], input.steps() * n);
        if tape.keep_pre {
            tape.pre.resize_with(1, Vec::new);
            tape.pre[0].clear();
        }
        for span in spans(input.rows, input.size, |_| true) {
            let (gates, out) = (&mut tape.gates[0][span.from * n..], &mut tape.out[span.from * n..]);
            let pre = tape.keep_pre.then(|| &mut tape.pre[0]);
            self.0.forward(parameters, span.rows, input.from(span.from), gates, out, pre);
        }
    }

    pub fn backward(
        &self,
        input: Frames<'_, F>,
        tape: &mut Tape<F>,
        gradient: &mut [F],
        mut below: Option<Below<'_, F>>,
    ) {
        let n = input.size * self.0.outputs;
        for span in spans(input.rows, input.size, |t| tape.touched[t]) {
            let gates = &mut tape.gates[0][span.from * n..];
            self.0.backward(span.rows, gates, &mut tape.dout[span.from * n..], gradient);
            if let Some(below) = &mut below {
                self.0.to_input(span.rows, gates, below.steps(span.from..span.to));
            }
            self.0.to_weights(span.rows, gates, input.from(span.from), &mut tape.packed, gradient);
        }
    }
}
