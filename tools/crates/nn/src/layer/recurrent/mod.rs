//! A recurrent layer as it runs: products with W and U, the cell's equations fused with them.

mod backward;
mod dropout;
mod forward;
#[cfg(test)]
mod initial;
mod tape;

use std::ops::Range;

use elman::cell::{CarriedState, Operands, VariantSpec};
use get_size2::GetSize;

pub use dropout::StateDropout;
pub use tape::RecurrentTape;

use super::{Backward, Forward, Output, Run};
use crate::cell::Stages;
use crate::float::gemm::{Gemm, Left, Packed, Right};
use crate::{Float, Trace};

/// Where the tensors of a layer lie among the parameters, one after the other; b and V are empty where there are none.
#[derive(Clone, Debug, Default)]
pub struct Tensors {
    /// W
    pub w: Range<usize>,
    /// U
    pub u: Range<usize>,
    /// b
    pub b: Range<usize>,
    /// V_i, V_f, V_o of a cell with peepholes.
    pub v: Range<usize>,
}

impl Tensors {
    /// As `find` has them by their letters; what it gives as empty comes where the one before ends.
    pub fn of(find: impl Fn(&str) -> Range<usize>) -> Self {
        let next = |letter: &str, end: usize| {
            let found = find(letter);
            if found.is_empty() { end..end } else { found }
        };
        let w = find("w");
        let u = next("u", w.end);
        let b = next("b", u.end);
        let v = next("v", b.end);
        Tensors { w, u, b, v }
    }
}

/// Neighbouring gates whose rows of W (or U) are one matrix.
#[derive(Clone, Debug)]
struct GateRun {
    stage: usize,
    /// First gate within the stage.
    gate: usize,
    gates: usize,
    /// First row of W or U.
    row: usize,
    /// Whether its product adds to what another one left.
    add: bool,
}

/// W or U as the products of a run read it.
#[derive(Clone, Debug, Default, GetSize)]
struct Packs<F> {
    forward: Packed<F>,
    backward: Packed<F>,
}

/// W and U, run by run.
#[derive(Clone, Debug, Default, GetSize)]
pub struct Weights<F> {
    input: Vec<Packs<F>>,
    hidden: Vec<Packs<F>>,
}

/// A layer of recurrent cells.
pub struct Recurrent<F> {
    spec: &'static VariantSpec,
    stages: Stages<F>,
    /// First gate of every stage, then their number.
    first: Vec<usize>,
    inputs: usize,
    units: usize,
    tensors: Tensors,
    input_runs: Vec<GateRun>,
    hidden_runs: Vec<GateRun>,
    weights: Weights<F>,
    dropout: Option<StateDropout>,
}

/// Cuts the gates with these columns into runs.
fn runs(spec: &VariantSpec, has: fn(Operands) -> bool, adds: fn(Operands) -> bool) -> Vec<GateRun> {
    let mut runs: Vec<GateRun> = Vec::new();
    let mut row = 0;
    for (stage, s) in spec.stages.iter().enumerate() {
        for (gate, g) in s.gates.iter().enumerate() {
            if !has(g.operands) {
                continue;
            }
            let add = adds(g.operands);
            match runs.last_mut() {
                Some(r) if r.stage == stage && r.gate + r.gates == gate && r.add == add => r.gates += 1,
                _ => runs.push(GateRun { stage, gate, gates: 1, row, add }),
            }
            row += 1;
        }
    }
    runs
}

impl<F: Float> Recurrent<F> {
    /// A layer of `units` cells over `inputs` values.
    pub fn new(spec: &'static VariantSpec, stages: Stages<F>, inputs: usize, units: usize, tensors: Tensors) -> Self {
        let first = std::iter::once(0)
            .chain(stages.iter().scan(0, |n, stage| {
                *n += stage.gates();
                Some(*n)
            }))
            .collect();
        let input_runs = runs(spec, |c| c != Operands::Hidden, |_| false);
        let hidden_runs = runs(spec, |c| c != Operands::Input, |c| c == Operands::InputAndHidden);
        let (weights, dropout) = (Weights::default(), None);
        Self { spec, stages, first, inputs, units, tensors, input_runs, hidden_runs, weights, dropout }
    }

    /// The layer with dropout on its recurrent side.
    #[must_use]
    pub fn with_dropout(self, dropout: Option<StateDropout>) -> Self {
        Self { dropout, ..self }
    }

    /// Width of the hidden state.
    pub fn units(&self) -> usize {
        self.units
    }

    fn pack_into(&self, w: &[F], u: &[F], weights: &mut Weights<F>) {
        let (inputs, units) = (self.inputs, self.units);
        let sides =
            [(&self.input_runs, &mut weights.input, w, inputs), (&self.hidden_runs, &mut weights.hidden, u, units)];
        for (runs, packs, weights, columns) in sides {
            packs.resize_with(runs.len(), Packs::default);
            for (run, packs) in runs.iter().zip(packs) {
                let rows = run.gates * units;
                let part = &weights[run.row * units * columns..][..rows * columns];
                packs.forward.pack_transposed(part, columns, rows);
                packs.backward.pack(part, rows, columns, columns);
            }
        }
    }

    /// Products of `rows` rows of x or h with one side's weights, into the gates of stage `s`.
    fn products(&self, s: usize, rows: usize, (runs, packs): Side<'_, F>, x: (&[F], usize), gates: &mut [F]) {
        let stride = self.stages[s].gates() * self.units;
        for (run, packs) in runs.iter().zip(packs).filter(|(run, _)| run.stage == s) {
            let c = &mut gates[run.gate * self.units..];
            let (a, b) = (Left::Rows(x.0, x.1), Right::Packed(&packs.forward));
            F::gemm(Gemm { rows, a, b, c, stride, add: run.add });
        }
    }

    /// Whether c, or what else is long, is stored apart from h.
    fn keeps_cell(&self) -> bool {
        matches!(self.spec.carried, CarriedState::Cell | CarriedState::Pair)
    }

    /// Whether the long state is h itself.
    fn long_is_h(&self) -> bool {
        matches!(self.spec.carried, CarriedState::Hidden | CarriedState::Wide)
    }
}

impl<F: Float> Run<F> for Recurrent<F> {
    type Tape = RecurrentTape<F>;

    fn pack(&mut self, parameters: &[F]) {
        let mut weights = std::mem::take(&mut self.weights);
        self.pack_into(&parameters[self.tensors.w.clone()], &parameters[self.tensors.u.clone()], &mut weights);
        self.weights = weights;
    }

    fn forward(&self, pass: Forward<'_, F>, out: &mut Output<F>, tape: &mut RecurrentTape<F>) {
        self.run_forward(pass, out, tape);
    }

    fn backward(&self, pass: Backward<'_, F>, out: &mut Output<F>, tape: &mut RecurrentTape<F>) {
        self.run_backward(pass, out, tape);
    }

    fn trace(&self, out: &Output<F>, tape: &mut RecurrentTape<F>) -> Trace<F> {
        Trace { cell: tape.cells().to_vec(), pre: std::mem::take(&mut tape.pre), ..Trace::of(out) }
    }

    fn norms(&self, tape: &mut RecurrentTape<F>) -> Vec<Vec<f64>> {
        vec![std::mem::take(&mut tape.norms)]
    }

    fn state_units(&self) -> Option<usize> {
        Some(self.units)
    }
}

/// The runs of one side and their weights.
type Side<'a, F> = (&'a [GateRun], &'a [Packs<F>]);
