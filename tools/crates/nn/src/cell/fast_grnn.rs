//! FastGRNN.

use elman::cell::Unit;
use elman::cell::fast_grnn::{FastGrnn, SPEC};

use super::{Backward, FloatCell, stage};
use crate::float::{Float, Lanes, World};

pub fn cell<F: Float>() -> FloatCell<F> {
    FloatCell {
        spec: &SPEC,
        stages: |_| vec![stage(FastGrnn)],
        // Where the paper's own code starts: both biases at 1, ζ and ν at σ(1) and σ(-4).
        initial_bias: |_, _| 1.0,
        initial_loop: None,
        scalars: &[1.0, -4.0],
    }
}

impl Backward<1> for FastGrnn {
    const READS_H: bool = true;
    const HAS_LONG: bool = true;
    const HAS_CARRY: bool = false;

    #[inline(always)]
    fn save<L: Lanes>(pre: L::V, _: &Unit<World<L>>) -> [L::V; 1] {
        [pre]
    }

    #[inline(always)]
    fn unit_backward<L: Lanes>(
        &self,
        l: L,
        [pre]: [L::V; 1],
        before: &Unit<World<L>>,
        _: &Unit<World<L>>,
        grad: &mut Unit<World<L>>,
    ) -> [L::V; 1] {
        let [v, zeta, nu] = before.peephole;
        let (z, n) = (l.sigmoid(pre), l.tanh(l.add(pre, v)));
        let dh = l.add(grad.h, grad.carried);
        grad.carried = l.mul(dh, z);
        grad.h = l.splat(L::Elem::ZERO);
        let share = l.mul_add(zeta, l.complement(z), nu);
        let d_n = l.tanh_backward(n, l.mul(dh, share));
        let d_z = l.mul(dh, l.sub(before.carried, l.mul(zeta, n)));
        let of_n = l.mul(dh, n);
        grad.peephole = [d_n, l.mul(of_n, l.complement(z)), of_n];
        [l.add(l.sigmoid_backward(z, d_z), d_n)]
    }
}
