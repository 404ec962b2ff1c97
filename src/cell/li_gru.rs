//! Light gated recurrent unit (Ravanelli et al. 2018, arXiv:1803.10225): no reset gate, and a candidate of relu.
//!
//! ```text
//! z_t = σ(W_z x_t + U_z h_(t-1) + b_z)        n_t = max(W_n x_t + U_n h_(t-1) + b_n, 0)
//! h_t = z_t ⊙ h_(t-1) + (1 - z_t) ⊙ n_t
//! ```
//! The paper normalises W x over a batch, which after training is a factor and an offset a row: part of W and b here. A layer
//! normalisation in front takes its place in training. h has no bound. In integers it is carried as an i32 in the layer's
//! power-of-two format, saturating; the next step's product and the next layer read it as an i16 in the format of the output.

use super::{
    CarriedState, CellSpec, GateSpec, LayerOperation, Operands, OutRange, PreFormat, Stage, StageKind, StageSpec, Unit,
    VariantSpec, drive,
};
use crate::arith::Arith;

/// The cell's table.
pub const SPEC: CellSpec = CellSpec {
    tag: 7,
    name: "li-gru",
    variants: &[&VariantSpec {
        name: "li-gru",
        stages: &[StageSpec { kind: StageKind::Rows, gates: &[coarse("z"), coarse("n")] }],
        carried: CarriedState::Wide,
        out: OutRange::Calibrated,
        // h is a mean of candidates.
        grows: false,
        step: |layer, memory, out| drive::drive_gated::<2, _>(layer, memory, out, LiGru),
        ..VariantSpec::BASE
    }],
};

const fn coarse(name: &'static str) -> GateSpec {
    GateSpec { name, operands: Operands::InputAndHidden, pre: PreFormat::Coarse }
}

/// Light gated recurrent unit.
pub const LI_GRU: LayerOperation = SPEC.operation(0);

/// The equations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LiGru;

/// Gate values of one unit.
#[derive(Clone, Copy, Debug)]
pub struct Trace<A: Arith> {
    /// Update gate.
    pub z: A::Gate,
    /// Candidate.
    pub n: A::Carried,
}

impl Stage<2> for LiGru {
    type Trace<A: Arith> = Trace<A>;

    #[inline(always)]
    fn unit<A: Arith>(&self, a: &A, [z, n]: [A::Pre; 2], unit: &mut Unit<A>) -> Trace<A> {
        let (z, n) = (a.sigmoid(a.refine(z)), a.rectify(n));
        unit.carried = a.mix(z, n, unit.carried);
        unit.h = a.to_out(unit.carried);
        Trace { z, n }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arith::{Gate, Pre, Q};

    /// In 12 fraction bits.
    fn coarse(pre: f64) -> Pre {
        Pre::from_num(pre / 16.0)
    }

    fn start(carried: i32) -> Unit<Q> {
        Unit { h: 0, carried, second: 0, stage_gate: Gate::ZERO, peephole: [0; 3] }
    }

    #[test]
    fn integers_follow_the_equations() {
        let sigma = |x: f64| 1.0 / (1.0 + (-x).exp());
        for carried_frac in 17..=27u8 {
            let (q, one) = (Q { carried_frac, out_frac: 10 }, 2f64.powi(carried_frac.into()));
            let mut exact = -1.5;
            let mut unit = start((exact * one) as i32);
            for (z, n) in [(0.3, -0.8), (-2.0, 1.5), (4.0, 3.25), (-1.0, 12.0), (9.0, -20.0)] {
                LiGru.unit(&q, [z, n].map(coarse), &mut unit);
                exact = sigma(z) * exact + (1.0 - sigma(z)) * f64::max(n, 0.0);
                let carried = f64::from(unit.carried) / one;
                assert!((carried - exact).abs() < 2e-4, "{carried_frac}: {carried} {exact}");
                assert!((f64::from(unit.h) / 1024.0 - exact).abs() < 0.6 / 1024.0 + 2e-4, "{carried_frac}: {}", unit.h);
            }
        }
    }

    /// Candidates and states beyond the format end at its bounds, from either side of the other.
    #[test]
    fn states_saturate() {
        let q = Q { carried_frac: 27, out_frac: 11 };
        let mut unit = start(i32::MIN);
        LiGru.unit(&q, [-20.0, 9000.0].map(coarse), &mut unit);
        assert!(unit.carried > i32::MAX - (1 << 20) && unit.h == i16::MAX, "{unit:?}");
        for z in [-20.0, -0.5, 0.0, 0.5, 20.0] {
            for (carried, n) in [(i32::MIN, 9000.0), (i32::MAX, 0.0), (i32::MAX, 9000.0), (i32::MIN, -9000.0)] {
                let (mut unit, before) = (start(carried), carried);
                let trace = LiGru.unit(&q, [z, n].map(coarse), &mut unit);
                let (low, high) = (before.min(trace.n), before.max(trace.n));
                assert!((low..=high).contains(&unit.carried), "{z} {before} {}: {}", trace.n, unit.carried);
            }
        }
    }
}
