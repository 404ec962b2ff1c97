//! Minimal LSTM (Feng et al. 2024, arXiv:2410.01201): its gates read x alone, and share out what they keep.
//!
//! ```text
//! f_t = σ(W_f x_t + b_f)        i_t = σ(W_i x_t + b_i)        g_t = tanh(W_c x_t + b_c)
//! f'_t = f_t / (f_t + i_t)      h_t = f'_t ⊙ h_(t-1) + (1 - f'_t) ⊙ g_t
//! ```
//! There is no U, and no cell state apart from h: a unit costs three rows over x. The paper's candidate g is linear; with tanh h stays
//! in (-1, 1). In integers h is Q0.15 and carried as Q1.30 as well, as in [`super::gru`], and f and i are each taken 2^-29 larger in
//! the quotient, so that it is 1/2 where both are 0.

use super::{
    CarriedState, CellSpec, GateSpec, LayerOperation, Operands, Stage, StageKind, StageSpec, Unit, VariantSpec, drive,
};
use crate::arith::Arith;

/// The cell's table.
pub const SPEC: CellSpec = CellSpec {
    tag: 9,
    name: "min-lstm",
    variants: &[&VariantSpec {
        name: "min-lstm",
        stages: &[StageSpec {
            kind: StageKind::Rows,
            gates: &[
                GateSpec::new("f", Operands::Input),
                GateSpec::new("i", Operands::Input),
                GateSpec::new("g", Operands::Input),
            ],
        }],
        carried: CarriedState::Hidden,
        step: |layer, memory, out| drive::drive_gated::<3, _>(layer, memory, out, MinLstm),
        ..VariantSpec::BASE
    }],
};

/// Minimal LSTM.
pub const MIN_LSTM: LayerOperation = SPEC.operation(0);

/// The equations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MinLstm;

/// Gate values of one unit.
#[derive(Clone, Copy, Debug)]
pub struct Trace<A: Arith> {
    /// Forget gate.
    pub f: A::Gate,
    /// Input gate.
    pub i: A::Gate,
    /// Candidate.
    pub g: A::Gate,
}

impl Stage<3> for MinLstm {
    type Trace<A: Arith> = Trace<A>;

    #[inline(always)]
    fn unit<A: Arith>(&self, a: &A, [f, i, g]: [A::Pre; 3], unit: &mut Unit<A>) -> Trace<A> {
        let (f, i, g) = (a.sigmoid(f), a.sigmoid(i), a.tanh(g));
        unit.carried = a.lerp(a.ratio(f, i), g, unit.carried);
        unit.h = a.hidden_out(unit.carried);
        Trace { f, i, g }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arith::{Gate, Pre, Q};

    const ONE: f64 = (1u32 << 30) as f64;

    #[test]
    fn integers_follow_the_equations() {
        let sigma = |x: f64| 1.0 / (1.0 + (-x).exp()) + 2f64.powi(-29);
        let q = Q { carried_frac: 30, out_frac: 15 };
        let mut exact = 0.25;
        let mut unit: Unit<Q> =
            Unit { h: 0, carried: (exact * ONE) as i32, second: 0, stage_gate: Gate::ZERO, peephole: [0; 3] };
        for [f, i, g] in [
            [0.3, -0.8, 0.5],
            [-2.0, 1.5, 3.0],
            [4.0, 3.0, -1.0],
            [9.0, -9.0, 20.0],
            [-9.0, 9.0, -0.25],
            [-7.0, -6.0, 0.75],
        ] {
            MinLstm.unit(&q, [f, i, g].map(Pre::from_num), &mut unit);
            let kept = sigma(f) / (sigma(f) + sigma(i));
            exact = kept * exact + (1.0 - kept) * f64::tanh(g);
            let (carried, h) = (f64::from(unit.carried) / ONE, f64::from(unit.h) / 32_768.0);
            // f and i of the table are within 3e-6, which their quotient has in proportion to their sum.
            let bound = 3e-5 + 4e-6 / (sigma(f) + sigma(i));
            assert!(
                (carried - exact).abs() < bound && (h - exact).abs() < bound + 3e-5,
                "{f} {i}: {carried} {h} {exact}"
            );
        }
    }

    /// Both gates at their least and their most: h stays within its bounds.
    #[test]
    fn the_state_stays_in_its_range() {
        let q = Q { carried_frac: 30, out_frac: 15 };
        for sign in [1.0, -1.0] {
            let mut unit: Unit<Q> = Unit { h: 0, carried: 0, second: 0, stage_gate: Gate::ZERO, peephole: [0; 3] };
            for k in 0..200 {
                let [f, i] = [[-1e4, -1e4], [1e4, 1e4], [-1e4, 1e4], [1e4, -1e4]][k % 4];
                MinLstm.unit(&q, [f, i, sign * 20.0].map(Pre::from_num), &mut unit);
                assert!(unit.carried.unsigned_abs() <= 1 << 30, "{}", unit.carried);
            }
            assert_eq!(unit.h, if sign > 0.0 { 32_767 } else { -32_768 });
        }
    }
}
