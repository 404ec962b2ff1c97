//! A dense layer, y = f(W x + b), at every step.

use anyhow::Result;
use elman::arith::Activation;
use elman_integer::IntegerLayer;
use elman_integer::ptq::{FloatLayer, quantize_layer};
use get_size2::GetSize;
use serde::{Deserialize, Serialize};

use super::affine::Affine;
use super::span::spans;
use super::{Backward, Built, Forward, LayerKind, LayerSpec, Mode, Output, Reads, Rounding, Run, Site, fit};
use crate::float::gemm::Packed;
use crate::parameters::TensorSpec;
use crate::{Float, Trace};

/// y = f(W x + b), for every step it gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dense {
    /// Width of y.
    pub outputs: usize,
    /// f
    #[serde(default)]
    pub activation: DenseActivation,
}

/// f of a dense layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DenseActivation {
    /// f(z) = z
    #[default]
    Linear,
    /// f(z) = tanh(z)
    Tanh,
    /// f(z) = 1 / (1 + exp(-z))
    Sigmoid,
    /// f(z) = max(z, 0)
    Relu,
}

impl DenseActivation {
    /// All of them.
    pub const ALL: [DenseActivation; 4] = [Self::Linear, Self::Tanh, Self::Sigmoid, Self::Relu];

    /// The device's layer with this f.
    pub(super) fn device(self) -> &'static str {
        match self {
            Self::Linear => "dense",
            Self::Tanh => "dense-tanh",
            Self::Sigmoid => "dense-sigmoid",
            Self::Relu => "dense-relu",
        }
    }
}

impl From<DenseActivation> for Activation {
    fn from(f: DenseActivation) -> Self {
        match f {
            DenseActivation::Linear => Self::Linear,
            DenseActivation::Tanh => Self::Tanh,
            DenseActivation::Sigmoid => Self::Sigmoid,
            DenseActivation::Relu => Self::Relu,
        }
    }
}

impl LayerSpec {
    /// A linear dense layer.
    pub fn dense(outputs: usize) -> Self {
        Dense { outputs, activation: DenseActivation::Linear }.into()
    }
}

impl LayerKind for Dense {
    fn reads(&self) -> Reads {
        Reads::Step
    }

    fn width(&self, _: usize) -> usize {
        self.outputs
    }

    fn tensors(&self, inputs: usize) -> Vec<TensorSpec> {
        let n = self.outputs;
        vec![TensorSpec::glorot("w", [n, inputs], n), TensorSpec::zeros("b", n)]
    }

    fn build<F: Float>(&self, site: &Site<'_>) -> Built<F> {
        let equation = F::dense(self.activation.into());
        Built::one(Affine::new(equation, [site.inputs, self.outputs], site.tensor("w"), site.tensor("b")))
    }

    fn device(&self) -> Vec<&str> {
        vec![self.activation.device()]
    }

    fn quantize(&self, layer: &Rounding<'_>) -> Result<Vec<IntegerLayer>> {
        let (w, b) = in_physical_units(layer.tensor("w"), layer.tensor("b"), layer.target);
        let (variant, inputs, units) = (self.activation.device(), layer.inputs, self.outputs);
        let float =
            FloatLayer { variant, inputs, units, w: &w, b: &b, weights: layer.weights, ..FloatLayer::default() };
        Ok(vec![quantize_layer(&float, layer.in_frac, layer.ranges)?])
    }

    fn samples() -> Vec<Self> {
        DenseActivation::ALL.map(|activation| Dense { outputs: 7, activation }).to_vec()
    }
}

/// W and b of a linear layer whose outputs become `y * deviation + offset`.
pub fn in_physical_units(w: &[f32], b: &[f32], target: &[(f64, f64)]) -> (Vec<f32>, Vec<f32>) {
    if target.is_empty() {
        return (w.to_vec(), b.to_vec());
    }
    let columns = w.len() / b.len().max(1);
    let scaled = |(k, w): (usize, &f32)| (f64::from(*w) * target[k / columns.max(1)].1) as f32;
    let shifted = |(b, (offset, deviation)): (&f32, &(f64, f64))| (f64::from(*b) * deviation + offset) as f32;
    (w.iter().enumerate().map(scaled).collect(), b.iter().zip(target).map(shifted).collect())
}

/// What a dense layer keeps.
#[derive(Clone, Debug, Default, GetSize)]
pub struct DenseTape<F> {
    /// `[steps, size, outputs]`: what the backward pass needs of f, then ∂L/∂(W x + b).
    gates: Vec<F>,
    /// `[steps, size, outputs]`: W x + b, where a trace is kept.
    pre: Vec<F>,
    /// A right operand packed on the way.
    packed: Packed<F>,
}

impl<F: Float> Run<F> for Affine<F> {
    type Tape = DenseTape<F>;

    fn pack(&mut self, parameters: &[F]) {
        Affine::pack(self, parameters);
    }

    fn forward(&self, pass: Forward<'_, F>, out: &mut Output<F>, tape: &mut DenseTape<F>) {
        let Forward { parameters, input, mode, .. } = pass;
        let n = input.size * self.outputs;
        out.shape(input.rows, input.size, self.outputs, 0);
        fit(&mut tape.gates, input.steps() * n);
        tape.pre.clear();
        for span in spans(input.rows, input.size, |_| true) {
            let (gates, out) = (&mut tape.gates[span.from * n..], &mut out.values[span.from * n..]);
            let pre = (mode == Mode::Trace).then_some(&mut tape.pre);
            Affine::forward(self, parameters, span.rows, input.from(span.from), gates, out, pre);
        }
    }

    fn backward(&self, pass: Backward<'_, F>, out: &mut Output<F>, tape: &mut DenseTape<F>) {
        let Backward { input, gradient, mut below, .. } = pass;
        let n = input.size * self.outputs;
        for span in spans(input.rows, input.size, |t| out.touched[t]) {
            let gates = &mut tape.gates[span.from * n..];
            Affine::backward(self, span.rows, gates, &mut out.gradient[span.from * n..], gradient);
            if let Some(below) = &mut below {
                self.to_input(span.rows, gates, below.steps(span.from..span.to));
            }
            self.to_weights(span.rows, gates, input.from(span.from), &mut tape.packed, gradient);
        }
    }

    fn trace(&self, out: &Output<F>, tape: &mut DenseTape<F>) -> Trace<F> {
        let pre = std::mem::take(&mut tape.pre);
        Trace { pre: if pre.is_empty() { Vec::new() } else { vec![pre] }, ..Trace::of(out) }
    }
}
