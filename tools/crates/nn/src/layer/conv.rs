//! A convolution over time: y_j = f(Σ_k W_k x_(s j - d k) + b), with x before the first step 0.
//!
//! It is a delay line, a stride and a dense layer, on the device as in training; of a depthwise separable one with a filter of each
//! channel before the dense layer.

use anyhow::Result;
use elman_integer::IntegerLayer;
use elman_integer::ptq::{FloatLayer, RangeStats, quantize_layer};
use serde::{Deserialize, Serialize};

use super::affine::Affine;
use super::delay::Delay;
use super::dense::{DenseActivation, in_physical_units};
use super::depthwise::{self, Depthwise, MOST_KERNEL};
use super::stride::Stride;
use super::{Built, Layer, LayerKind, Place, Reads, Rounding, Site};
use crate::Float;
use crate::parameters::{Start, TensorSpec};

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
    /// Whether it is depthwise separable: W_k = W diag(d_k), a filter of up to 3 frames for each element of x, then a dense layer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub depthwise: bool,
}

/// Default of stride and dilation.
fn one() -> usize {
    1
}

impl Conv {
    fn line(&self) -> Delay {
        Delay { taps: self.kernel.saturating_sub(1), stride: self.dilation, tail: 0, tail_taps: 0 }
    }

    /// Elements that the dense layer reads.
    fn seen(&self, inputs: usize) -> usize {
        if self.depthwise { inputs } else { self.line().width(inputs) }
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
        if self.depthwise && self.kernel > MOST_KERNEL {
            return Err(format!(
                "a depthwise convolution with kernel = {}: it has at most {MOST_KERNEL}; put two one after the other, or set dilation",
                self.kernel
            ));
        }
        Stride { by: self.stride }.check(place).map_err(|reason| reason.replacen("by is", "stride is", 1))
    }

    fn stride(&self) -> usize {
        self.stride
    }

    fn tensors(&self, inputs: usize) -> Vec<TensorSpec> {
        let n = self.outputs;
        let mut all = vec![TensorSpec::glorot("w", [n, self.seen(inputs)], n), TensorSpec::zeros("b", n)];
        if self.depthwise {
            // The variance of y is that of x.
            let bound = (3.0 / self.kernel as f64).sqrt();
            all.push(TensorSpec::new("d", vec![self.kernel, inputs], Start::Uniform(bound)));
        }
        all
    }

    fn build<F: Float>(&self, site: &Site<'_>) -> Built<F> {
        let mut layers: Vec<Box<dyn Layer<F>>> = vec![Box::new(self.line())];
        layers.extend(self.clock().map(|stride| Box::new(stride) as Box<dyn Layer<F>>));
        if self.depthwise {
            layers.push(Box::new(Depthwise { channels: site.inputs, d: site.tensor("d") }));
        }
        let widths = [self.seen(site.inputs), self.outputs];
        let map = Affine::new(F::dense(self.activation.into()), widths, site.tensor("w"), site.tensor("b"));
        layers.push(Box::new(map));
        Built { output: layers.len() - 1, layers }
    }

    fn device(&self) -> Vec<&str> {
        let mut layers = vec!["delay"];
        layers.extend(self.clock().map(|_| "stride"));
        layers.extend(self.depthwise.then_some("depthwise"));
        layers.push(self.activation.device());
        layers
    }

    fn quantize(&self, layer: &Rounding<'_>) -> Result<Vec<IntegerLayer>> {
        let line = self.line().rounded(layer);
        let (mut inputs, mut in_frac, mut layers) = (line.units, layer.in_frac, vec![line]);
        if let Some(stride) = self.clock() {
            let plain = Rounding { inputs, units: inputs, ..*layer }.plain("stride");
            layers.push(stride.rounded(plain));
        }
        // Every frame that it sees has the means of a frame.
        let mut input_mean = layer.ranges.input_mean.repeat(self.kernel);
        if self.depthwise {
            let d = layer.tensor("d");
            let filters = depthwise::rounded(d, layer.inputs, in_frac)?;
            (inputs, in_frac) = (filters.units, filters.out_frac);
            let products: Vec<f64> = input_mean.iter().zip(d).map(|(x, d)| x * f64::from(*d)).collect();
            let sum = |c| products.iter().skip(c).step_by(inputs).sum();
            input_mean = if products.is_empty() { products } else { (0..inputs).map(sum).collect() };
            layers.push(filters);
        }
        let (w, b) = in_physical_units(layer.tensor("w"), layer.tensor("b"), layer.target);
        let (variant, units, weights) = (self.activation.device(), self.outputs, layer.weights);
        let float = FloatLayer { variant, inputs, units, w: &w, b: &b, weights, ..FloatLayer::default() };
        layers.push(quantize_layer(&float, in_frac, &RangeStats { input_mean, ..layer.ranges.clone() })?);
        Ok(layers)
    }

    /// With an output for every step, which a stride alone does not have.
    fn samples() -> Vec<Self> {
        let conv = |kernel, dilation, activation, depthwise| Conv {
            outputs: 4,
            kernel,
            stride: 1,
            dilation,
            activation,
            depthwise,
        };
        vec![
            conv(3, 1, DenseActivation::Relu, false),
            conv(2, 2, DenseActivation::Linear, false),
            conv(1, 1, DenseActivation::Tanh, false),
            conv(3, 1, DenseActivation::Relu, true),
            conv(2, 2, DenseActivation::Linear, true),
        ]
    }
}
