//! Simple recurrent network (Elman 1990): h_t = f(W x_t + U h_(t-1) + b).
//!
//! f is tanh, sigmoid or relu. In integers h is Q0.15 for the first two; relu's h is an i16 in the layer's
//! power-of-two format, saturating.

use super::{
    CellSpec, GateSpec, LayerOperation, LayerView, Operands, OutRange, Stage, StageKind, StageSpec, StepFn, Unit,
    VariantSpec, drive,
};
use crate::arith::{Activation, Arith};

const STAGES: &[StageSpec] =
    &[StageSpec { kind: StageKind::Rows, gates: &[GateSpec::new("h", Operands::InputAndHidden)] }];

const fn variant(name: &'static str, out: OutRange, step: StepFn) -> VariantSpec {
    VariantSpec { name, stages: STAGES, out, step, ..VariantSpec::BASE }
}

/// The cell's table. The variant's number is the index in [`ACTIVATIONS`].
pub const SPEC: CellSpec = CellSpec {
    tag: 1,
    name: "srn",
    variants: &[
        &variant("srn", OutRange::Bounded, |l, memory, out| drive::recurrent(l, memory, out, Elman::<TANH>)),
        &variant("srn-sigmoid", OutRange::Bounded, |l, memory, out| drive::recurrent(l, memory, out, Elman::<SIGMOID>)),
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

impl<const ACTIVATION: u8> Elman<ACTIVATION> {
    /// f
    pub(crate) const F: Activation = match ACTIVATION {
        LINEAR => Activation::Linear,
        TANH => Activation::Tanh,
        SIGMOID => Activation::Sigmoid,
        _ => Activation::Relu,
    };
}

impl<const ACTIVATION: u8> Stage<1> for Elman<ACTIVATION> {
    type Trace<A: Arith> = ();

    #[inline(always)]
    fn unit<A: Arith>(&self, a: &A, pre: [A::Pre; 1], unit: &mut Unit<A>) {
        Srn(Self::F).unit(a, pre, unit);
    }
}

/// A step of y = W x + b: of a linear dense layer, and of a state that is projected.
pub(crate) fn linear(layer: &LayerView<'_>, x: &mut [u32], y: &mut [u32]) {
    drive::plain(layer, x, y, Elman::<LINEAR>);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arith::{Gate, Pre, Q};

    fn h(f: Activation, formats: Q, pre: f64) -> i16 {
        let start: Unit<Q> = Unit { h: 77, carried: 0, second: 0, stage_gate: Gate::ZERO, peephole: [0; 3] };
        let mut unit = start;
        Srn(f).unit(&formats, [Pre::from_num(pre)], &mut unit);
        unit.h
    }

    #[test]
    fn integers_follow_the_equations() {
        let bounded = Q { carried_frac: 0, out_frac: 15 };
        let wide = Q { carried_frac: 0, out_frac: 10 };
        for k in -400..=400 {
            let z = f64::from(k) / 50.0;
            let q15 = |y: f64| (y * 32_768.0).clamp(-32_768.0, 32_767.0);
            let sigmoid = 1.0 / (1.0 + (-z).exp());
            assert!((f64::from(h(Activation::Tanh, bounded, z)) - q15(z.tanh())).abs() <= 1.0, "{z}");
            assert!((f64::from(h(Activation::Sigmoid, bounded, z)) - q15(sigmoid)).abs() <= 1.0, "{z}");
            // Rounded half up, exactly: a pre-activation has 16 fraction bits.
            let rounded = (Pre::from_num(z).to_bits() as f64 / 64.0 + 0.5).floor();
            assert_eq!(f64::from(h(Activation::Linear, wide, z)), rounded, "{z}");
            assert_eq!(f64::from(h(Activation::Relu, wide, z)), rounded.max(0.0), "{z}");
        }
    }

    /// Outputs without bound end at the format's, and the pre-activation's scale of 2^k is undone.
    #[test]
    fn outputs_saturate_and_are_scaled() {
        let formats = Q { carried_frac: 3, out_frac: 10 };
        assert_eq!([-9000.0, 9000.0].map(|z| h(Activation::Linear, formats, z)), [i16::MIN, i16::MAX]);
        assert_eq!([-9000.0, 9000.0].map(|z| h(Activation::Relu, formats, z)), [0, i16::MAX]);
        assert_eq!(h(Activation::Linear, formats, 0.5), 8 * 512);
    }

    /// The function that the type names is the one of the variant.
    #[test]
    fn the_named_functions_are_those_of_the_variants() {
        fn of<S: Stage<1>>(stage: S) -> i16 {
            let mut unit: Unit<Q> = Unit { h: 0, carried: 0, second: 0, stage_gate: Gate::ZERO, peephole: [0; 3] };
            stage.unit(&Q { carried_frac: 0, out_frac: 15 }, [Pre::from_num(-0.25)], &mut unit);
            unit.h
        }
        let named = [of(Elman::<TANH>), of(Elman::<SIGMOID>), of(Elman::<RELU>)];
        assert_eq!(named, ACTIVATIONS.map(|f| of(Srn(f))));
        assert_eq!(of(Elman::<LINEAR>), of(Srn(Activation::Linear)));
    }
}
