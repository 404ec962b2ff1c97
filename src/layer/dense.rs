//! Dense layer: y = f(W x + b), f linear, tanh, sigmoid or relu.
//!
//! In integers y is Q0.15 after tanh and sigmoid; otherwise an i16 in the layer's power-of-two format,
//! saturating.

use crate::arith::Activation;
use crate::cell::srn::{Elman, RELU, SIGMOID, TANH, linear};
use crate::cell::{
    CellSpec, GateSpec, LayerOperation, Operands, OutRange, StageKind, StageSpec, StepFn, VariantSpec, plain,
};

const STAGES: &[StageSpec] = &[StageSpec { kind: StageKind::Rows, gates: &[GateSpec::new("y", Operands::Input)] }];

const fn variant(name: &'static str, out: OutRange, step: StepFn) -> VariantSpec {
    VariantSpec { name, stages: STAGES, out, step, ..VariantSpec::BASE }
}

/// f of each variant.
pub const ACTIVATIONS: [Activation; 4] = [Activation::Linear, Activation::Tanh, Activation::Sigmoid, Activation::Relu];

/// The layer's table. The variant's number is the index in [`ACTIVATIONS`].
pub const SPEC: CellSpec = CellSpec {
    tag: 16,
    name: "dense",
    variants: &[
        &variant("dense", OutRange::Calibrated, linear),
        &variant("dense-tanh", OutRange::Bounded, |l, x, y| plain(l, x, y, Elman::<TANH>)),
        &variant("dense-sigmoid", OutRange::Bounded, |l, x, y| plain(l, x, y, Elman::<SIGMOID>)),
        &variant("dense-relu", OutRange::Calibrated, |l, x, y| plain(l, x, y, Elman::<RELU>)),
    ],
};

/// Linear dense layer.
pub const DENSE: LayerOperation = SPEC.operation(0);
/// Dense layer with tanh.
pub const DENSE_TANH: LayerOperation = SPEC.operation(1);
/// Dense layer with sigmoid.
pub const DENSE_SIGMOID: LayerOperation = SPEC.operation(2);
/// Dense layer with relu.
pub const DENSE_RELU: LayerOperation = SPEC.operation(3);
