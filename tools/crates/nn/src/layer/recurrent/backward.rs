//! Back-propagation through time of a recurrent layer: the steps from last to first, then the weights of all steps.

use super::dropout::Dropped;
use super::{Recurrent, RecurrentTape};
use crate::Float;
use crate::batch::Frames;
use crate::cell::BackwardStep;
use crate::float::gemm::{Gemm, Left, Right};
use crate::layer::span::{Span, spans};
use crate::layer::{Backward, Below, Output};

impl<F: Float> Recurrent<F> {
    pub(super) fn run_backward(&self, pass: Backward<'_, F>, out: &mut Output<F>, tape: &mut RecurrentTape<F>) {
        let Backward { parameters, input, gradient, mut below, probe } = pass;
        let n = input.size * self.units;
        for running in &mut tape.running {
            running.clear();
            running.resize(n, F::ZERO);
        }
        tape.running[1][..tape.last_c_gradient.len()].copy_from_slice(&tape.last_c_gradient);
        tape.norms.clear();
        tape.dsecond.clear();
        tape.dsecond.resize(tape.second.len(), F::ZERO);
        let mut dropped = std::mem::take(&mut tape.dropped);
        for t in (0..input.steps()).rev() {
            if probe {
                self.probe(out, tape, t);
            }
            for stage in (0..self.stages.len()).rev() {
                self.backward_stage((parameters, &mut *gradient), input, (out, tape), &mut dropped, [t, stage]);
            }
        }
        tape.norms.reverse();
        let place = self.tensors.w.start..self.tensors.u.end;
        let mut own = dropped.take_gradient();
        let to = own.as_mut().map_or(&mut gradient[place.clone()], |own| &mut own[..]);
        let (dw, du) = to.split_at_mut(self.tensors.w.len());
        for span in spans(input.rows, input.size, |_| true) {
            for s in 0..self.stages.len() {
                self.to_weights(input, (out, tape), [&mut *dw, &mut *du], &mut dropped, (span, s));
            }
            if let Some(below) = &mut below {
                self.to_input(tape, below, &dropped, span);
            }
        }
        if let Some(own) = own {
            dropped.give_gradient(own, &mut gradient[place]);
        }
        tape.dropped = dropped;
    }

    /// Keeps the norm of ∂L/∂h_t of the first row.
    fn probe(&self, out: &Output<F>, tape: &mut RecurrentTape<F>, t: usize) {
        let from_above = out.touched[t].then(|| &out.gradient[t * tape.n..][..self.units]);
        let square = |(k, d): (usize, &F)| (d.f64() + from_above.map_or(0.0, |a| a[k].f64())).powi(2);
        let norm = tape.running[0][..self.units].iter().enumerate().map(square).sum::<f64>().sqrt();
        tape.norms.push(norm);
    }

