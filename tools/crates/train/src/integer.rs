//! What quantization-aware training asks of the network in integers.

use elman_nn::{IntegerStates, Network};

use crate::config::TrainConfig;
use crate::dataset::Sequence;
use crate::error::TrainError;
use crate::optimizer::Moments;

/// Makes the network in integers when training becomes aware of quantization.
pub trait Quantizer: Send + Sync {
    /// With formats and scales from calibration of `network`, or with those of an earlier run's [`IntegerNetwork::formats`].
    ///
    /// # Errors
    /// Where the device could not run the network, in a sentence.
    fn begin(&self, network: &Network<f32>, formats: Option<&str>) -> Result<Box<dyn IntegerNetwork>, String>;
}

/// A network in the integers of the device, with formats that stay and weights that follow training.
///
/// Each row of weights has a scale s, which is learned (LSQ, Esser et al. 2020): the device computes with ŵ = s·round(w / s), within
/// the range of the weight format.
pub trait IntegerNetwork: Send + Sync {
    /// The scales at the beginning: the logarithm of each.
    fn scales(&self) -> Vec<f32>;

    /// Before an epoch: makes formats coarser where what `rounded` computes has outgrown them. Then some scales are others, which are
    /// returned with the rest.
    ///
    /// # Errors
    /// Where a parameter is not finite, in a sentence.
    fn widen(&mut self, rounded: &Network<f32>) -> Result<Option<Vec<f32>>, String>;

    /// Rounds the parameters of `network` at these scales. The result is what the device's weights and biases stand for, in the place
    /// of each parameter.
    ///
    /// # Errors
    /// Where a parameter is not finite, in a sentence.
    fn round(&mut self, network: &Network<f32>, scales: &[f32]) -> Result<Vec<f32>, String>;

    /// From ∂L/∂ŵ in `gradient` to ∂L/∂w, in its place, and ∂L/∂ ln s, added to `scales`. Rounding passes the gradient as it is; weights
    /// at the end of the format's range get none, and the scale gets it.
    fn backward(&self, network: &Network<f32>, gradient: &mut [f32], scales: &mut [f32]);

    /// Runs sequences as the device does. For each, what every layer of the recipe computed.
    fn run(&self, sequences: &[&Sequence]) -> Vec<Vec<IntegerStates>>;

    /// Formats and scales as text, for checkpoints and for the quantizer.
    fn formats(&self) -> String;
}

/// The part of a run that is aware of quantization.
pub struct QuantizationAware {
    /// Passes over the training data.
    pub epochs: usize,
    /// Highest learning rate; it falls along half a cosine.
    pub rate: f64,
    /// Makes the network in integers.
    pub quantizer: Box<dyn Quantizer>,
}

impl std::fmt::Debug for QuantizationAware {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("QuantizationAware").field("epochs", &self.epochs).field("rate", &self.rate).finish()
    }
}

/// The network in integers, and what training keeps of it.
pub(crate) struct Aware {
    pub network: Box<dyn IntegerNetwork>,
    /// The float network of what its weights stand for.
    pub rounded: Network<f32>,
    /// Logarithms of the scales.
    pub scales: Vec<f32>,
    pub moments: Moments,
    /// ∂L/∂ ln s
    gradient: Vec<f32>,
}

impl std::fmt::Debug for Aware {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Aware").field("rounded", &self.rounded).field("scales", &self.scales.len()).finish()
    }
}

impl Aware {
    /// Before the first step.
    pub fn new(network: Box<dyn IntegerNetwork>, float: &Network<f32>) -> Result<Self, TrainError> {
        let mut rounded = Network::new(float.spec(), 0)?;
        rounded.set_recompute(float.recomputes());
        let scales = network.scales();
        let (moments, gradient) = (Moments::new(scales.len()), vec![0.0; scales.len()]);
        Ok(Aware { network, rounded, scales, moments, gradient })
    }

    /// Rounds the network again.
    pub fn follow(&mut self, network: &Network<f32>) -> Result<(), String> {
        let values = self.network.round(network, &self.scales)?;
        self.rounded.update(|to| to.copy_from_slice(&values));
        Ok(())
    }

    /// Before an epoch: formats hold what the network has grown to.
    pub fn widen(&mut self, network: &Network<f32>) -> Result<(), String> {
        self.follow(network)?;
        if let Some(scales) = self.network.widen(&self.rounded)? {
            self.scales = scales;
        }
        Ok(())
    }

    /// From the gradient of the rounded network to that of `network`, in its place, and of the scales.
    pub fn backward(&mut self, network: &Network<f32>, gradient: &mut [f32]) {
        self.gradient.fill(0.0);
        self.network.backward(network, gradient, &mut self.gradient);
    }

    /// A step of the scales.
    pub fn step(&mut self, config: &TrainConfig, rate: f64) {
        let decays = vec![0.0; self.scales.len()];
        self.moments.step(config, rate, 1.0, &mut self.scales, &self.gradient, &decays);
    }
}
