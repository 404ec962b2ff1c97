//! Simple recurrent network, and the dense layer, which is the same map without U.

use elman::arith::Activation;
use elman::cell::srn::{ACTIVATIONS, SPEC, Srn};
use elman::cell::{Stage, Unit};

use super::{Backward, FloatCell, Pointwise, stage};
use crate::float::{Float, Lanes, World};

pub fn cell<F: Float>() -> FloatCell<F> {
    FloatCell {
        spec: &SPEC,
        stages: |variant| vec![dense(ACTIVATIONS[variant])],
        initial_bias: |_, _| 0.0,
        initial_loop: None,
        scalars: &[],
    }
}

/// The pointwise half of y = f(W x + b).
pub fn dense<F: Float>(activation: Activation) -> Box<dyn Pointwise<F>> {
    stage(Srn(activation))
}

impl Backward<1> for Srn {
    const READS_H: bool = false;
    const HAS_LONG: bool = false;
    const HAS_CARRY: bool = false;

    #[inline(always)]
    fn save<L: Lanes>(_: <Self as Stage<1>>::Trace<World<L>>, after: &Unit<World<L>>) -> [L::V; 1] {
        [after.h]
    }

    #[inline(always)]
    fn unit_backward<L: Lanes>(
        &self,
        l: L,
        [h]: [L::V; 1],
        _: &Unit<World<L>>,
        _: &Unit<World<L>>,
        grad: &mut Unit<World<L>>,
    ) -> [L::V; 1] {
        [match self.0 {
            Activation::Linear => grad.h,
            Activation::Tanh => l.tanh_backward(h, grad.h),
            Activation::Sigmoid => l.sigmoid_backward(h, grad.h),
            Activation::Relu => l.where_positive(h, grad.h),
        }]
    }
}
