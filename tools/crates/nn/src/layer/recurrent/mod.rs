//! A recurrent layer: products with W and U, the cell's equations fused behind them.

mod backward;
mod dropout;
mod forward;
#[cfg(test)]
mod initial;

use elman::cell::{CarriedState, Operands, VariantSpec};
use get_size2::GetSize;

pub use dropout::{Dropped, StateDropout};

use super::Place;
use crate::Float;
use crate::cell::Stages;
use crate::float::gemm::{Gemm, Left, Packed, Right};

/// Neighbouring gates whose rows of W (or U) are one matrix.
#[derive(Clone, Debug)]
struct Run {
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
    place: Place,
    input_runs: Vec<Run>,
    hidden_runs: Vec<Run>,
    weights: Weights<F>,
    dropout: Option<StateDropout>,
}

/// Cuts the gates with these columns into runs.
fn runs(spec: &VariantSpec, has: fn(Operands) -> bool, adds: fn(Operands) -> bool) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut row = 0;
    for (stage, s) in spec.stages.iter().enumerate() {
        for (gate, g) in s.gates.iter().enumerate() {
            if !has(g.operands) {
                continue;
            }
            let add = adds(g.operands);
            match runs.last_mut() {
                Some(r) if r.stage == stage && r.gate + r.gates == gate && r.add == add => r.gates += 1,
                _ => runs.push(Run { stage, gate, gates: 1, row, add }),
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
        let input_runs = runs(spec, |c| c != Operands::Hidden, |_| false);
        let hidden_runs = runs(spec, |c| c != Operands::Input, |c| c == Operands::InputAndHidden);
        let (weights, dropout) = (Weights::default(), None);
        Self { spec, stages, first, inputs, units, place, input_runs, hidden_runs, weights, dropout }
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

    pub fn pack(&mut self, parameters: &[F]) {
        let mut weights = std::mem::take(&mut self.weights);
        self.pack_into(&parameters[self.place.w.clone()], &parameters[self.place.u.clone()], &mut weights);
        self.weights = weights;
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

/// The runs of one side and their weights.
type Side<'a, F> = (&'a [Run], &'a [Packs<F>]);
