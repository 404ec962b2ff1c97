//! Gated recurrent unit, reset after and before the recurrent product.

use elman::cell::Unit;
use elman::cell::gru::{After, BeforeReset, BeforeUpdate, SPEC, Trace};

use super::{Backward, FloatCell, lerp_backward, stage};
use crate::float::{Float, Lanes, World};

pub fn cell<F: Float>() -> FloatCell<F> {
    FloatCell {
        spec: &SPEC,
        stages: |variant| match variant {
            0 => vec![stage(After)],
            _ => vec![stage(BeforeReset), stage(BeforeUpdate)],
        },
        initial_bias: |_, _| 0.0,
        initial_loop: None,
        scalars: &[],
    }
}

impl Backward<4> for After {
    const READS_H: bool = true;
    const HAS_LONG: bool = true;
    const HAS_CARRY: bool = false;

    #[inline(always)]
    fn save<L: Lanes>(trace: Trace<World<L>>, _: &Unit<World<L>>) -> [L::V; 4] {
        [trace.r, trace.z, trace.n, trace.m]
    }

    #[inline(always)]
    fn unit_backward<L: Lanes>(
        &self,
        l: L,
        [r, z, n, m]: [L::V; 4],
        before: &Unit<World<L>>,
        _: &Unit<World<L>>,
        grad: &mut Unit<World<L>>,
    ) -> [L::V; 4] {
        let (dz, dn) = lerp_backward(l, z, n, before.carried, grad);
        let dn = l.tanh_backward(n, dn);
        [l.sigmoid_backward(r, l.mul(dn, m)), l.sigmoid_backward(z, dz), dn, l.mul(dn, r)]
    }
}

impl Backward<2> for BeforeReset {
    const READS_H: bool = true;
    const HAS_LONG: bool = true;
    const HAS_CARRY: bool = true;

    #[inline(always)]
    fn save<L: Lanes>(r: L::V, after: &Unit<World<L>>) -> [L::V; 2] {
        [r, after.stage_gate]
    }

    #[inline(always)]
    fn unit_backward<L: Lanes>(
        &self,
        l: L,
        [r, z]: [L::V; 2],
        before: &Unit<World<L>>,
        _: &Unit<World<L>>,
        grad: &mut Unit<World<L>>,
    ) -> [L::V; 2] {
        let dr = l.mul(grad.h, before.h);
        grad.h = l.mul(grad.h, r);
        [l.sigmoid_backward(r, dr), l.sigmoid_backward(z, grad.stage_gate)]
    }
}

impl Backward<1> for BeforeUpdate {
    const READS_H: bool = true;
    const HAS_LONG: bool = true;
    const HAS_CARRY: bool = true;

    #[inline(always)]
    fn save<L: Lanes>(n: L::V, _: &Unit<World<L>>) -> [L::V; 1] {
        [n]
    }

    #[inline(always)]
    fn unit_backward<L: Lanes>(
        &self,
        l: L,
        [n]: [L::V; 1],
        before: &Unit<World<L>>,
        _: &Unit<World<L>>,
        grad: &mut Unit<World<L>>,
    ) -> [L::V; 1] {
        let (dz, dn) = lerp_backward(l, before.stage_gate, n, before.carried, grad);
        grad.stage_gate = dz;
        [l.tanh_backward(n, dn)]
    }
}
