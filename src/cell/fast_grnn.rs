//! FastGRNN (Kusupati et al. 2018, arXiv:1901.02358): one W and one U for gate and candidate.
//!
//! ```text
//! a_t = W x_t + U h_(t-1) + b        z_t = σ(a_t)        n_t = tanh(a_t + v)
//! h_t = (ζ (1 - z_t) + ν) ⊙ n_t + z_t ⊙ h_(t-1)
//! ```
//! A unit costs one row. b is the paper's b_z, and v its b_h - b_z: a number of each unit; ζ and ν in (0, 1) are trained and are
//! the same for all units. h is not bounded by 1, for with z near 1 it gains ν n a step. In integers it is carried as an i32 in the
//! layer's power-of-two format, saturating; the next step's product and the next layer read it as an i16 in the format of
//! the output. v is Q14.17; ζ and ν are numbers of the layer of 16 fraction bits.

use super::{
    CarriedState, CellSpec, GateSpec, LayerOperation, Operands, OutRange, PeepholeFormat, Stage, StageKind, StageSpec,
    Unit, VariantSpec, drive,
};
use crate::arith::Arith;

/// The cell's table.
pub const SPEC: CellSpec = CellSpec {
    tag: 8,
    name: "fast-grnn",
    variants: &[&VariantSpec {
        name: "fast-grnn",
        stages: &[StageSpec { kind: StageKind::Rows, gates: &[GateSpec::new("z", Operands::InputAndHidden)] }],
        carried: CarriedState::Wide,
        out: OutRange::Calibrated,
        params: &["zeta", "nu"],
        peephole: &["n"],
        peephole_format: PeepholeFormat::Bias,
        step: |layer, memory, out| {
            let [zeta, nu, ..] = layer.params();
            drive::with_second_bias(layer, memory, out, FastGrnn, [(zeta as i32) << 15, (nu as i32) << 14]);
        },
        ..VariantSpec::BASE
    }],
};

/// FastGRNN.
pub const FAST_GRNN: LayerOperation = SPEC.operation(0);

/// The equations. The unit's peepholes are v, ζ and ν.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FastGrnn;

impl Stage<1> for FastGrnn {
    /// The pre-activation, from which both gate and candidate follow.
    type Trace<A: Arith> = A::Pre;

    #[inline(always)]
    fn unit<A: Arith>(&self, a: &A, [pre]: [A::Pre; 1], unit: &mut Unit<A>) -> A::Pre {
        let [v, zeta, nu] = unit.peephole;
        let (z, n) = (a.sigmoid(pre), a.tanh(a.add_bias(pre, v)));
        unit.carried = a.blend(z, n, unit.carried, [zeta, nu]);
        unit.h = a.to_out(unit.carried);
        pre
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arith::{Gate, Pre, Q};

    /// A step from `carried`, with v, ζ and ν as the layer has them: Q14.17 and 16 fraction bits.
    fn step(q: Q, pre: f64, v: f64, [zeta, nu]: [u16; 2], carried: i32) -> Unit<Q> {
        let peephole = [(v * 131_072.0) as i32, i32::from(zeta) << 15, i32::from(nu) << 14];
        let mut unit: Unit<Q> = Unit { h: 0, carried, second: 0, stage_gate: Gate::ZERO, peephole };
        FastGrnn.unit(&q, [Pre::from_num(pre)], &mut unit);
        unit
    }

    #[test]
    fn integers_follow_the_equations() {
        let sigma = |x: f64| 1.0 / (1.0 + (-x).exp());
        for carried_frac in 17..=27u8 {
            let (q, one) = (Q { carried_frac, out_frac: 11 }, 2f64.powi(carried_frac.into()));
            for (pre, v, zeta, nu, h) in [
                (0.3, -0.8, 47_000, 1_180, 0.5),
                (-4.0, 1.5, 65_535, 0, -1.9),
                (5.0, -6.0, 0, 65_535, 3.0),
                (20.0, 0.0, 65_535, 65_535, -3.5),
                (-20.0, 40.0, 65_535, 65_535, 2.0),
            ] {
                let unit = step(q, pre, v, [zeta, nu], (h * one) as i32);
                let (z, zeta, nu) = (sigma(pre), f64::from(zeta) / 65_536.0, f64::from(nu) / 65_536.0);
                let exact = (zeta * (1.0 - z) + nu) * f64::tanh(pre + v) + z * h;
                let carried = f64::from(unit.carried) / one;
                assert!((carried - exact).abs() < 5e-5, "{carried_frac}, {pre}: {carried} {exact}");
                assert!((f64::from(unit.h) / 2048.0 - exact).abs() < 0.6 / 2048.0 + 5e-5, "{pre}: {}", unit.h);
            }
        }
    }

    /// With z near 1 and ν a state grows without bound: it ends at the format's.
    #[test]
    fn states_saturate() {
        let q = Q { carried_frac: 27, out_frac: 11 };
        for sign in [1.0, -1.0] {
            let mut carried = 0;
            for _ in 0..100 {
                carried = step(q, 20.0, 2000.0 * sign, [65_535; 2], carried).carried;
            }
            // z is not quite 1, so that the bound itself is not kept.
            assert!((carried as f64 * sign) > 0.999 * f64::from(i32::MAX), "{carried}");
        }
    }
}
