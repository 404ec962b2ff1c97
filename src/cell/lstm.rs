//! Long short-term memory, and its variants.
//!
//! ```text
//! i_t = σ(W_i x_t + U_i h_(t-1) + b_i)        f_t = σ(W_f x_t + U_f h_(t-1) + b_f)
//! o_t = σ(W_o x_t + U_o h_(t-1) + b_o)        g_t = tanh(W_c x_t + U_c h_(t-1) + b_c)
//! c_t = f_t ⊙ c_(t-1) + i_t ⊙ g_t             h_t = o_t ⊙ tanh(c_t)
//!
//! no forget gate: c_t = c_(t-1) + i_t ⊙ g_t   coupled: f_t = 1 - i_t
//! peephole: i_t, f_t and o_t see the cell state of their unit as well: + V_i ⊙ c_(t-1), + V_f ⊙ c_(t-1),
//! + V_o ⊙ c_t
//! ```
//! `g` is the candidate c̃. Gate order i, f, g, o as in PyTorch. In integers h is Q0.15 and c an i32 in the
//! layer's power-of-two format, saturating.

use super::{
    CarriedState, CellSpec, GateSpec, LayerOperation, LayerView, Operands, Stage, StageKind, StageSpec, StepFn, Unit,
    VariantSpec, drive,
};
use crate::arith::Arith;

const fn gate(name: &'static str) -> GateSpec {
    GateSpec::new(name, Operands::InputAndHidden)
}

const FOUR: &[StageSpec] = &[StageSpec { kind: StageKind::Rows, gates: &[gate("i"), gate("f"), gate("g"), gate("o")] }];
const THREE: &[StageSpec] = &[StageSpec { kind: StageKind::Rows, gates: &[gate("i"), gate("g"), gate("o")] }];

const fn variant(name: &'static str, stages: &'static [StageSpec], step: StepFn) -> VariantSpec {
    VariantSpec { name, stages, carried: CarriedState::Cell, step, ..VariantSpec::BASE }
}

/// The cell's table. The variant's number is the index in [`VARIANTS`].
pub const SPEC: CellSpec = CellSpec {
    tag: 3,
    name: "lstm",
    variants: &[
        &variant("lstm", FOUR, step),
        &variant("lstm-no-forget", THREE, |layer, memory, out| {
            drive::drive_gated::<3, _>(layer, memory, out, VARIANTS[1])
        }),
        &variant("lstm-coupled", THREE, |layer, memory, out| {
            drive::drive_gated::<3, _>(layer, memory, out, VARIANTS[2])
        }),
        &VariantSpec { peephole: &["i", "f", "o"], ..variant("lstm-peephole", FOUR, peephole) },
    ],
};

/// A step of variant 0, by name, as another cell takes it too: a closure of a constant would be linked twice.
pub(super) fn step(layer: &LayerView<'_>, memory: &mut [u32], out: &mut [u32]) {
    #[cfg(elman_layout = "rows")]
    drive::gated(layer, memory, out, layer.q.lstm_gates());
    #[cfg(not(elman_layout = "rows"))]
    drive::fused(layer, memory, out, VARIANTS[0]);
}

/// A step of variant 3.
fn peephole(layer: &LayerView<'_>, memory: &mut [u32], out: &mut [u32]) {
    #[cfg(elman_layout = "rows")]
    drive::gated(layer, memory, out, layer.q.peephole_gates(layer.diagonal()));
    #[cfg(not(elman_layout = "rows"))]
    drive::peephole(layer, memory, out, VARIANTS[3]);
}

/// LSTM.
pub const LSTM: LayerOperation = SPEC.operation(0);
/// LSTM without a forget gate.
pub const LSTM_NO_FORGET: LayerOperation = SPEC.operation(1);
/// LSTM with coupled input and forget gates.
pub const LSTM_COUPLED: LayerOperation = SPEC.operation(2);
/// LSTM with peepholes.
pub const LSTM_PEEPHOLE: LayerOperation = SPEC.operation(3);

/// The equations of each variant.
pub const VARIANTS: [Lstm; 4] = [
    Lstm { forget: Forget::Free, peephole: false },
    Lstm { forget: Forget::None, peephole: false },
    Lstm { forget: Forget::Coupled, peephole: false },
    Lstm { forget: Forget::Free, peephole: true },
];

/// What keeps the old cell state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Forget {
    /// A gate of its own.
    #[default]
    Free,
    /// What the input gate leaves: f = 1 - i.
    Coupled,
    /// Nothing lets go of it.
    None,
}

/// The equations: a [`Stage`] of four gates with a forget gate, of three (i, g, o) without.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Lstm {
    /// The forget gate.
    pub forget: Forget,
    /// Whether the gates see the cell state.
    pub peephole: bool,
}

