//! Minimal LSTM.

use elman::cell::Unit;
use elman::cell::min_lstm::{MinLstm, SPEC, Trace};

use super::{Backward, FloatCell, lerp_backward, stage};
use crate::float::{Float, Lanes, RATIO_EPSILON, World};

pub fn cell<F: Float>() -> FloatCell<F> {
    FloatCell {
        spec: &SPEC,
        stages: |_| vec![stage(MinLstm)],
        // It remembers before it has learnt to: what it keeps does not depend on h.
        initial_bias: |_, gate| if gate == "f" { 1.0 } else { 0.0 },
        initial_loop: None,
        scalars: &[],
    }
}

impl Backward<3> for MinLstm {
    const READS_H: bool = true;
    const HAS_LONG: bool = true;
    const HAS_CARRY: bool = false;

    #[inline(always)]
    fn save<L: Lanes>(trace: Trace<World<L>>, _: &Unit<World<L>>) -> [L::V; 3] {
        [trace.f, trace.i, trace.g]
    }

    #[inline(always)]
    fn unit_backward<L: Lanes>(
        &self,
        l: L,
        [f, i, g]: [L::V; 3],
        before: &Unit<World<L>>,
        _: &Unit<World<L>>,
        grad: &mut Unit<World<L>>,
    ) -> [L::V; 3] {
        let epsilon = l.splat(L::Elem::of(RATIO_EPSILON));
        let one = l.splat(L::Elem::of(1.0));
        let inverse = l.div(one, l.add(l.add(f, epsilon), l.add(i, epsilon)));
        let kept = l.mul(l.add(f, epsilon), inverse);
        let (d_kept, dg) = lerp_backward(l, kept, g, before.carried, grad);
        // f' = f / (f + i): by f it changes by (1 - f') / (f + i), by i by -f' / (f + i).
        let through = l.mul(d_kept, inverse);
        let (d_f, d_i) = (l.mul(through, l.complement(kept)), l.mul(through, kept));
        let zero = l.splat(L::Elem::ZERO);
        [l.sigmoid_backward(f, d_f), l.sub(zero, l.sigmoid_backward(i, d_i)), l.tanh_backward(g, dg)]
    }
}
