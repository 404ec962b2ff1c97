//! The forward pass of a recurrent layer.

use super::dropout::Dropped;
use super::{Recurrent, RecurrentTape};
use crate::Float;
use crate::cell::ForwardStep;
use crate::layer::span::Chunk;
use crate::layer::{Forward, Mode, Output, fit};

/// The states before a step and after it; c is empty where the cell does not keep it apart from h.
struct States<'a, F> {
    h: &'a [F],
    h_out: &'a mut [F],
    c: &'a [F],
    c_out: &'a mut [F],
}

/// A stage of a step, and where its gates are kept.
#[derive(Clone, Copy)]
struct Place {
    t: usize,
    stage: usize,
    /// The step's place in `gates`, `middle` and `carry`.
    kept: usize,
}

impl<F: Float> Recurrent<F> {
    pub(super) fn run_forward(&self, pass: Forward<'_, F>, out: &mut Output<F>, tape: &mut RecurrentTape<F>) {
        let Forward { parameters, input, mode, given } = pass;
        let (size, h, steps) = (input.size, self.units, input.steps());
        let n = size * h;
        out.shape(input.rows, size, h, 1);
        tape.n = n;
        tape.again = self.recompute && mode != Mode::Trace;
        // Of steps that are computed again, as many as a chunk has.
        let kept = if tape.again { steps.min((self.chunk_rows() / size.max(1)).max(1)) } else { steps };
        tape.gates.resize_with(self.stages.len(), Vec::new);
        for (gates, stage) in tape.gates.iter_mut().zip(&self.stages) {
            fit(gates, kept * n * stage.gates());
        }
        out.values[..tape.h_0.len()].copy_from_slice(&tape.h_0);
        if self.keeps_cell() {
            fit(&mut tape.c, (1 + steps) * n);
            tape.c[..n].fill(F::ZERO);
            tape.c[..tape.c_0.len()].copy_from_slice(&tape.c_0);
        }
        let between = if self.stages.len() > 1 { kept * n } else { 0 };
        fit(&mut tape.middle, between);
        fit(&mut tape.carry, between);
        if mode == Mode::Trace {
            tape.pre.resize_with(self.stages.len(), Vec::new);
            tape.pre.iter_mut().for_each(Vec::clear);
        }
        let mut dropped = std::mem::take(&mut tape.dropped);
        self.draw(parameters, [steps, n], mode, &mut dropped);
        let mut c = std::mem::take(&mut tape.c);
        for t in 0..steps {
            let (h, h_out) = of_step(&mut out.values, n, t);
            let (c, c_out) = if c.is_empty() { (&[][..], &mut [][..]) } else { of_step(&mut c, n, t) };
            let mut states = States { h, h_out, c, c_out };
            for stage in 0..self.stages.len() {
                let place = Place { t, stage, kept: if tape.again { 0 } else { t } };
                self.forward_stage(pass, &mut states, tape, &mut dropped, place);
            }
            if let Some(given) = given {
                // The next step goes on from these.
                states.h_out.copy_from_slice(&given.out[t * n..][..n]);
                if self.keeps_cell() {
                    states.c_out.copy_from_slice(&given.carried[t * n..][..n]);
                }
            }
        }
        (tape.c, tape.dropped) = (c, dropped);
    }

    /// Computes the gates of a chunk's steps again, from the states that were kept: the same numbers, as each step is computed as it
    /// was.
    pub(super) fn run_again(
        &self,
        pass: Forward<'_, F>,
        out: &Output<F>,
        tape: &mut RecurrentTape<F>,
        dropped: &mut Dropped<F>,
        chunk: &Chunk,
    ) {
        let n = tape.n;
        let c = std::mem::take(&mut tape.c);
        let [mut h_out, mut c_out] = std::mem::take(&mut tape.scratch);
        fit(&mut h_out, n);
        fit(&mut c_out, if c.is_empty() { 0 } else { n });
        for t in chunk.from..chunk.to {
            let c = if c.is_empty() { &[] } else { &c[t * n..][..n] };
            let mut states = States { h: &out.values[t * n..][..n], h_out: &mut h_out, c, c_out: &mut c_out };
            for stage in 0..self.stages.len() {
                let place = Place { t, stage, kept: t - chunk.from };
                self.forward_stage(pass, &mut states, tape, dropped, place);
            }
        }
        (tape.c, tape.scratch) = (c, [h_out, c_out]);
    }

    fn forward_stage(
        &self,
        Forward { parameters, input, mode, .. }: Forward<'_, F>,
        states: &mut States<'_, F>,
        tape: &mut RecurrentTape<F>,
        dropped: &mut Dropped<F>,
        Place { t, stage: s, kept }: Place,
    ) {
        let (h, rows) = (self.units, input.rows[t]);
        let (n, stage) = (input.size * h, &self.stages[s]);
        let bias = &parameters[self.tensors.b.clone()][self.first[s] * h..self.first[s + 1] * h];
        let stride = stage.gates() * h;
        let h_previous = states.h;
        let last = s + 1 == self.stages.len();
        let gates = &mut tape.gates[s][kept * input.size * stride..][..input.size * stride];

        let starts_at_zero = tape.h_0.is_empty();
        let (h_in, middle): (&[F], &mut [F]) = match tape.middle.get_mut(kept * n..(kept + 1) * n) {
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
            (long, long_out) = (states.c, &mut *states.c_out);
        }
        if self.stages.len() > 1 {
            let step = &mut tape.carry[kept * n..][..n];
            if last { carry = step } else { carry_out = step }
        }
        let h_out = if last { &mut *states.h_out } else { middle };
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

/// What stands before step `t` and after it in `[1 + steps, n]` values.
fn of_step<F>(values: &mut [F], n: usize, t: usize) -> (&[F], &mut [F]) {
    let (before, after) = values.split_at_mut((t + 1) * n);
    (&before[t * n..], &mut after[..n])
}
