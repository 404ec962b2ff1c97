//! Back-propagation through time of a recurrent layer: the steps from last to first, and the weights of some steps at a time.

use super::dropout::Dropped;
use super::{Recurrent, RecurrentTape, Terms};
use crate::Float;
use crate::batch::Frames;
use crate::cell::BackwardStep;
use crate::float::gemm::{Gemm, Left, Right, Term};
use crate::layer::span::Chunk;
use crate::layer::{Backward, Forward, Mode, Output, fit};

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
        self.shared.clear(&mut tape.dvectors);
        tape.dsecond.clear();
        tape.dsecond.resize(tape.second.len(), F::ZERO);
        let mut dropped = std::mem::take(&mut tape.dropped);
        // Of W and U where they are not the parameters themselves: under a mask, or the product of factors.
        let mut own = match &self.factors {
            Some(factors) => {
                let mut own = std::mem::take(&mut tape.whole);
                own.clear();
                own.resize(self.tensors.w.len() + factors.product().len(), F::ZERO);
                Some(own)
            }
            None => dropped.take_gradient(),
        };
        self.turn(input, tape);
        let place = self.tensors.w.start..self.tensors.u.end;
        let mut to = input.steps();
        tape.dpre.resize_with(self.stages.len(), Vec::new);
        let most = self.chunk_rows();
        for (s, dpre) in tape.dpre.iter_mut().enumerate() {
            fit(dpre, (to * input.size).min(most.max(input.size)) * self.stride(s));
        }
        while to > 0 {
            let chunk = Chunk::before(to, input.rows, input.size, most);
            if tape.again {
                let pass = Forward { parameters, input, mode: Mode::Evaluate, given: None };
                self.run_again(pass, out, tape, &mut dropped, &chunk);
            }
            for t in (chunk.from..to).rev() {
                if probe {
                    self.probe(out, tape, t);
                }
                for stage in (0..self.stages.len()).rev() {
                    self.backward_stage(
                        (parameters, &mut *gradient),
                        input,
                        (out, tape),
                        &mut dropped,
                        ([t, stage], chunk.from),
                    );
                }
            }
            // While what the steps left is in the cache.
            let weights = own.as_mut().map_or(&mut gradient[place.clone()], |own| &mut own[..]);
            for s in 0..self.stages.len() {
                self.to_weights(input, (out, tape), weights, &mut dropped, (&chunk, s));
            }
            if let Some(below) = &mut below {
                self.to_input(tape, below, &dropped, &chunk);
            }
            to = chunk.from;
        }
        tape.norms.reverse();
        self.shared.gather(&tape.dvectors, &self.tensors, self.units, gradient);
        self.turn_back(tape, own.as_mut().map_or(&mut gradient[place.clone()], |own| &mut own[..]));
        match (own, &self.factors) {
            (Some(own), Some(factors)) => {
                let (dw, du) = own.split_at(self.tensors.w.len());
                gradient[self.tensors.w.clone()].iter_mut().zip(dw).for_each(|(to, d)| *to += *d);
                factors.gather(du, parameters, gradient, &mut tape.packed);
                tape.whole = own;
            }
            (Some(own), None) => dropped.give_gradient(own, &mut gradient[place]),
            (None, _) => {}
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
        ([t, s], from): ([usize; 2], usize),
    ) {
        let (h, rows, stage) = (self.units, input.rows[t], &self.stages[s]);
        let n = input.size * h;
        let (width, stride) = (stage.gates() * h, self.stride(s));
        let (only, last) = (self.stages.len() == 1, s + 1 == self.stages.len());
        let hidden = self.long_is_h();
        let [mut dh, mut dlong, mut dcarry] = std::mem::take(&mut tape.running);
        let h_previous = &out.values[t * n..][..n];
        let kept = if tape.again { t - from } else { t };
        let h_in = if s == 0 { h_previous } else { &tape.middle[kept * n..][..n] };
        let none: &[F] = &[];
        let (long, long_out) = match (hidden, self.keeps_cell()) {
            (true, _) => (h_previous, none),
            (_, true) => (&tape.c[t * n..][..n], &tape.c[(t + 1) * n..][..n]),
            _ => (none, none),
        };
        let carry = if !only && last { &tape.carry[kept * n..][..n] } else { none };
        let dout = if last && out.touched[t] { &out.gradient[t * n..][..n] } else { none };
        let gates = &mut tape.gates[s][kept * input.size * width..][..input.size * width];
        let dpre = &mut tape.dpre[s][(t - from) * input.size * stride..][..input.size * stride];
        // V comes after b.
        let (front, back) = gradient.split_at_mut(self.tensors.b.end);
        let dbias = &mut front[self.tensors.b.clone()][self.first[s] * h..self.first[s + 1] * h];
        let ddiagonal =
            if tape.dvectors.is_empty() { &mut back[..self.tensors.v.len()] } else { &mut tape.dvectors[..] };
        let keeps_long = self.keeps_cell() || (hidden && !only);
        stage.backward(BackwardStep {
            rows,
            units: h,
            gates,
            dpre: &mut *dpre,
            stride,
            dbias,
            diagonal: self.shared.vectors(parameters, &self.tensors),
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
        let mut terms: Terms<'_, F> = Terms::new();
        if t > 0 || s > 0 || !tape.h_0.is_empty() {
            let packs = &dropped.weights(&self.weights).hidden;
            for (run, packs) in self.hidden_runs.iter().zip(packs).filter(|(run, _)| run.stage == s) {
                let a = Left::Rows(&dpre[run.gate * h..], stride);
                let _ = terms.push(Term { a, b: Right::Packed(&packs.backward) });
            }
        }
        let (masked, straight) = (dropped.drops_state(), stage.reads_h());
        if !straight && (masked || terms.is_empty()) {
            dh[..rows * h].fill(F::ZERO);
        }
        if masked && !terms.is_empty() {
            fit(&mut tape.through, n);
            F::gemm(Gemm { rows, terms: &terms, c: &mut tape.through, stride: h, add: false });
            dropped.add_masked(t, &tape.through[..n], &mut dh, rows * h);
        } else {
            F::gemm(Gemm { rows, terms: &terms, c: &mut dh, stride: h, add: straight });
        }
        tape.running = [dh, dlong, dcarry];
    }
}
