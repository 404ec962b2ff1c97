//! Gated recurrent unit, with the reset gate before or after the recurrent product.
//!
//! ```text
//! r_t = σ(W_r x_t + U_r h_(t-1) + b_r)        z_t = σ(W_z x_t + U_z h_(t-1) + b_z)
//! before: n_t = tanh(W_n x_t + U_n (r_t ⊙ h_(t-1)) + b_n)
//! after:  n_t = tanh(W_n x_t + b_n + r_t ⊙ (U_n h_(t-1) + b_m))
//! h_t = z_t ⊙ h_(t-1) + (1 - z_t) ⊙ n_t
//! ```
//! `n` is the candidate h̃. *Before* is the lecture's form (Cho et al. 2014); *after* is PyTorch's and cuDNN's
//! and takes one pass over the weights instead of two. In integers h is Q0.15 with a Q1.30 32-bit form, without
//! which updates of less than one LSB, (1 - z) small, would be lost.

use super::{
    CarriedState, CellSpec, GateSpec, LayerOperation, Operands, Stage, StageKind, StageSpec, Unit, VariantSpec, drive,
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
                    GateSpec { name: "r", operands: Operands::InputAndHidden },
                    GateSpec { name: "z", operands: Operands::InputAndHidden },
                    GateSpec { name: "n", operands: Operands::Input },
                    GateSpec { name: "m", operands: Operands::Hidden },
                ],
            }],
            carried: CarriedState::Hidden,
            step: |layer, memory, out| drive::fused_split(layer, memory, out, After),
            ..VariantSpec::BASE
        },
        &VariantSpec {
            name: "gru-before",
            stages: &[
                StageSpec {
                    kind: StageKind::Rows,
                    gates: &[
                        GateSpec { name: "r", operands: Operands::InputAndHidden },
                        GateSpec { name: "z", operands: Operands::InputAndHidden },
                    ],
                },
                StageSpec {
                    kind: StageKind::Rows,
                    gates: &[GateSpec { name: "n", operands: Operands::InputAndHidden }],
                },
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
        let n = a.tanh(a.add(n, a.gate_pre(r, m)));
        unit.carried = a.lerp(z, n, unit.carried);
        unit.h = a.to_q15(unit.carried);
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
        unit.h = a.to_q15(unit.carried);
        n
    }
}
