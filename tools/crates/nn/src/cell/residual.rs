//! Residual recurrent networks.

use elman::cell::Unit;
use elman::cell::residual::{Residual, SPEC};

use super::{Backward, FloatCell, stage};
use crate::float::{Float, Lanes, World};

pub fn cell<F: Float>() -> FloatCell<F> {
    // A U of -1/10 makes the state leak: what comes in is forgotten in some ten steps, and h stays bounded until
    // training finds better.
    FloatCell {
        spec: &SPEC,
        stages: |_| vec![stage(Residual)],
        initial_bias: |_, _| 0.0,
        initial_loop: Some(-0.1),
        scalars: &[],
    }
}

impl Backward<1> for Residual {
    const READS_H: bool = true;
    const HAS_LONG: bool = true;
    const HAS_CARRY: bool = false;

    #[inline(always)]
    fn save<L: Lanes>(g: L::V, _: &Unit<World<L>>) -> [L::V; 1] {
        [g]
    }

    #[inline(always)]
    fn unit_backward<L: Lanes>(
        &self,
        l: L,
        [g]: [L::V; 1],
        _: &Unit<World<L>>,
        _: &Unit<World<L>>,
        grad: &mut Unit<World<L>>,
    ) -> [L::V; 1] {
        // The long state is h: what comes to either goes on to h_(t-1) unchanged.
        let dh = l.add(grad.h, grad.carried);
        grad.carried = dh;
        grad.h = l.splat(L::Elem::ZERO);
        [l.tanh_backward(g, dh)]
    }
}
