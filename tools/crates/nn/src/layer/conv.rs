//! A convolution over time: y_j = f(Σ_k W_k x_(s j - d k) + b), with x before the first step 0.
//!
//! It is a delay line, a stride and a dense layer, on the device as in training.

use anyhow::Result;
use elman_integer::IntegerLayer;
use elman_integer::ptq::{FloatLayer, RangeStats, quantize_layer};
use serde::{Deserialize, Serialize};

use super::affine::Affine;
use super::delay::Delay;
use super::dense::{DenseActivation, in_physical_units};
use super::stride::Stride;
use super::{Built, Layer, LayerKind, Place, Reads, Rounding, Site};
use crate::Float;
use crate::parameters::TensorSpec;

/// A causal convolution over time, y_j = f(Σ_k W_k x_(s j - d k) + b) for k from 0 to `kernel` - 1: the frame itself and those
/// before it. Frames before the first are 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conv {
    /// Width of y.
    pub outputs: usize,
    /// Frames that it sees at once.
    pub kernel: usize,
    /// s: it gives an output every so many frames, from the first on.
    #[serde(default = "one")]
    pub stride: usize,
    /// d: steps from frame to frame that it sees.
    #[serde(default = "one")]
    pub dilation: usize,
    /// f
    #[serde(default)]
    pub activation: DenseActivation,
}

/// Default of stride and dilation.
fn one() -> usize {
    1
}

impl Conv {
    fn line(&self) -> Delay {
        Delay { taps: self.kernel.saturating_sub(1), stride: self.dilation, tail: 0, tail_taps: 0 }
    }

    fn clock(&self) -> Option<Stride> {
        (self.stride > 1).then_some(Stride { by: self.stride })
    }
}

impl LayerKind for Conv {
    fn reads(&self) -> Reads {
        Reads::Steps
    }

    fn width(&self, _: usize) -> usize {
        self.outputs
    }

    fn check(&self, place: Place) -> Result<(), String> {
        if self.kernel == 0 || self.dilation == 0 {
            return Err(format!(
                "a convolution with kernel = {} and dilation = {}: both are at least 1",
                self.kernel, self.dilation
            ));
        }
        Stride { by: self.stride }.check(place).map_err(|reason| reason.replacen("by is", "stride is", 1))
    }

    fn stride(&self) -> usize {
        self.stride
    }

    fn tensors(&self, inputs: usize) -> Vec<TensorSpec> {
        let (n, seen) = (self.outputs, self.line().width(inputs));
        vec![TensorSpec::glorot("w", [n, seen], n), TensorSpec::zeros("b", n)]
    }

    fn build<F: Float>(&self, site: &Site<'_>) -> Built<F> {
        let mut layers: Vec<Box<dyn Layer<F>>> = vec![Box::new(self.line())];
        layers.extend(self.clock().map(|stride| Box::new(stride) as Box<dyn Layer<F>>));
        let widths = [self.line().width(site.inputs), self.outputs];
        let map = Affine::new(F::dense(self.activation.into()), widths, site.tensor("w"), site.tensor("b"));
        layers.push(Box::new(map));
        Built { output: layers.len() - 1, layers }
    }

    fn device(&self) -> Vec<&str> {
        let mut layers = vec!["delay"];
        layers.extend(self.clock().map(|_| "stride"));
        layers.push(self.activation.device());
        layers
    }

    fn quantize(&self, layer: &Rounding<'_>) -> Result<Vec<IntegerLayer>> {
        let line = self.line().rounded(layer);
        let (inputs, mut layers) = (line.units, vec![line]);
        if let Some(stride) = self.clock() {
            let plain = Rounding { inputs, units: inputs, ..*layer }.plain("stride");
            layers.push(stride.rounded(plain));
        }
        let (w, b) = in_physical_units(layer.tensor("w"), layer.tensor("b"), layer.target);
        let (variant, units, weights) = (self.activation.device(), self.outputs, layer.weights);
        let float = FloatLayer { variant, inputs, units, w: &w, b: &b, weights, ..FloatLayer::default() };
        // Every frame that it sees has the means of a frame.
        let input_mean = layer.ranges.input_mean.repeat(self.kernel);
        layers.push(quantize_layer(&float, layer.in_frac, &RangeStats { input_mean, ..layer.ranges.clone() })?);
        Ok(layers)
    }

    /// With an output for every step, which a stride alone does not have.
    fn samples() -> Vec<Self> {
        let conv = |kernel, dilation, activation| Conv { outputs: 4, kernel, stride: 1, dilation, activation };
        vec![conv(3, 1, DenseActivation::Relu), conv(2, 2, DenseActivation::Linear), conv(1, 1, DenseActivation::Tanh)]
    }
}
