//! A recurrent layer as it runs: products with W and U, the cell's equations fused with them.

mod backward;
mod dropout;
mod factors;
mod forward;
#[cfg(test)]
mod initial;
mod shared;
mod tape;
mod weights;

use std::ops::Range;

use elman::cell::{CarriedState, Operands, VariantSpec};
use get_size2::GetSize;

pub use dropout::StateDropout;
pub use shared::sigmoid;
pub use tape::RecurrentTape;

use super::{Backward, Forward, Output, Run};
use crate::cell::Stages;
use crate::float::gemm::{Gemm, Left, Packed, Right, Term};
use crate::layer::span::PIECES;
use crate::{Float, Trace};

/// Where the tensors of a layer lie among the parameters, one after the other; those are empty that a cell does not have.
#[derive(Clone, Debug, Default)]
pub struct Tensors {
    /// W
    pub w: Range<usize>,
    /// U
    pub u: Range<usize>,
    /// b
    pub b: Range<usize>,
    /// V_i, V_f, V_o of a cell with peepholes; v of a FastGRNN.
    pub v: Range<usize>,
    /// What ζ and ν of a FastGRNN are the sigmoid of.
    pub s: Range<usize>,
    /// U₂ or P of a cell whose gates read p; U is then over p.
    pub p: Range<usize>,
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
        let s = next("s", v.end);
        let p = next("p", s.end);
        Tensors { w, u, b, v, s, p }
    }
}

/// Elements by which rows are kept further apart.
const PAD: usize = 16;

/// Elements from row to row of a matrix so wide: rows a power of two apart would meet in the same places of a cache.
fn apart(width: usize) -> usize {
    if width.is_multiple_of(512) { width + PAD } else { width }
}

/// Elements of ∂L/∂pre of a chunk of steps, which should stay in the cache until the weights have seen them.
const CHUNK: usize = 1 << 18;
/// Rows of a chunk.
const MOST: usize = 256;

/// Neighbouring gates with the same operands, whose rows of W (or U) are one matrix.
#[derive(Clone, Debug)]
struct GateRun {
    stage: usize,
    /// First gate within the stage.
    gate: usize,
    gates: usize,
    /// First row of W or U.
    row: usize,
    /// Whether the gates have both operands, x and h.
    both: bool,
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
    shared: shared::Shared<F>,
    factors: Option<factors::Factors<F>>,
    dropout: Option<StateDropout>,
    /// Whether gates are computed again in the backward pass, so that they need not be kept.
    recompute: bool,
}

/// Cuts the gates with these operands into runs.
fn runs(spec: &VariantSpec, has: fn(Operands) -> bool, both: fn(Operands) -> bool) -> Vec<GateRun> {
    let mut runs: Vec<GateRun> = Vec::new();
    let mut row = 0;
    for (stage, s) in spec.stages.iter().enumerate() {
        for (gate, g) in s.gates.iter().enumerate() {
            if !has(g.operands) {
                continue;
            }
            let both = both(g.operands);
            match runs.last_mut() {
                Some(r) if r.stage == stage && r.gate + r.gates == gate && r.both == both => r.gates += 1,
                _ => runs.push(GateRun { stage, gate, gates: 1, row, both }),
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
        let both = |c| c == Operands::InputAndHidden;
        let input_runs = runs(spec, |c| c != Operands::Hidden, both);
        let hidden_runs = runs(spec, |c| c != Operands::Input, both);
        let (weights, shared, dropout) = (Weights::default(), shared::Shared::default(), None);
        let factors = factors::Factors::of(tensors.u.clone(), tensors.p.clone(), units);
        let recompute = false;
        Self {
            spec,
            stages,
            first,
            inputs,
            units,
            tensors,
            input_runs,
            hidden_runs,
            weights,
            shared,
            factors,
            dropout,
            recompute,
        }
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

    /// Elements from row to row of pre-activations and their gradients.
    fn stride(&self, s: usize) -> usize {
        apart(self.stages[s].gates() * self.units)
    }

    /// Most rows of the chunks of steps that the backward pass takes at a time.
    fn chunk_rows(&self) -> usize {
        let widest = (0..self.stages.len()).map(|s| self.stride(s)).max().unwrap_or(1);
        (CHUNK / widest).clamp(1, MOST)
    }

    /// W x + U h of `rows` rows, as pre-activations of stage `s`; without `h`, which then is 0, W x.
    fn products(&self, s: usize, rows: usize, weights: &Weights<F>, x: &[F], h: Option<&[F]>, pre: &mut [F]) {
        let stride = self.stride(s);
        let mut product = |run: &GateRun, terms: &[Term<'_, F>]| {
            let c = &mut pre[run.gate * self.units..];
            F::gemm(Gemm { rows, terms, c, stride, add: false });
        };
        let hidden = || self.hidden_runs.iter().zip(&weights.hidden).filter(|(run, _)| run.stage == s);
        for (run, packs) in self.input_runs.iter().zip(&weights.input).filter(|(run, _)| run.stage == s) {
            let w_x = Term { a: Left::Rows(x, self.inputs), b: Right::Packed(&packs.forward) };
            let same = hidden().find(|(other, _)| other.both && other.gate == run.gate);
            match same.zip(h) {
                None => product(run, &[w_x]),
                Some(((_, packs), h)) => {
                    product(run, &[w_x, Term { a: Left::Rows(h, self.units), b: Right::Packed(&packs.forward) }]);
                }
            }
        }
        for (run, packs) in hidden().filter(|(run, _)| !run.both) {
            if let Some(h) = h {
                product(run, &[Term { a: Left::Rows(h, self.units), b: Right::Packed(&packs.forward) }]);
            }
        }
        if h.is_none() {
            for (run, _) in hidden().filter(|(run, _)| !run.both) {
                for row in pre.chunks_exact_mut(stride).take(rows) {
                    row[run.gate * self.units..][..run.gates * self.units].fill(F::ZERO);
                }
            }
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
        if let Some(factors) = &mut self.factors {
            factors.multiply(parameters);
        }
        let u = self.factors.as_ref().map_or(&parameters[self.tensors.u.clone()], |factors| factors.product());
        self.pack_into(&parameters[self.tensors.w.clone()], u, &mut weights);
        self.weights = weights;
        self.shared.spread(parameters, &self.tensors, self.units);
    }

    fn set_recompute(&mut self, on: bool) {
        self.recompute = on;
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

/// Products that are summed before they are stored.
type Terms<'a, F> = heapless::Vec<Term<'a, F>, PIECES>;
