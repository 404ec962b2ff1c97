//! A recurrent layer: products with W and U a step at a time, the cell's equations fused behind them.

use elman::cell::{Columns, LongState, VariantSpec};

use super::{Below, Place, Tape};
use crate::nn::Float;
use crate::nn::batch::Frames;
use crate::nn::cell::{BackwardStep, ForwardStep, Stages};
use crate::nn::float::gemm::{Gemm, Left, Packed, Right};

/// Neighbouring gates whose rows of W (or U) are one matrix.
struct Run<F> {
    stage: usize,
    /// First gate within the stage.
    gate: usize,
    gates: usize,
    /// First row of W or U.
    row: usize,
    /// Whether its product adds to what another one left.
    add: bool,
    forward: Packed<F>,
    backward: Packed<F>,
}

/// A layer of recurrent cells.
pub struct Recurrent<F> {
    spec: &'static VariantSpec,
    stages: Stages<F>,
    /// First gate of every stage, then their number.
    first: Vec<usize>,
    inputs: usize,
    units: usize,
    place: Place,
    input_runs: Vec<Run<F>>,
    hidden_runs: Vec<Run<F>>,
}

/// Cuts the gates with these columns into runs.
fn runs<F: Float>(spec: &VariantSpec, has: fn(Columns) -> bool, adds: fn(Columns) -> bool) -> Vec<Run<F>> {
    let mut runs: Vec<Run<F>> = Vec::new();
    let mut row = 0;
    for (stage, s) in spec.stages.iter().enumerate() {
        for (gate, g) in s.gates.iter().enumerate() {
            if !has(g.columns) {
                continue;
            }
            let add = adds(g.columns);
            match runs.last_mut() {
                Some(r) if r.stage == stage && r.gate + r.gates == gate && r.add == add => r.gates += 1,
                _ => {
                    let (forward, backward) = Default::default();
                    runs.push(Run { stage, gate, gates: 1, row, add, forward, backward });
                }
            }
            row += 1;
        }
    }
    runs
}

impl<F: Float> Recurrent<F> {
    /// A layer of `units` cells over `inputs` values.
    pub fn new(spec: &'static VariantSpec, stages: Stages<F>, inputs: usize, units: usize, place: Place) -> Self {
        let first = std::iter::once(0)
            .chain(stages.iter().scan(0, |n, stage| {
                *n += stage.gates();
                Some(*n)
            }))
            .collect();
        let input_runs = runs(spec, |c| c != Columns::Hidden, |_| false);
        let hidden_runs = runs(spec, |c| c != Columns::Input, |c| c == Columns::Both);
        Self { spec, stages, first, inputs, units, place, input_runs, hidden_runs }
    }

    pub fn pack(&mut self, parameters: &[F]) {
        let (w, u) = (&parameters[self.place.w.clone()], &parameters[self.place.u.clone()]);
        let (inputs, units) = (self.inputs, self.units);
        let sides = [(&mut self.input_runs, w, inputs), (&mut self.hidden_runs, u, units)];
        for (runs, weights, columns) in sides {
            for run in runs {
                let rows = run.gates * units;
                let part = &weights[run.row * units * columns..][..rows * columns];
                run.forward.pack_transposed(part, columns, rows);
                run.backward.pack(part, rows, columns, columns);
            }
        }
    }

    /// Products with one side's weights, into the gates of a stage's step.
    fn products(&self, runs: &[Run<F>], stage: usize, rows: usize, x: &[F], width: usize, gates: &mut [F]) {
        let stride = self.stages[stage].gates() * self.units;
        for run in runs.iter().filter(|run| run.stage == stage) {
            let c = &mut gates[run.gate * self.units..];
            let (a, b) = (Left::Rows(x, width), Right::Packed(&run.forward));
            F::dispatch(Gemm { rows, a, b, c, stride, add: run.add });
        }
    }

    pub fn forward(&self, parameters: &[F], input: Frames<'_, F>, tape: &mut Tape<F>) {
        let (size, h, steps) = (input.size, self.units, input.steps());
        let n = size * h;
        tape.shape(input.rows, size, h, 1);
        tape.gates.resize_with(self.stages.len(), Vec::new);
        for (gates, stage) in tape.gates.iter_mut().zip(&self.stages) {
            gates.resize(steps * n * stage.gates(), F::ZERO);
        }
        if self.spec.long == LongState::Cell {
            tape.long.resize((1 + steps) * n, F::ZERO);
            tape.long[..n].fill(F::ZERO);
        }
        let between = if self.stages.len() > 1 { steps * n } else { 0 };
        tape.middle.resize(between, F::ZERO);
        tape.carry.resize(between, F::ZERO);
        if tape.keep_pre {
            tape.pre.resize_with(self.stages.len(), Vec::new);
            tape.pre.iter_mut().for_each(Vec::clear);
        }
        let bias = &parameters[self.place.b.clone()];
        for t in 0..steps {
            for stage in 0..self.stages.len() {
                self.forward_stage(bias, input, tape, t, stage);
            }
        }
    }

