//! Gated recurrent unit, with the reset gate before or after the recurrent product.
//!
//! ```text
//! r_t = σ(W_r x_t + U_r h_(t-1) + b_r)        z_t = σ(W_z x_t + U_z h_(t-1) + b_z)
//! before: n_t = tanh(W_n x_t + U_n (r_t ⊙ h_(t-1)) + b_n)
//! after:  n_t = tanh(W_n x_t + b_n + r_t ⊙ (U_n h_(t-1) + b_m))
//! h_t = z_t ⊙ h_(t-1) + (1 - z_t) ⊙ n_t
//! ```
//! `n` is the candidate h̃. *Before* is the form of Cho et al. 2014 and of Goodfellow et al. 2016, section 10.10.2;
//! *after* is PyTorch's and cuDNN's and reads the weights once instead of twice. In integers h is Q0.15 and carried as Q1.30
//! as well, without which updates of less than one LSB, (1 - z) small, would be lost.

use super::{
    CarriedState, CellSpec, GateSpec, LayerOperation, Operands, PreFormat, Stage, StageKind, StageSpec, Unit,
    VariantSpec, drive,
};
use crate::arith::Arith;

/// The cell's table.
pub const SPEC: CellSpec = CellSpec {
    tag: 2,
    name: "gru",
    variants: &[
        &VariantSpec {
            name: "gru",
            stages: &[StageSpec {
                kind: StageKind::Split,
                gates: &[
                    GateSpec::new("r", Operands::InputAndHidden),
                    GateSpec::new("z", Operands::InputAndHidden),
                    GateSpec::new("n", Operands::Input),
                    GateSpec { name: "m", operands: Operands::Hidden, pre: PreFormat::Doubled },
                ],
            }],
            carried: CarriedState::Hidden,
            #[cfg(elman_layout = "rows")]
            step: |layer, memory, out| drive::gated_split(layer, memory, out, layer.q.gru_gates()),
            #[cfg(not(elman_layout = "rows"))]
            step: |layer, memory, out| drive::fused_split(layer, memory, out, After),
            ..VariantSpec::BASE
        },
        &VariantSpec {
            name: "gru-before",
            stages: &[
                StageSpec {
                    kind: StageKind::Rows,
                    gates: &[
                        GateSpec::new("r", Operands::InputAndHidden),
                        GateSpec::new("z", Operands::InputAndHidden),
                    ],
                },
                StageSpec { kind: StageKind::Rows, gates: &[GateSpec::new("n", Operands::InputAndHidden)] },
            ],
            carried: CarriedState::Hidden,
            step: |layer, memory, out| drive::two_stages(layer, memory, out, BeforeReset, BeforeUpdate),
            ..VariantSpec::BASE
        },
    ],
};

/// GRU with the reset gate after the recurrent product.
pub const GRU: LayerOperation = SPEC.operation(0);
/// GRU with the reset gate before the recurrent product.
pub const GRU_BEFORE: LayerOperation = SPEC.operation(1);

/// Reset after the recurrent product: one stage, pre-activations r, z, n (x's part), m (h's part).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct After;

/// What [`After`] leaves for the backward pass.
#[derive(Clone, Copy, Debug)]
pub struct Trace<A: Arith> {
    /// Reset gate.
    pub r: A::Gate,
    /// Update gate.
    pub z: A::Gate,
    /// Candidate.
    pub n: A::Gate,
    /// U_n h + b_m, before the reset gate.
    pub m: A::Pre,
}

impl Stage<4> for After {
    type Trace<A: Arith> = Trace<A>;

    #[inline(always)]
    fn unit<A: Arith>(&self, a: &A, [r, z, n, m]: [A::Pre; 4], unit: &mut Unit<A>) -> Trace<A> {
        let (r, z) = (a.sigmoid(r), a.sigmoid(z));
        let n = a.tanh(a.add_gated_pre(n, r, m));
        unit.carried = a.lerp(z, n, unit.carried);
        unit.h = a.hidden_out(unit.carried);
        Trace { r, z, n, m }
    }
}

/// Reset before the recurrent product, first stage: r and z; leaves r ⊙ h for the second and carries z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BeforeReset;

impl Stage<2> for BeforeReset {
    /// r
    type Trace<A: Arith> = A::Gate;

    #[inline(always)]
    fn unit<A: Arith>(&self, a: &A, [r, z]: [A::Pre; 2], unit: &mut Unit<A>) -> A::Gate {
        let r = a.sigmoid(r);
        unit.stage_gate = a.sigmoid(z);
        unit.h = a.gate_out(r, unit.h);
        r
    }
}

/// Reset before the recurrent product, second stage: the candidate from `[x; r ⊙ h]`, then h.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BeforeUpdate;

impl Stage<1> for BeforeUpdate {
    /// n
    type Trace<A: Arith> = A::Gate;

