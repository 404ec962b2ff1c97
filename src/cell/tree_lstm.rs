//! Tree-LSTM of two children (Tai et al. 2015): an LSTM that joins two predecessors, each with a forget gate of its own.
//!
//! ```text
//! i = σ(W_i [h_l; h_r] + b_i)        o = σ(W_o [h_l; h_r] + b_o)
//! f = σ(W_f [h_l; h_r] + b_f)        k = σ(W_k [h_l; h_r] + b_k)        g = tanh(W_c [h_l; h_r] + b_c)
//! c = f ⊙ c_l + k ⊙ c_r + i ⊙ g      h = o ⊙ tanh(c)
//! ```
//! f forgets the left child's cell state, k the right one's. Its input is both children's h side by side; it has no U.
//! Where the right child is an input without cell state, it is the LSTM of [`super::lstm`] over `[h_(t-1); x_t]`, bit for
//! bit. In integers h is Q0.15 and c an i32 in the layer's power-of-two format, saturating.
//!
//! As a layer of a sequence it reads [h_l; h_r] as its frame; its left cell state is then that of the step before, its
//! right one 0.

use super::{
    CarriedState, CellSpec, GateSpec, LayerOperation, Operands, Stage, StageKind, StageSpec, Unit, VariantSpec, drive,
};
use crate::arith::Arith;

const fn gate(name: &'static str) -> GateSpec {
    GateSpec::new(name, Operands::Input)
}

/// The cell's table.
pub const SPEC: CellSpec = CellSpec {
    tag: 5,
    name: "tree-lstm",
    variants: &[&VariantSpec {
        name: "tree-lstm",
        stages: &[StageSpec { kind: StageKind::Rows, gates: &[gate("i"), gate("f"), gate("k"), gate("g"), gate("o")] }],
        carried: CarriedState::Pair,
        step: |layer, memory, out| drive::drive_gated(layer, memory, out, TreeLstm),
        ..VariantSpec::BASE
    }],
};

/// Tree-LSTM of two children.
pub const TREE_LSTM: LayerOperation = SPEC.operation(0);

/// The equations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TreeLstm;

/// Gate values of one unit.
#[derive(Clone, Copy, Debug)]
pub struct Trace<A: Arith> {
    /// Input gate.
    pub i: A::Gate,
    /// Forget gate of the left child.
    pub f: A::Gate,
    /// Forget gate of the right child.
    pub k: A::Gate,
    /// Candidate.
    pub g: A::Gate,
    /// Output gate.
    pub o: A::Gate,
}

impl Stage<5> for TreeLstm {
    type Trace<A: Arith> = Trace<A>;

    #[inline(always)]
    fn unit<A: Arith>(&self, a: &A, [i, f, k, g, o]: [A::Pre; 5], unit: &mut Unit<A>) -> Trace<A> {
        let (i, f, k, g) = (a.sigmoid(i), a.sigmoid(f), a.sigmoid(k), a.tanh(g));
        unit.carried = a.add_kept(a.keep_add(f, unit.carried, i, g), k, unit.second);
        let o = a.sigmoid(o);
        unit.h = a.gate_gate(o, a.tanh_carried(unit.carried));
        Trace { i, f, k, g, o }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arith::{Gate, Pre, Q};

    const FORMATS: Q = Q { carried_frac: 24, out_frac: 15 };

    fn join(pre: [f64; 5], left: f64, right: f64) -> (f64, f64) {
        let carried = |c: f64| (c * 2f64.powi(24)) as i32;
        let (left, right) = (carried(left), carried(right));
        let mut unit: Unit<Q> = Unit { h: 0, carried: left, second: right, stage_gate: Gate::ZERO, peephole: [0; 3] };
        TreeLstm.unit(&FORMATS, pre.map(Pre::from_num), &mut unit);
        (unit.carried as f64 / 2f64.powi(24), unit.h as f64 / 32768.0)
    }

    #[test]
    fn integers_follow_the_equations() {
        let sigma = |x: f64| 1.0 / (1.0 + (-x).exp());
        for ([i, f, k, g, o], left, right) in
            [([0.3, -0.8, 0.5, 1.1, 0.6], -5.5, 2.25), ([-2.0, 3.0, -1.0, -0.4, 0.0], 0.75, -7.0)]
        {
            let c = sigma(f) * left + sigma(k) * right + sigma(i) * g.tanh();
            let (found, h) = join([i, f, k, g, o], left, right);
            assert!((found - c).abs() < 1e-4 && (h - sigma(o) * c.tanh()).abs() < 1e-4, "{found} {c}, {h}");
        }
    }

    /// Both children's cell states at the format's bound: c stays there, on either side.
    #[test]
    fn sums_saturate() {
        let open = [20.0; 5].map(Pre::from_num);
        for bound in [i32::MAX, i32::MIN] {
            let mut unit: Unit<Q> =
                Unit { h: 0, carried: bound, second: bound, stage_gate: Gate::ZERO, peephole: [0; 3] };
            TreeLstm.unit(&FORMATS, open, &mut unit);
            assert_eq!((unit.carried, unit.h), (bound, if bound > 0 { 32767 } else { -32768 }));
        }
    }

    #[test]
    fn without_a_right_cell_state_it_is_the_lstm() {
        use crate::cell::lstm::VARIANTS;
        let pre = |x: f64| Pre::from_num(x);
        let start: Unit<Q> = Unit { h: 0, carried: 123_456_789, second: 0, stage_gate: Gate::ZERO, peephole: [0; 3] };
        let (mut one, mut other) = (start, start);
        for n in 0..200 {
            let x = (f64::from(n) * 0.37).sin() * 6.0;
            let [i, f, k, g, o] = [x, 3.0 - x, x * x, -2.0 * x, 1.0 + x].map(pre);
            TreeLstm.unit(&FORMATS, [i, f, k, g, o], &mut one);
            VARIANTS[0].unit(&FORMATS, [i, f, g, o], &mut other);
            assert_eq!((one.h, one.carried), (other.h, other.carried));
        }
    }
}
