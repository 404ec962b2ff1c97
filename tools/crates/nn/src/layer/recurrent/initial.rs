//! States that a layer starts from: the result, and the gradient that goes to them.

use super::*;
use crate::batch::Frames;
use crate::cell;
use crate::layer::{Backward, Forward, Mode, Output};
use elman::cell::Recurrence;

const ROWS: [usize; 4] = [3, 3, 2, 1];
const SIZE: usize = 3;
const INPUTS: usize = 2;
const UNITS: usize = 4;

/// Numbers of a fixed sequence, in (-1, 1).
fn random(n: usize, seed: u64) -> Vec<f64> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    };
    (0..n).map(|_| next()).collect()
}

struct Case {
    layer: Recurrent<f64>,
    parameters: Vec<f64>,
    frames: Vec<f64>,
    /// ∂L/∂h of every step; L = Σ d ⊙ h.
    d: Vec<f64>,
}

impl Case {
    fn new(variant: &str) -> Self {
        let whole = cell::find::<f64>(variant).unwrap().2.recurrence == Recurrence::State;
        let (cell, number, spec) = cell::find::<f64>(cell::base(variant)).unwrap();
        let rows = |without| spec.gates().filter(|g| g.operands != without).count() * UNITS;
        let rank = if whole { 0 } else { UNITS / 2 };
        let (w, u) = (rows(Operands::Hidden) * INPUTS, rows(Operands::Input) * if whole { UNITS } else { rank });
        let (b, v) = (spec.gates().count() * UNITS, spec.peephole.len() * UNITS);
        let (end, s) = (w + u + b + v, cell.scalars.len());
        let p = end + s..end + s + rank * UNITS;
        let tensors = Tensors { w: 0..w, u: w..w + u, b: w + u..w + u + b, v: w + u + b..end, s: end..end + s, p };
        let parameters = random(tensors.p.end, 1);
        let mut layer = Recurrent::new(spec, (cell.stages)(number), INPUTS, UNITS, tensors);
        layer.pack(&parameters);
        let frames = random(ROWS.len() * SIZE * INPUTS, 2);
        Case { layer, parameters, frames, d: random(ROWS.len() * SIZE * UNITS, 3) }
    }

    fn frames(&self, steps: std::ops::Range<usize>) -> Frames<'_, f64> {
        let data = &self.frames[steps.start * SIZE * INPUTS..];
        Frames { data, rows: &ROWS[steps], size: SIZE, width: INPUTS }
    }

    /// Runs steps `from..to`, from these states.
    fn run(&self, steps: std::ops::Range<usize>, [h_0, c_0]: [Vec<f64>; 2]) -> (Output<f64>, RecurrentTape<f64>) {
        let (mut out, mut tape) = (Output::default(), RecurrentTape { h_0, c_0, ..RecurrentTape::default() });
        let pass =
            Forward { parameters: &self.parameters, input: self.frames(steps), mode: Mode::Evaluate, given: None };
        self.layer.forward(pass, &mut out, &mut tape);
        (out, tape)
    }

    fn loss(&self, initial: [Vec<f64>; 2]) -> f64 {
        let (out, _) = self.run(0..ROWS.len(), initial);
        let h = out.frames();
        let of_step = |t: usize| h.step(t).iter().zip(&self.d[t * SIZE * UNITS..]).map(|(h, d)| h * d).sum::<f64>();
        (0..ROWS.len()).map(of_step).sum()
    }
}

#[test]
fn the_gradient_reaches_the_initial_state() {
    for variant in cell::variant_names() {
        let case = Case::new(variant);
        let n = SIZE * UNITS;
        let c_0 = if case.layer.keeps_cell() { random(n, 5) } else { Vec::new() };
        let initial = [random(n, 4), c_0];
        let (mut out, mut tape) = case.run(0..ROWS.len(), initial.clone());
        out.clear_gradient();
        out.gradient.copy_from_slice(&case.d);
        out.touched.fill(true);
        let mut gradient = vec![0.0; case.parameters.len()];
        let (parameters, input) = (&case.parameters, case.frames(0..ROWS.len()));
        let pass = Backward { parameters, input, gradient: &mut gradient, below: None, probe: false };
        case.layer.backward(pass, &mut out, &mut tape);
        let found = [tape.h_0_gradient(), tape.c_0_gradient()];
        for (which, states) in initial.iter().enumerate() {
            for i in 0..states.len() {
                let at = |by: f64| {
                    let mut moved = initial.clone();
                    moved[which][i] += by;
                    case.loss(moved)
                };
                let numeric = (at(1e-5) - at(-1e-5)) / 2e-5;
                let analytic = found[which][i];
                assert!((numeric - analytic).abs() < 1e-7, "{variant} {which} {i}: {numeric} {analytic}");
            }
        }
        // U sees h_0 too.
        let u = case.layer.tensors.u.start;
        let mut moved = Case::new(variant);
        let mut at = |by: f64| {
            moved.parameters[u] += by;
            moved.layer.pack(&moved.parameters);
            let loss = moved.loss(initial.clone());
            moved.parameters[u] -= by;
            loss
        };
        if !case.layer.tensors.u.is_empty() {
            let numeric = (at(1e-5) - at(-1e-5)) / 2e-5;
            assert!((numeric - gradient[u]).abs() < 1e-7, "{variant} U: {numeric} {}", gradient[u]);
        }
    }
}

/// Steps taken from the states that earlier ones left are the same steps.
#[test]
fn a_sequence_goes_on_from_its_states() {
    for variant in cell::variant_names() {
        let case = Case::new(variant);
        let n = SIZE * UNITS;
        let (whole, _) = case.run(0..ROWS.len(), Default::default());
        let (before, tape) = case.run(0..2, Default::default());
        let c = tape.cells().get(n..).unwrap_or_default().to_vec();
        let (after, _) = case.run(2..ROWS.len(), [before.frames().from(1).to_vec(), c]);
        assert_eq!(whole.frames().step(3), after.frames().step(1), "{variant}");
        assert_eq!(whole.frames().step(2), after.frames().step(0), "{variant}");
    }
}