    #[inline(always)]
    fn unit<A: Arith>(&self, a: &A, [n]: [A::Pre; 1], unit: &mut Unit<A>) -> A::Gate {
        let n = a.tanh(n);
        unit.carried = a.lerp(unit.stage_gate, n, unit.carried);
        unit.h = a.hidden_out(unit.carried);
        n
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arith::{Gate, Pre, Q};

    const fn formats(out_frac: u8) -> Q {
        Q { carried_frac: out_frac + Q::HIDDEN_MORE, out_frac }
    }

    const FORMATS: Q = formats(15);
    const ONE: f64 = (1u32 << 30) as f64;

    /// Pre-activations r, z, n and m in their formats.
    fn pre([r, z, n, m]: [f64; 4]) -> [Pre; 4] {
        [r, z, n, 2.0 * m].map(Pre::from_num)
    }

    fn sigma(x: f64) -> f64 {
        1.0 / (1.0 + (-x).exp())
    }

    fn unit(h: f64) -> Unit<Q> {
        let (carried, h) = ((h * ONE) as i32, (h * 32_768.0) as i16);
        Unit { h, carried, second: 0, stage_gate: Gate::ZERO, peephole: [0; 3] }
    }

    /// The carried state and the output of a step, against h_t.
    fn close(unit: &Unit<Q>, wanted: f64) {
        let (carried, h) = (unit.carried as f64 / ONE, unit.h as f64 / 32_768.0);
        assert!((carried - wanted).abs() < 2e-5 && (h - wanted).abs() < 4e-5, "{carried} {h} {wanted}");
    }

    #[test]
    fn integers_follow_the_equations() {
        for (h, [r, z, n, m]) in
            [(0.75, [0.3, -0.8, 0.5, 1.1]), (-0.5, [-2.0, 1.5, -0.4, 3.0]), (0.0, [4.0, -4.0, 2.0, -6.0])]
        {
            let mut after = unit(h);
            After.unit(&FORMATS, pre([r, z, n, m]), &mut after);
            close(&after, sigma(z) * h + (1.0 - sigma(z)) * (n + sigma(r) * m).tanh());

            // The second stage's pre-activation is made of r ⊙ h, which the first leaves in h.
            let mut before = unit(h);
            BeforeReset.unit(&FORMATS, [r, z].map(Pre::from_num), &mut before);
            assert!((before.h as f64 / 32_768.0 - sigma(r) * h).abs() < 4e-5);
            BeforeUpdate.unit(&FORMATS, [Pre::from_num(n)], &mut before);
            close(&before, sigma(z) * h + (1.0 - sigma(z)) * n.tanh());
        }
    }

    /// Fewer fraction bits of h: the same equations, as far as the bits go, and states beyond 1 that come from elsewhere.
    #[test]
    fn coarser_formats_follow_the_equations() {
        for frac in 8..=15 {
            let (q, one) = (formats(frac), f64::from(1u32 << frac));
            for h in [0.75, -0.5, if frac < 15 { 1.9 } else { 0.9 }] {
                let (carried, h) = ((h * one * 32_768.0) as i32, h);
                let mut unit: Unit<Q> = Unit { h: 0, carried, second: 0, stage_gate: Gate::ZERO, peephole: [0; 3] };
                let [r, z, n, m] = [0.3, 0.8, -0.5, 1.1];
                After.unit(&q, pre([r, z, n, m]), &mut unit);
                let wanted = sigma(z) * h + (1.0 - sigma(z)) * (n + sigma(r) * m).tanh();
                assert!((f64::from(unit.carried) / one / 32_768.0 - wanted).abs() < 2e-5, "{frac}: {}", unit.carried);
                assert!((f64::from(unit.h) / one - wanted).abs() < 0.5 / one + 2e-5, "{frac}: {}", unit.h);
            }
        }
    }

    /// With z near 1 the 32-bit state moves by less than an LSB of the output, and does not stand still.
    #[test]
    fn small_updates_are_not_lost() {
        let (mut state, z, n) = (unit(0.0), 9.0, 0.5f64);
        let mut exact = 0.0;
        for _ in 0..50 {
            let before = state.carried;
            After.unit(&FORMATS, pre([0.0, z, n, 0.0]), &mut state);
            exact += (1.0 - sigma(z)) * (n.tanh() - exact);
            assert!(state.carried > before && (state.carried - before) < 1 << 17, "{before} {}", state.carried);
        }
        close(&state, exact);
    }

    /// h is a mean of numbers in (-1, 1): at the format's bounds it stays there.
    #[test]
    fn the_state_stays_in_its_range() {
        for sign in [1.0, -1.0] {
            let mut state = unit(0.0);
            for k in 0..200 {
                let z = if k % 2 == 0 { -20.0 } else { 20.0 };
                After.unit(&FORMATS, [20.0, z, sign * 20.0, sign * 20.0].map(Pre::from_num), &mut state);
                assert!(state.carried.unsigned_abs() <= 1 << 30, "{}", state.carried);
            }
            assert_eq!(state.h, if sign > 0.0 { 32_767 } else { -32_768 });
        }
    }
}
