//! States that a layer starts from: the result, and the gradient that goes to them.

use super::*;
use crate::batch::Frames;
use crate::cell;
use crate::layer::{Mode, Tape};

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
        let (cell, number, spec) = cell::find::<f64>(variant).unwrap();
        let rows = |without| spec.gates().filter(|g| g.operands != without).count() * UNITS;
        let (w, u) = (rows(Operands::Hidden) * INPUTS, rows(Operands::Input) * UNITS);
        let (b, v) = (spec.gates().count() * UNITS, spec.peephole.len() * UNITS);
        let place = Place { w: 0..w, u: w..w + u, b: w + u..w + u + b, v: w + u + b..w + u + b + v };
        let parameters = random(place.v.end, 1);
        let mut layer = Recurrent::new(spec, (cell.stages)(number), INPUTS, UNITS, place);
        layer.pack(&parameters);
        let frames = random(ROWS.len() * SIZE * INPUTS, 2);
        Case { layer, parameters, frames, d: random(ROWS.len() * SIZE * UNITS, 3) }
    }

    /// Runs steps `from..to`, from these states.
    fn run(&self, steps: std::ops::Range<usize>, initial: [Vec<f64>; 2]) -> Tape<f64> {
        let mut tape = Tape { initial, ..Tape::default() };
        let (data, rows) = (&self.frames[steps.start * SIZE * INPUTS..], &ROWS[steps]);
        self.layer.forward(
            &self.parameters,
            Frames { data, rows, size: SIZE, width: INPUTS },
            &mut tape,
            Mode::Evaluate,
        );
        tape
    }

    fn loss(&self, initial: [Vec<f64>; 2]) -> f64 {
        let tape = self.run(0..ROWS.len(), initial);
        let h = tape.output();
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
        let mut tape = case.run(0..ROWS.len(), initial.clone());
        tape.clear_gradient();
        tape.dout.copy_from_slice(&case.d);
        tape.touched.fill(true);
        let mut gradient = vec![0.0; case.parameters.len()];
        let input = Frames { data: &case.frames[..], rows: &ROWS, size: SIZE, width: INPUTS };
        case.layer.backward(&case.parameters, input, &mut tape, &mut gradient, None);
        for (which, states) in initial.iter().enumerate() {
            for i in 0..states.len() {
                let at = |by: f64| {
                    let mut moved = initial.clone();
                    moved[which][i] += by;
                    case.loss(moved)
                };
                let numeric = (at(1e-5) - at(-1e-5)) / 2e-5;
                let analytic = tape.running[which][i];
                assert!((numeric - analytic).abs() < 1e-7, "{variant} {which} {i}: {numeric} {analytic}");
            }
        }
        // U sees h_0 too.
        let u = case.layer.place.u.start;
        let mut moved = Case::new(variant);
        let mut at = |by: f64| {
            moved.parameters[u] += by;
            moved.layer.pack(&moved.parameters);
            let loss = moved.loss(initial.clone());
            moved.parameters[u] -= by;
            loss
        };
        if !case.layer.place.u.is_empty() {
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
        let whole = case.run(0..ROWS.len(), Default::default());
        let before = case.run(0..2, Default::default());
        let c = before.long.get(2 * n..).unwrap_or_default().to_vec();
        let after = case.run(2..ROWS.len(), [before.output().from(1).to_vec(), c]);
        assert_eq!(whole.output().step(3), after.output().step(1), "{variant}");
        assert_eq!(whole.output().step(2), after.output().step(0), "{variant}");
    }
}