    fn backward_stage(
        &self,
        (parameters, gradient): (&[F], &mut [F]),
        input: Frames<'_, F>,
        (out, tape): (&Output<F>, &mut RecurrentTape<F>),
        dropped: &mut Dropped<F>,
        [t, s]: [usize; 2],
    ) {
        let (h, rows, stage) = (self.units, input.rows[t], &self.stages[s]);
        let n = input.size * h;
        let stride = stage.gates() * h;
        let (only, last) = (self.stages.len() == 1, s + 1 == self.stages.len());
        let hidden = self.long_is_h();
        let [mut dh, mut dlong, mut dcarry] = std::mem::take(&mut tape.running);
        let h_previous = &out.values[t * n..][..n];
        let h_in = if s == 0 { h_previous } else { &tape.middle[t * n..][..n] };
        let none: &[F] = &[];
        let (long, long_out) = match (hidden, self.keeps_cell()) {
            (true, _) => (h_previous, none),
            (_, true) => (&tape.c[t * n..][..n], &tape.c[(t + 1) * n..][..n]),
            _ => (none, none),
        };
        let carry = if !only && last { &tape.carry[t * n..][..n] } else { none };
        let dout = if last && out.touched[t] { &out.gradient[t * n..][..n] } else { none };
        let gates = &mut tape.gates[s][t * input.size * stride..][..input.size * stride];
        // V comes after b.
        let (front, back) = gradient.split_at_mut(self.tensors.b.end);
        let dbias = &mut front[self.tensors.b.clone()][self.first[s] * h..self.first[s + 1] * h];
        let ddiagonal = &mut back[..self.tensors.v.len()];
        let keeps_long = self.keeps_cell() || (hidden && !only);
        stage.backward(BackwardStep {
            rows,
            units: h,
            gates,
            dbias,
            diagonal: &parameters[self.tensors.v.clone()],
            ddiagonal,
            h: h_in,
            long,
            second: if t == 0 { &tape.second } else { &[] },
            long_out,
            carry,
            dout,
            dh: &mut dh,
            dsecond: if t == 0 { &mut tape.dsecond } else { &mut [] },
            dlong: if keeps_long { &mut dlong } else { &mut [] },
            fold: hidden && s == 0,
            enter_long: keeps_long && !(hidden && last),
            dcarry: if only { &mut [] } else { &mut dcarry },
        });

        // What goes straight to h stays; the rest comes through U.
        if !stage.reads_h() {
            dh[..rows * h].fill(F::ZERO);
        }
        if t > 0 || s > 0 || !tape.h_0.is_empty() {
            let packs = &dropped.weights(&self.weights).hidden;
            let through = &mut tape.through;
            let masked = dropped.drops_state();
            if masked {
                through.clear();
                through.resize(n, F::ZERO);
            }
            let to = if masked { &mut through[..] } else { &mut dh[..] };
            for (run, packs) in self.hidden_runs.iter().zip(packs).filter(|(run, _)| run.stage == s) {
                let (a, b) = (Left::Rows(&gates[run.gate * h..], stride), Right::Packed(&packs.backward));
                F::gemm(Gemm { rows, a, b, c: &mut *to, stride: h, add: true });
            }
            if masked {
                dropped.add_masked(t, through, &mut dh);
            }
        }
        tape.running = [dh, dlong, dcarry];
    }

    /// Adds ∂L/∂W and ∂L/∂U of stage `s` over the steps of a span.
    fn to_weights(
        &self,
        input: Frames<'_, F>,
        (out, tape): (&Output<F>, &mut RecurrentTape<F>),
        [dw, du]: [&mut [F]; 2],
        dropped: &mut Dropped<F>,
        (span, s): (Span, usize),
    ) {
        let (h, stride) = (self.units, self.stages[s].gates() * self.units);
        let n = input.size * h;
        let gates = &tape.gates[s][span.from * input.size * stride..];
        for run in self.input_runs.iter().filter(|run| run.stage == s) {
            let c = &mut dw[run.row * h * self.inputs..];
            let x = &input.from(span.from)[..span.rows * self.inputs];
            let b = Right::rows(x, span.rows, self.inputs, &mut tape.packed);
            let a = Left::Columns(&gates[run.gate * h..], stride);
            F::gemm(Gemm { rows: run.gates * h, a, b, c, stride: self.inputs, add: true });
        }
        let before = if s == 0 { &out.values } else { &tape.middle };
        let h_in = &before[span.from * n..][..span.rows * h];
        dropped.mask_span(span, n, h_in);
        for run in self.hidden_runs.iter().filter(|run| run.stage == s) {
            let c = &mut du[run.row * h * h..];
            let b = Right::rows(dropped.state(h_in), span.rows, h, &mut tape.packed);
            let a = Left::Columns(&gates[run.gate * h..], stride);
            F::gemm(Gemm { rows: run.gates * h, a, b, c, stride: h, add: true });
        }
    }

    /// ∂L/∂x over the steps of a span.
    fn to_input(&self, tape: &RecurrentTape<F>, below: &mut Below<'_, F>, dropped: &Dropped<F>, span: Span) {
        let (size, width) = (below.size, below.width);
        let c = below.steps(span.from..span.to);
        let packs = &dropped.weights(&self.weights).input;
        for (k, (run, packs)) in self.input_runs.iter().zip(packs).enumerate() {
            let stride = self.stages[run.stage].gates() * self.units;
            let gates = &tape.gates[run.stage][span.from * size * stride + run.gate * self.units..];
            let (a, b) = (Left::Rows(gates, stride), Right::Packed(&packs.backward));
            F::gemm(Gemm { rows: span.rows, a, b, c: &mut *c, stride: width, add: k > 0 });
        }
    }
}
