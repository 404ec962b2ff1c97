//! Minimal gated recurrent unit (Feng et al. 2024, arXiv:2410.01201): its gates read x alone.
//!
//! ```text
//! z_t = σ(W_z x_t + b_z)        n_t = tanh(W_n x_t + b_n)
//! h_t = z_t ⊙ h_(t-1) + (1 - z_t) ⊙ n_t
//! ```
//! There is no U: a unit costs two rows over x. z keeps the old state, as in PyTorch's GRU; the paper's z is 1 - z here, so
//! that its W_z and b_z have the other sign. The paper's candidate n is linear; with tanh h stays in (-1, 1), as in
//! the GRU that the cell is made from. In integers h is Q0.15 and carried as Q1.30 as well, as in [`super::gru`].

use super::{
    CarriedState, CellSpec, GateSpec, LayerOperation, Operands, Stage, StageKind, StageSpec, Unit, VariantSpec, drive,
};
use crate::arith::Arith;

/// The cell's table.
pub const SPEC: CellSpec = CellSpec {
    tag: 6,
    name: "min-gru",
    variants: &[&VariantSpec {
        name: "min-gru",
        stages: &[StageSpec {
            kind: StageKind::Rows,
            gates: &[GateSpec::new("z", Operands::Input), GateSpec::new("n", Operands::Input)],
        }],
        carried: CarriedState::Hidden,
        step: |layer, memory, out| drive::drive_gated::<2, _>(layer, memory, out, MinGru),
        ..VariantSpec::BASE
    }],
};

/// Minimal gated recurrent unit.
pub const MIN_GRU: LayerOperation = SPEC.operation(0);

/// The equations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MinGru;

/// Gate values of one unit.
#[derive(Clone, Copy, Debug)]
pub struct Trace<A: Arith> {
    /// Update gate.
    pub z: A::Gate,
    /// Candidate.
    pub n: A::Gate,
}

impl Stage<2> for MinGru {
    type Trace<A: Arith> = Trace<A>;

    #[inline(always)]
    fn unit<A: Arith>(&self, a: &A, [z, n]: [A::Pre; 2], unit: &mut Unit<A>) -> Trace<A> {
        let (z, n) = (a.sigmoid(z), a.tanh(n));
        unit.carried = a.lerp(z, n, unit.carried);
        unit.h = a.hidden_out(unit.carried);
        Trace { z, n }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arith::{Gate, Pre, Q};

    #[test]
    fn integers_follow_the_equations() {
        let sigma = |x: f64| 1.0 / (1.0 + (-x).exp());
        for frac in 8..=15u8 {
            let (q, one) = (Q { carried_frac: frac + Q::HIDDEN_MORE, out_frac: frac }, f64::from(1u32 << frac));
            let mut exact = 0.25;
            let mut unit: Unit<Q> = Unit {
                h: 0,
                carried: (exact * one * 32_768.0) as i32,
                second: 0,
                stage_gate: Gate::ZERO,
                peephole: [0; 3],
            };
            for (z, n) in [(0.3, -0.8), (-2.0, 1.5), (4.0, 3.0), (-20.0, 20.0), (20.0, -20.0)] {
                MinGru.unit(&q, [z, n].map(Pre::from_num), &mut unit);
                exact = sigma(z) * exact + (1.0 - sigma(z)) * f64::tanh(n);
                assert!((f64::from(unit.carried) / one / 32_768.0 - exact).abs() < 3e-5, "{frac}: {}", unit.carried);
                assert!((f64::from(unit.h) / one - exact).abs() < 1.0 / one + 3e-5, "{frac}: {}", unit.h);
            }
        }
    }
}
