//! The forward pass of a recurrent layer.

use super::dropout::Dropped;
use super::{Recurrent, RecurrentTape};
use crate::Float;
use crate::cell::ForwardStep;
use crate::layer::{Forward, Mode, Output, fit};

impl<F: Float> Recurrent<F> {
    pub(super) fn run_forward(&self, pass: Forward<'_, F>, out: &mut Output<F>, tape: &mut RecurrentTape<F>) {
        let Forward { parameters, input, mode, given } = pass;
        let (size, h, steps) = (input.size, self.units, input.steps());
        let n = size * h;
        out.shape(input.rows, size, h, 1);
        tape.n = n;
        tape.gates.resize_with(self.stages.len(), Vec::new);
        for (gates, stage) in tape.gates.iter_mut().zip(&self.stages) {
            fit(gates, steps * n * stage.gates());
        }
        out.values[..tape.h_0.len()].copy_from_slice(&tape.h_0);
        if self.keeps_cell() {
            fit(&mut tape.c, (1 + steps) * n);
            tape.c[..n].fill(F::ZERO);
            tape.c[..tape.c_0.len()].copy_from_slice(&tape.c_0);
        }
        let between = if self.stages.len() > 1 { steps * n } else { 0 };
        fit(&mut tape.middle, between);
        fit(&mut tape.carry, between);
        if mode == Mode::Trace {
            tape.pre.resize_with(self.stages.len(), Vec::new);
            tape.pre.iter_mut().for_each(Vec::clear);
        }
        let mut dropped = std::mem::take(&mut tape.dropped);
        self.draw(parameters, [steps, n], mode, &mut dropped);
        for t in 0..steps {
            for s in 0..self.stages.len() {
                self.forward_stage(pass, out, tape, &mut dropped, [t, s]);
            }
            if let Some(given) = given {
                // The next step goes on from these.
                out.values[(t + 1) * n..][..n].copy_from_slice(&given.out[t * n..][..n]);
                if self.keeps_cell() {
                    tape.c[(t + 1) * n..][..n].copy_from_slice(&given.carried[t * n..][..n]);
                }
            }
        }
        tape.dropped = dropped;
    }

    fn forward_stage(
        &self,
        Forward { parameters, input, mode, .. }: Forward<'_, F>,
        out: &mut Output<F>,
        tape: &mut RecurrentTape<F>,
        dropped: &mut Dropped<F>,
        [t, s]: [usize; 2],
    ) {
        let (h, rows) = (self.units, input.rows[t]);
        let (n, stage) = (input.size * h, &self.stages[s]);
        let bias = &parameters[self.tensors.b.clone()][self.first[s] * h..self.first[s + 1] * h];
        let stride = stage.gates() * h;
        let (before, after) = out.values.split_at_mut((t + 1) * n);
        let h_previous = &before[t * n..];
        let last = s + 1 == self.stages.len();
        let gates = &mut tape.gates[s][t * input.size * stride..][..input.size * stride];

        let starts_at_zero = tape.h_0.is_empty();
        let (h_in, middle): (&[F], &mut [F]) = match tape.middle.get_mut(t * n..(t + 1) * n) {
            Some(middle) if s > 0 => (middle, &mut []),
            Some(middle) => (h_previous, middle),
            None => (h_previous, &mut []),
        };
        let known = t > 0 || s > 0 || !starts_at_zero;
        if known {
            dropped.mask_state(t, h_in);
        }
        let u_reads = known.then(|| dropped.state(h_in));
        let pre = &mut tape.products;
        let step = self.stride(s);
        fit(pre, input.size * step);
        self.products(s, rows, dropped.weights(&self.weights), input.from(t), u_reads, pre);
        if mode == Mode::Trace {
            for row in pre.chunks_exact(step).take(rows) {
                tape.pre[s].extend(row[..stride].iter().zip(bias).map(|(a, b)| F::of(a.f64() + b.f64())));
            }
        }

        let (mut long_out, mut carry, mut carry_out): (&mut [F], &[F], &mut [F]) = (&mut [], &[], &mut []);
        let mut long: &[F] = if self.long_is_h() { h_previous } else { &[] };
        if self.keeps_cell() {
            let (c_before, c_after) = tape.c.split_at_mut((t + 1) * n);
            long = &c_before[t * n..];
            long_out = &mut c_after[..n];
        }
        if self.stages.len() > 1 {
            let step = &mut tape.carry[t * n..][..n];
            if last { carry = step } else { carry_out = step }
        }
        let h_out = if last { &mut after[..n] } else { middle };
        let diagonal = self.shared.vectors(parameters, &self.tensors);
        stage.forward(ForwardStep {
            rows,
            units: h,
            pre,
            stride: step,
            gates,
            bias,
            diagonal,
            h: h_in,
            h_out,
            long,
            second: if t == 0 { &tape.second } else { &[] },
            long_out,
            carry,
            carry_out,
        });
    }
}
