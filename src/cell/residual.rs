//! Residual recurrent networks: the recurrent edge is linear, so that gradients go back unchanged.
//!
//! ```text
//! residual-1: h_t = h_(t-1) + tanh(W x_t + b)
//! residual-2: h_t = h_(t-1) + tanh(W x_t + U h_(t-1) + b)
//! ```
//! h has no bound. In integers it is carried as an i32 in the layer's power-of-two format, saturating; the next
//! step's product and the next layer read it as an i16 in the format of the output, saturating.

use super::{
    CarriedState, CellSpec, GateSpec, LayerOperation, Operands, OutRange, Stage, StageKind, StageSpec, Unit,
    VariantSpec, drive,
};
use crate::arith::Arith;

const fn variant(name: &'static str, stages: &'static [StageSpec]) -> VariantSpec {
    VariantSpec {
        name,
        stages,
        carried: CarriedState::Wide,
        out: OutRange::Calibrated,
        #[cfg(elman_layout = "rows")]
        step: |layer, memory, out| drive::gated(layer, memory, out, layer.q.residual_gates()),
        #[cfg(not(elman_layout = "rows"))]
        step: |layer, memory, out| drive::accumulating(layer, memory, out, Residual),
        ..VariantSpec::BASE
    }
}

/// The cell's table.
pub const SPEC: CellSpec = CellSpec {
    tag: 4,
    name: "residual",
    variants: &[
        &variant("residual-1", &[StageSpec { kind: StageKind::Rows, gates: &[GateSpec::new("g", Operands::Input)] }]),
        &variant(
            "residual-2",
            &[StageSpec { kind: StageKind::Rows, gates: &[GateSpec::new("g", Operands::InputAndHidden)] }],
        ),
    ],
};

/// Residual network without U.
pub const RESIDUAL_1: LayerOperation = SPEC.operation(0);
/// Residual network with U.
pub const RESIDUAL_2: LayerOperation = SPEC.operation(1);

/// The equation of both: they differ in the columns of the gate alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Residual;

impl Stage<1> for Residual {
    /// g = tanh(pre-activation)
    type Trace<A: Arith> = A::Gate;

    #[inline(always)]
    fn unit<A: Arith>(&self, a: &A, [g]: [A::Pre; 1], unit: &mut Unit<A>) -> A::Gate {
        let g = a.tanh(g);
        unit.carried = a.accumulate(unit.carried, g);
        unit.h = a.to_out(unit.carried);
        g
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arith::{Gate, Pre, Q};

    #[test]
    fn sums_of_tanh_until_saturation() {
        let q = Q { carried_frac: 25, out_frac: 10 };
        let mut unit: Unit<Q> = Unit { h: 0, carried: 0, second: 0, stage_gate: Gate::ZERO, peephole: [0; 3] };
        for t in 1..=30 {
            Residual.unit(&q, [Pre::from_num(0.5)], &mut unit);
            let exact = t as f64 * 0.5f64.tanh();
            assert!((unit.carried as f64 / 2f64.powi(25) - exact).abs() < 1e-5 * t as f64);
            assert!((unit.h as f64 / 1024.0 - exact).abs() <= 0.6 / 1024.0);
        }
        for _ in 0..200 {
            Residual.unit(&q, [Pre::from_num(-9)], &mut unit);
        }
        assert_eq!((unit.carried, unit.h), (i32::MIN, i16::MIN));
    }
}
