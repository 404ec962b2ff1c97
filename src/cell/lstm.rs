//! Long short-term memory.
//!
//! ```text
//! i_t = σ(W_i x_t + U_i h_(t-1) + b_i)        f_t = σ(W_f x_t + U_f h_(t-1) + b_f)
//! o_t = σ(W_o x_t + U_o h_(t-1) + b_o)        g_t = tanh(W_c x_t + U_c h_(t-1) + b_c)
//! c_t = f_t ⊙ c_(t-1) + i_t ⊙ g_t             h_t = o_t ⊙ tanh(c_t)
//! ```
//! `g` is the candidate c̃. Gate order i, f, g, o as in PyTorch. In integers h is Q0.15 and c an i32 in the
//! layer's power-of-two format, saturating.

use super::{CellSpec, Columns, GateSpec, LongState, Pass, Stage, StageSpec, Unit, VariantSpec, drive};
use crate::arith::Arith;

/// The cell's table.
pub const SPEC: CellSpec = CellSpec {
    tag: 3,
    name: "lstm",
    variants: &[VariantSpec {
        name: "lstm",
        stages: &[StageSpec {
            pass: Pass::Rows,
            gates: &[
                GateSpec { name: "i", columns: Columns::Both },
                GateSpec { name: "f", columns: Columns::Both },
                GateSpec { name: "g", columns: Columns::Both },
                GateSpec { name: "o", columns: Columns::Both },
            ],
        }],
        long: LongState::Cell,
        step: |layer, memory, out| drive::fused(layer, memory, out, Lstm),
        ..VariantSpec::BASE
    }],
};

/// The equations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lstm;

/// Gate values of one step.
#[derive(Clone, Copy, Debug)]
pub struct Trace<A: Arith> {
    /// Input gate.
    pub i: A::Gate,
    /// Forget gate.
    pub f: A::Gate,
    /// Candidate.
    pub g: A::Gate,
    /// Output gate.
    pub o: A::Gate,
}

impl Stage<4> for Lstm {
    type Trace<A: Arith> = Trace<A>;

    #[inline(always)]
    fn unit<A: Arith>(&self, a: &A, [i, f, g, o]: [A::Pre; 4], unit: &mut Unit<A>) -> Trace<A> {
        let (i, f, g, o) = (a.sigmoid(i), a.sigmoid(f), a.tanh(g), a.sigmoid(o));
        unit.long = a.keep_add(f, unit.long, i, g);
        unit.h = a.gate_gate(o, a.tanh_long(unit.long));
        Trace { i, f, g, o }
    }
}
