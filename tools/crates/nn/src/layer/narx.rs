//! A nonlinear autoregressive network with exogenous inputs.
//!
//! ```text
//! y_t = V f(W [x_t; ...; x_(t-Kx); y_(t-1); ...; y_(t-Ky)] + b) + c    (+ y_(t-1) where it is residual)
//! ```
//! Frames are [x_t; y_(t-1) as measured]. Forced, the past outputs are the measured ones and the layer is a delay line
//! and two dense layers. Closed, they are its own from step `warmup` on, 0 before the first step, and the gradient
//! runs back through them.

use super::span::spans;
use super::{Affine, Delay, Tape, fit};
use crate::Float;
use crate::batch::Frames;

/// The layer.
pub struct Narx<F> {
    /// What it reads of the frames, past and present.
    pub delay: Delay,
    /// f(W [...] + b); none where the network is linear.
    pub hidden: Option<Affine<F>>,
    /// The map to y.
    pub output: Affine<F>,
    /// The first step that reads the layer's own output; none where all read the measured one.
    pub closed_from: Option<usize>,
    /// Whether y_(t-1) is added.
    pub residual: bool,
}

impl<F: Float> Narx<F> {
    pub fn pack(&mut self, parameters: &[F]) {
        self.hidden.iter_mut().for_each(|hidden| hidden.pack(parameters));
        self.output.pack(parameters);
    }

    /// Whether step `t` reads the layer's own output.
    fn closed(&self, t: usize) -> bool {
        self.closed_from.is_some_and(|from| t >= from)
    }

    pub fn forward(&self, parameters: &[F], input: Frames<'_, F>, tape: &mut Tape<F>) {
        let (size, steps, outputs) = (input.size, input.steps(), self.output.outputs);
        let [frame, seen] = [input.width, self.delay.width()];
        let hidden = self.hidden.as_ref().map_or(0, |hidden| hidden.outputs);
        tape.shape(input.rows, size, outputs, 0);
        tape.gates.resize_with(2, Vec::new);
        fit(&mut tape.gates[0], steps * size * hidden);
        fit(&mut tape.gates[1], steps * size * outputs);
        fit(&mut tape.middle, steps * size * hidden);
        fit(&mut tape.carry, steps * size * seen);
        tape.pre.resize_with(2, Vec::new);
        tape.pre.iter_mut().for_each(Vec::clear);
        // The frames as they are read.
        tape.long.clear();
        tape.long.extend_from_slice(&input.data[..steps * size * frame]);
        let Tape { out, gates, middle, carry, long, pre, keep_pre, .. } = tape;
        let [pre_hidden, pre_output] = &mut pre[..] else { return };
        for t in 0..steps {
            let rows = input.rows[t];
            if self.closed(t) {
                for (row, x) in long[t * size * frame..].chunks_exact_mut(frame).take(rows).enumerate() {
                    let tail = &mut x[frame - outputs..];
                    match t.checked_sub(1) {
                        Some(before) => tail.copy_from_slice(&out[(before * size + row) * outputs..][..outputs]),
                        None => tail.fill(F::ZERO),
                    }
                }
            }
            let read = Frames { data: long, rows: input.rows, size, width: frame };
            let seen = &mut carry[t * size * seen..][..size * seen];
            self.delay.step(read, t, seen);
            let mut x: &[F] = seen;
            if let Some(layer) = &self.hidden {
                let at = t * size * hidden;
                let (gates, h) = (&mut gates[0][at..], &mut middle[at..]);
                layer.forward(parameters, rows, x, gates, h, keep_pre.then_some(&mut *pre_hidden));
                x = h;
            }
            let at = t * size * outputs;
            let (gates, y) = (&mut gates[1][at..], &mut out[at..]);
            self.output.forward(parameters, rows, x, gates, y, keep_pre.then_some(&mut *pre_output));
            if self.residual {
                let frames = long[t * size * frame..].chunks_exact(frame).take(rows);
                for (y, x) in y.chunks_exact_mut(outputs).zip(frames) {
                    y.iter_mut().zip(&x[frame - outputs..]).for_each(|(y, before)| *y += *before);
                }
            }
        }
    }

    pub fn backward(&self, input: Frames<'_, F>, tape: &mut Tape<F>, gradient: &mut [F]) {
        let (size, outputs) = (input.size, self.output.outputs);
        let seen = self.delay.width();
        let hidden = self.hidden.as_ref().map_or(0, |hidden| hidden.outputs);
        let Tape { rows, dout, touched, gates, middle, carry, running, packed, .. } = tape;
        let [gates_hidden, gates_output] = &mut gates[..] else { return };
        let [dh, dseen, _] = running;
        dh.resize(size * hidden, F::ZERO);
        dseen.resize(size * seen, F::ZERO);
        for (t, touched) in touched.iter_mut().enumerate() {
            if !std::mem::replace(touched, true) {
                dout[t * size * outputs..][..size * outputs].fill(F::ZERO);
            }
        }
        for t in (0..rows.len()).rev() {
            let (before, dy) = dout.split_at_mut(t * size * outputs);
            if self.residual && t > 0 && self.closed(t) {
                let rows = rows[t] * outputs;
                let from = before.len() - size * outputs;
                before[from..][..rows].iter_mut().zip(&dy[..rows]).for_each(|(to, d)| *to += *d);
            }
            let dy_pre = &mut gates_output[t * size * outputs..];
            self.output.backward(rows[t], dy_pre, dy, gradient);
            let mut dpre = &*dy_pre;
            let mut first = &self.output;
            if let Some(layer) = &self.hidden {
                self.output.to_input(rows[t], dpre, dh);
                let dh_pre = &mut gates_hidden[t * size * hidden..];
                layer.backward(rows[t], dh_pre, dh, gradient);
                (dpre, first) = (dh_pre, layer);
            }
            if self.closed_from.is_none() {
                continue;
            }
            first.to_input(rows[t], dpre, dseen);
            for (row, dseen) in dseen.chunks_exact(seen).take(rows[t]).enumerate() {
                for (column, back, ..) in self.delay.tail_blocks() {
                    let Some(read) = t.checked_sub(back).filter(|&read| read > 0 && self.closed(read)) else {
                        continue;
                    };
                    let dy = &mut before[((read - 1) * size + row) * outputs..][..outputs];
                    dy.iter_mut().zip(&dseen[column..]).for_each(|(dy, d)| *dy += *d);
                }
            }
        }
        for span in spans(rows, size, |_| true) {
            let mut x = &carry[span.from * size * seen..];
            if let Some(layer) = &self.hidden {
                layer.to_weights(span.rows, &gates_hidden[span.from * size * hidden..], x, packed, gradient);
                x = &middle[span.from * size * hidden..];
            }
            self.output.to_weights(span.rows, &gates_output[span.from * size * outputs..], x, packed, gradient);
        }
    }
}
