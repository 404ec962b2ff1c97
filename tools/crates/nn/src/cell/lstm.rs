//! Long short-term memory, and its variants.

use elman::cell::Unit;
use elman::cell::lstm::{Forget, Lstm, SPEC, Trace, VARIANTS};

use super::{Backward, FloatCell, stage};
use crate::float::{Float, Lanes, World};

pub fn cell<F: Float>() -> FloatCell<F> {
    FloatCell {
        spec: &SPEC,
        stages: |variant| match VARIANTS[variant] {
            lstm @ Lstm { forget: Forget::Free, .. } => vec![stage::<F, _, 4>(lstm)],
            lstm => vec![stage::<F, _, 3>(lstm)],
        },
        // The forget gate starts open (Gers et al. 2000): the cell remembers before it has learnt to.
        initial_bias: |variant, gate| match (VARIANTS[variant].forget, gate) {
            (Forget::Free, "f") => 1.0,
            (Forget::Coupled, "i") => -1.0,
            _ => 0.0,
        },
        initial_loop: None,
        scalars: &[],
    }
}

/// The gates of one step, and the gradients on entry.
struct Step<'a, L: Lanes> {
    i: L::V,
    /// None where there is no gate of its own.
    f: Option<L::V>,
    g: L::V,
    o: L::V,
    before: &'a Unit<World<L>>,
    after: &'a Unit<World<L>>,
}

/// ∂L/∂pre of i, f (0 where it has none), g, o.
#[inline(always)]
fn backward<L: Lanes>(cell: &Lstm, l: L, s: Step<'_, L>, grad: &mut Unit<World<L>>) -> [L::V; 4] {
    let c = s.before.carried;
    let [v_i, v_f, v_o] = s.before.peephole;
    let t = l.tanh(s.after.carried);
    let d_o = l.sigmoid_backward(s.o, l.mul(grad.h, t));
    let mut dc = l.add(grad.carried, l.tanh_backward(t, l.mul(grad.h, s.o)));
    if cell.peephole {
        dc = l.mul_add(v_o, d_o, dc);
    }
    let zero = l.splat(L::Elem::ZERO);
    let (kept, through_i, d_f) = match (cell.forget, s.f) {
        (Forget::Coupled, _) => (l.mul(dc, l.complement(s.i)), l.sub(s.g, c), zero),
        (Forget::Free, Some(f)) => (l.mul(dc, f), s.g, l.sigmoid_backward(f, l.mul(dc, c))),
        _ => (dc, s.g, zero),
    };
    let d_i = l.sigmoid_backward(s.i, l.mul(dc, through_i));
    grad.carried = kept;
    if cell.peephole {
        grad.carried = l.mul_add(v_i, d_i, l.mul_add(v_f, d_f, grad.carried));
        grad.peephole = [l.mul(d_i, c), l.mul(d_f, c), l.mul(d_o, s.after.carried)];
    }
    [d_i, d_f, l.tanh_backward(s.g, l.mul(dc, s.i)), d_o]
}

impl Backward<4> for Lstm {
    const READS_H: bool = false;
    const HAS_LONG: bool = true;
    const HAS_CARRY: bool = false;

    #[inline(always)]
    fn save<L: Lanes>(trace: Trace<World<L>>, _: &Unit<World<L>>) -> [L::V; 4] {
        [trace.i, trace.f.unwrap_or(trace.i), trace.g, trace.o]
    }

    #[inline(always)]
    fn unit_backward<L: Lanes>(
        &self,
        l: L,
        [i, f, g, o]: [L::V; 4],
        before: &Unit<World<L>>,
        after: &Unit<World<L>>,
        grad: &mut Unit<World<L>>,
    ) -> [L::V; 4] {
        backward(self, l, Step { i, f: Some(f), g, o, before, after }, grad)
    }
}

impl Backward<3> for Lstm {
    const READS_H: bool = false;
    const HAS_LONG: bool = true;
    const HAS_CARRY: bool = false;

    #[inline(always)]
    fn save<L: Lanes>(trace: Trace<World<L>>, _: &Unit<World<L>>) -> [L::V; 3] {
        [trace.i, trace.g, trace.o]
    }

    #[inline(always)]
    fn unit_backward<L: Lanes>(
        &self,
        l: L,
        [i, g, o]: [L::V; 3],
        before: &Unit<World<L>>,
        after: &Unit<World<L>>,
        grad: &mut Unit<World<L>>,
    ) -> [L::V; 3] {
        let [d_i, _, d_g, d_o] = backward(self, l, Step { i, f: None, g, o, before, after }, grad);
        [d_i, d_g, d_o]
    }
}