    fn forward_stage(&self, bias: &[F], input: Frames<'_, F>, tape: &mut Tape<F>, t: usize, s: usize) {
        let (h, rows) = (self.units, input.rows[t]);
        let (n, stage) = (input.size * h, &self.stages[s]);
        let bias = &bias[self.first[s] * h..self.first[s + 1] * h];
        let stride = stage.gates() * h;
        let (before, after) = tape.out.split_at_mut((t + 1) * n);
        let h_previous = &before[t * n..];
        let last = s + 1 == self.stages.len();
        let gates = &mut tape.gates[s][t * input.size * stride..][..input.size * stride];

        self.products(&self.input_runs, s, rows, input.step(t), self.inputs, gates);
        // Before the first step h is 0.
        let (h_in, middle): (&[F], &mut [F]) = match tape.middle.get_mut(t * n..(t + 1) * n) {
            Some(middle) if s > 0 => (middle, &mut []),
            Some(middle) => (h_previous, middle),
            None => (h_previous, &mut []),
        };
        if t > 0 || s > 0 {
            self.products(&self.hidden_runs, s, rows, h_in, h, gates);
        } else {
            for run in self.hidden_runs.iter().filter(|run| run.stage == s && !run.add) {
                for row in gates.chunks_exact_mut(stride).take(rows) {
                    row[run.gate * h..][..run.gates * h].fill(F::ZERO);
                }
            }
        }
        if tape.keep_pre {
            for row in gates.chunks_exact(stride).take(rows) {
                tape.pre[s].extend(row.iter().zip(bias).map(|(a, b)| F::of(a.f64() + b.f64())));
            }
        }

        let (mut long_out, mut carry, mut carry_out): (&mut [F], &[F], &mut [F]) = (&mut [], &[], &mut []);
        let mut long: &[F] = match self.spec.long {
            LongState::Hidden => h_previous,
            _ => &[],
        };
        if self.spec.long == LongState::Cell {
            let (c_before, c_after) = tape.long.split_at_mut((t + 1) * n);
            long = &c_before[t * n..];
            long_out = &mut c_after[..n];
        }
        if self.stages.len() > 1 {
            let step = &mut tape.carry[t * n..][..n];
            if last { carry = step } else { carry_out = step }
        }
        let h_out = if last { &mut after[..n] } else { middle };
        stage.forward(ForwardStep { rows, units: h, gates, bias, h: h_in, h_out, long, long_out, carry, carry_out });
    }

    pub fn backward(
        &self,
        input: Frames<'_, F>,
        tape: &mut Tape<F>,
        gradient: &mut [F],
        mut below: Option<Below<'_, F>>,
    ) {
        let n = input.size * self.units;
        for running in &mut tape.running {
            running.clear();
            running.resize(n, F::ZERO);
        }
        for t in (0..input.steps()).rev() {
            for stage in (0..self.stages.len()).rev() {
                self.backward_stage(input, tape, gradient, &mut below, t, stage);
            }
        }
    }

    fn backward_stage(
        &self,
        input: Frames<'_, F>,
        tape: &mut Tape<F>,
        gradient: &mut [F],
        below: &mut Option<Below<'_, F>>,
        t: usize,
        s: usize,
    ) {
        let (h, rows, stage) = (self.units, input.rows[t], &self.stages[s]);
        let n = input.size * h;
        let stride = stage.gates() * h;
        let (only, last) = (self.stages.len() == 1, s + 1 == self.stages.len());
        let hidden = self.spec.long == LongState::Hidden;
        let [mut dh, mut dlong, mut dcarry] = std::mem::take(&mut tape.running);
        let h_previous = &tape.out[t * n..][..n];
        let h_in = if s == 0 { h_previous } else { &tape.middle[t * n..][..n] };
        let none: &[F] = &[];
        let (long, long_out) = match self.spec.long {
            LongState::Hidden => (h_previous, none),
            LongState::Cell => (&tape.long[t * n..][..n], &tape.long[(t + 1) * n..][..n]),
            _ => (none, none),
        };
        let carry = if !only && last { &tape.carry[t * n..][..n] } else { none };
        let dout = if last && tape.touched[t] { &tape.dout[t * n..][..n] } else { none };
        let gates = &mut tape.gates[s][t * input.size * stride..][..input.size * stride];
        let dbias = &mut gradient[self.place.b.clone()][self.first[s] * h..self.first[s + 1] * h];
        let keeps_long = self.spec.long == LongState::Cell || (hidden && !only);
        stage.backward(BackwardStep {
            rows,
            units: h,
            gates,
            dbias,
            h: h_in,
            long,
            long_out,
            carry,
            dout,
            dh: &mut dh,
            dlong: if keeps_long { &mut dlong } else { &mut [] },
            fold: hidden && s == 0,
            enter_long: keeps_long && !(hidden && last),
            dcarry: if only { &mut [] } else { &mut dcarry },
        });

        for run in self.input_runs.iter().filter(|run| run.stage == s) {
            let part = &gates[run.gate * h..];
            let c = &mut gradient[self.place.w.clone()][run.row * h * self.inputs..];
            let b = Right::rows(input.step(t), rows, self.inputs, &mut tape.packed);
            let a = Left::Columns(part, stride);
            F::dispatch(Gemm { rows: run.gates * h, a, b, c, stride: self.inputs, add: true });
        }
        if let Some(below) = below {
            let mut add = below.touched[t];
            let width = below.width;
            let c = below.step(t);
            for run in self.input_runs.iter().filter(|run| run.stage == s) {
                let (a, b) = (Left::Rows(&gates[run.gate * h..], stride), Right::Packed(&run.backward));
                F::dispatch(Gemm { rows, a, b, c, stride: width, add });
                add = true;
            }
        }
        let mut add = stage.reads_h();
        if t > 0 || s > 0 {
            for run in self.hidden_runs.iter().filter(|run| run.stage == s) {
                let part = &gates[run.gate * h..];
                let (a, b) = (Left::Rows(part, stride), Right::Packed(&run.backward));
                F::dispatch(Gemm { rows, a, b, c: &mut dh, stride: h, add });
                add = true;
                let c = &mut gradient[self.place.u.clone()][run.row * h * h..];
                let b = Right::rows(h_in, rows, h, &mut tape.packed);
                let a = Left::Columns(part, stride);
                F::dispatch(Gemm { rows: run.gates * h, a, b, c, stride: h, add: true });
            }
        }
        tape.running = [dh, dlong, dcarry];
    }
}
