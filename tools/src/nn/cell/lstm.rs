//! Long short-term memory.

use elman::cell::Unit;
use elman::cell::lstm::{Lstm, SPEC, Trace, VARIANTS};

use super::{Backward, FloatCell, stage};
use crate::nn::float::{Float, Lanes, World};

pub fn cell<F: Float>() -> FloatCell<F> {
    // The forget gate starts open (Gers et al. 2000): the cell remembers before it has learnt to.
    FloatCell {
        spec: &SPEC,
        stages: |_| vec![stage::<F, _, 4>(VARIANTS[0])],
        initial_bias: |gate| if gate == "f" { 1.0 } else { 0.0 },
    }
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
        let t = l.tanh(after.long);
        let dc = l.add(grad.long, l.tanh_backward(t, l.mul(grad.h, o)));
        grad.long = l.mul(dc, f);
        [
            l.sigmoid_backward(i, l.mul(dc, g)),
            l.sigmoid_backward(f, l.mul(dc, before.long)),
            l.tanh_backward(g, l.mul(dc, i)),
            l.sigmoid_backward(o, l.mul(grad.h, t)),
        ]
    }
}
