//! Tree-LSTM of two children.

use elman::cell::Unit;
use elman::cell::tree_lstm::{SPEC, Trace, TreeLstm};

use super::{Backward, FloatCell, stage};
use crate::float::{Float, Lanes, World};

pub fn cell<F: Float>() -> FloatCell<F> {
    FloatCell {
        spec: &SPEC,
        stages: |_| vec![stage(TreeLstm)],
        // Both children are remembered until training finds better.
        initial_bias: |_, gate| if matches!(gate, "f" | "k") { 1.0 } else { 0.0 },
        initial_loop: None,
        scalars: &[],
    }
}

impl Backward<5> for TreeLstm {
    const READS_H: bool = false;
    const HAS_LONG: bool = true;
    const HAS_SECOND: bool = true;
    const HAS_CARRY: bool = false;

    #[inline(always)]
    fn save<L: Lanes>(trace: Trace<World<L>>, _: &Unit<World<L>>) -> [L::V; 5] {
        [trace.i, trace.f, trace.k, trace.g, trace.o]
    }

    #[inline(always)]
    fn unit_backward<L: Lanes>(
        &self,
        l: L,
        [i, f, k, g, o]: [L::V; 5],
        before: &Unit<World<L>>,
        after: &Unit<World<L>>,
        grad: &mut Unit<World<L>>,
    ) -> [L::V; 5] {
        let t = l.tanh(after.carried);
        let d_o = l.sigmoid_backward(o, l.mul(grad.h, t));
        let dc = l.add(grad.carried, l.tanh_backward(t, l.mul(grad.h, o)));
        grad.carried = l.mul(dc, f);
        grad.second = l.mul(dc, k);
        [
            l.sigmoid_backward(i, l.mul(dc, g)),
            l.sigmoid_backward(f, l.mul(dc, before.carried)),
            l.sigmoid_backward(k, l.mul(dc, before.second)),
            l.tanh_backward(g, l.mul(dc, i)),
            d_o,
        ]
    }
}
