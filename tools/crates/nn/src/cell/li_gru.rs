//! Light gated recurrent unit.

use elman::cell::Unit;
use elman::cell::li_gru::{LiGru, SPEC, Trace};

use super::{Backward, FloatCell, lerp_backward, stage};
use crate::float::{Float, Lanes, World};

pub fn cell<F: Float>() -> FloatCell<F> {
    FloatCell {
        spec: &SPEC,
        stages: |_| vec![stage(LiGru)],
        initial_bias: |_, _| 0.0,
        initial_loop: None,
        scalars: &[],
    }
}

impl Backward<2> for LiGru {
    const READS_H: bool = true;
    const HAS_LONG: bool = true;
    const HAS_CARRY: bool = false;

    #[inline(always)]
    fn save<L: Lanes>(trace: Trace<World<L>>, _: &Unit<World<L>>) -> [L::V; 2] {
        [trace.z, trace.n]
    }

    #[inline(always)]
    fn unit_backward<L: Lanes>(
        &self,
        l: L,
        [z, n]: [L::V; 2],
        before: &Unit<World<L>>,
        _: &Unit<World<L>>,
        grad: &mut Unit<World<L>>,
    ) -> [L::V; 2] {
        let (dz, dn) = lerp_backward(l, z, n, before.carried, grad);
        [l.sigmoid_backward(z, dz), l.where_positive(n, dn)]
    }
}
