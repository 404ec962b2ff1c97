//! Simple recurrent network (Elman 1990): h_t = f(W x_t + U h_(t-1) + b).
//!
//! f is tanh, sigmoid or relu. In integers h is Q0.15 for the first two; relu's h is an i16 in the layer's
//! power-of-two format, saturating.

use super::{
    CellSpec, GateSpec, LayerOperation, Operands, OutRange, Stage, StageKind, StageSpec, StepFn, Unit, VariantSpec,
    drive,
};
use crate::arith::{Activation, Arith};

const STAGES: &[StageSpec] =
    &[StageSpec { kind: StageKind::Rows, gates: &[GateSpec { name: "h", operands: Operands::InputAndHidden }] }];

const fn variant(name: &'static str, out: OutRange, step: StepFn) -> VariantSpec {
    VariantSpec { name, stages: STAGES, out, step, ..VariantSpec::BASE }
}

/// The cell's table. The variant's number is the index in [`ACTIVATIONS`].
pub const SPEC: CellSpec = CellSpec {
    tag: 1,
    name: "srn",
    variants: &[
        &variant("srn", OutRange::Q15, |l, memory, out| drive::recurrent(l, memory, out, Elman::<TANH>)),
        &variant("srn-sigmoid", OutRange::Q15, |l, memory, out| drive::recurrent(l, memory, out, Elman::<SIGMOID>)),
        &variant("srn-relu", OutRange::Calibrated, |l, memory, out| drive::recurrent(l, memory, out, Elman::<RELU>)),
    ],
};

/// Simple recurrent network with tanh.
pub const SRN: LayerOperation = SPEC.operation(0);
/// Simple recurrent network with sigmoid.
pub const SRN_SIGMOID: LayerOperation = SPEC.operation(1);
/// Simple recurrent network with relu.
pub const SRN_RELU: LayerOperation = SPEC.operation(2);

/// f of each variant.
pub const ACTIVATIONS: [Activation; 3] = [Activation::Tanh, Activation::Sigmoid, Activation::Relu];

/// The equation. A dense layer is the same map without U.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Srn(pub Activation);

impl Stage<1> for Srn {
    type Trace<A: Arith> = ();

    #[inline(always)]
    fn unit<A: Arith>(&self, a: &A, [h]: [A::Pre; 1], unit: &mut Unit<A>) {
        unit.h = a.activate(self.0, h);
    }
}

/// [`Srn`] with a function that its type names, so that the loop around it is compiled for that function alone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Elman<const ACTIVATION: u8>;

pub(crate) const LINEAR: u8 = Activation::Linear as u8;
pub(crate) const TANH: u8 = Activation::Tanh as u8;
pub(crate) const SIGMOID: u8 = Activation::Sigmoid as u8;
pub(crate) const RELU: u8 = Activation::Relu as u8;

impl<const ACTIVATION: u8> Stage<1> for Elman<ACTIVATION> {
    type Trace<A: Arith> = ();

    #[inline(always)]
    fn unit<A: Arith>(&self, a: &A, pre: [A::Pre; 1], unit: &mut Unit<A>) {
        let f = match ACTIVATION {
            LINEAR => Activation::Linear,
            TANH => Activation::Tanh,
            SIGMOID => Activation::Sigmoid,
            _ => Activation::Relu,
        };
        Srn(f).unit(a, pre, unit);
    }
}