/// Gate values of one step.
#[derive(Clone, Copy, Debug)]
pub struct Trace<A: Arith> {
    /// Input gate.
    pub i: A::Gate,
    /// What the old cell state was multiplied by; `None` where it was kept whole.
    pub f: Option<A::Gate>,
    /// Candidate.
    pub g: A::Gate,
    /// Output gate.
    pub o: A::Gate,
}

impl Lstm {
    /// One unit; `f` is the forget gate's pre-activation, where it has one of its own.
    #[inline(always)]
    fn equations<A: Arith>(&self, a: &A, [i, g, o]: [A::Pre; 3], f: Option<A::Pre>, unit: &mut Unit<A>) -> Trace<A> {
        let [v_i, v_f, v_o] = unit.peephole;
        let see = |pre, v, c| if self.peephole { a.add_peephole(pre, v, c) } else { pre };
        let c = unit.carried;
        let (i, g) = (a.sigmoid(see(i, v_i, c)), a.tanh(g));
        let f = match (self.forget, f) {
            (Forget::Free, Some(f)) => Some(a.sigmoid(see(f, v_f, c))),
            (Forget::Coupled, _) => Some(a.one_minus(i)),
            _ => None,
        };
        unit.carried = match f {
            Some(f) => a.keep_add(f, c, i, g),
            None => a.add_gated(c, i, g),
        };
        let o = a.sigmoid(see(o, v_o, unit.carried));
        unit.h = a.gate_gate(o, a.tanh_carried(unit.carried));
        Trace { i, f, g, o }
    }
}

impl Stage<4> for Lstm {
    type Trace<A: Arith> = Trace<A>;

    #[inline(always)]
    fn unit<A: Arith>(&self, a: &A, [i, f, g, o]: [A::Pre; 4], unit: &mut Unit<A>) -> Trace<A> {
        self.equations(a, [i, g, o], Some(f), unit)
    }
}

impl Stage<3> for Lstm {
    type Trace<A: Arith> = Trace<A>;

    #[inline(always)]
    fn unit<A: Arith>(&self, a: &A, pre: [A::Pre; 3], unit: &mut Unit<A>) -> Trace<A> {
        self.equations(a, pre, None, unit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arith::{Gate, Pre, Q};

    const FORMATS: Q = Q { carried_frac: 24, out_frac: 15 };

    fn step<const G: usize>(cell: Lstm, pre: [f64; G], c: f64, peephole: [f64; 3]) -> (f64, f64)
    where
        Lstm: Stage<G>,
    {
        let v = peephole.map(|v| (v * 2f64.powi(48 - FORMATS.carried_frac as i32)) as i32);
        let mut unit: Unit<Q> =
            Unit { h: 0, carried: (c * 2f64.powi(24)) as i32, second: 0, stage_gate: Gate::ZERO, peephole: v };
        cell.unit(&FORMATS, pre.map(Pre::from_num), &mut unit);
        (unit.carried as f64 / 2f64.powi(24), unit.h as f64 / 32768.0)
    }

    fn sigma(x: f64) -> f64 {
        1.0 / (1.0 + (-x).exp())
    }

    #[test]
    fn integers_follow_the_equations() {
        let close = |(c, h): (f64, f64), (wc, wo): (f64, f64)| {
            let wh = wo * wc.tanh();
            assert!((c - wc).abs() < 5e-5 && (h - wh).abs() < 1e-4, "c {c} {wc}, h {h} {wh}");
        };
        let [free, none, coupled, seeing] = VARIANTS;
        let [i, f, g, o, c] = [0.3, -0.8, 1.1, 0.6, -5.5f64];
        let v = [0.5, -0.25, 1.5];
        let kept = sigma(f) * c + sigma(i) * g.tanh();
        close(step(free, [i, f, g, o], c, v), (kept, sigma(o)));
        close(step(none, [i, g, o], c, v), (c + sigma(i) * g.tanh(), sigma(o)));
        let let_go = (1.0 - sigma(i)) * c + sigma(i) * g.tanh();
        close(step(coupled, [i, g, o], c, v), (let_go, sigma(o)));
        let seen = sigma(f + v[1] * c) * c + sigma(i + v[0] * c) * g.tanh();
        close(step(seeing, [i, f, g, o], c, v), (seen, sigma(o + v[2] * seen)));
    }

    /// Without a forget gate c only grows; it ends at the format's bound, not beyond.
    #[test]
    fn an_unforgetting_cell_saturates() {
        let mut unit: Unit<Q> = Unit { h: 0, carried: 0, second: 0, stage_gate: Gate::ZERO, peephole: [0; 3] };
        for _ in 0..200 {
            VARIANTS[1].unit(&FORMATS, [20.0, 20.0, 20.0].map(Pre::from_num), &mut unit);
        }
        assert_eq!((unit.carried, unit.h), (i32::MAX, 32767));
    }
}
