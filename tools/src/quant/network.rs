//! A trained network as an integer model.

use anyhow::{Context, Result};
use elman::audio;
use elman::blob::Readout;

use super::ptq::{FloatLayer, Ranges, quantize_layer};
use super::{IntegerLayer, IntegerModel};
use crate::nn::{DenseActivation, LayerSpec, Network, Over};

/// What surrounds the network in a blob.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// Name of the model.
    pub name: String,
    /// Labels of the outputs.
    pub labels: Vec<String>,
    /// Hash of recipe, data and seed.
    pub fingerprint: u64,
    /// Audio front end, where the input is sound.
    pub audio: Option<audio::Config>,
    /// The layer that scales raw features to the network's inputs.
    pub scale: IntegerLayer,
}

/// Which layer of the blob each layer of the recipe becomes; pooling the last step becomes none.
pub fn layer_map(layers: &[LayerSpec]) -> Vec<Option<usize>> {
    let mut next = 1; // behind the scale layer
    layers
        .iter()
        .map(|layer| {
            let here = !matches!(layer, LayerSpec::Pool { over: Over::Last });
            next += here as usize;
            here.then_some(next - 1)
        })
        .collect()
}

fn variant(layer: &LayerSpec) -> Option<&str> {
    match layer {
        LayerSpec::Cell { variant, .. } => Some(variant),
        LayerSpec::Pool { over: Over::Last } => None,
        LayerSpec::Pool { over: Over::Mean } => Some("mean"),
        LayerSpec::Dense { activation, .. } => Some(match activation {
            DenseActivation::Linear => "dense",
            DenseActivation::Tanh => "dense-tanh",
            DenseActivation::Sigmoid => "dense-sigmoid",
            DenseActivation::Relu => "dense-relu",
        }),
    }
}

/// Largest output and long state of each layer over the calibration sequences.
pub fn calibrate(network: &Network<f32>, sequences: &[Vec<f32>]) -> Vec<Ranges> {
    use rayon::prelude::*;
    let largest = |values: &[f32]| values.iter().fold(0f64, |m, v| m.max(v.abs() as f64));
    let n = network.spec().layers.len();
    sequences
        .par_iter()
        .map(|s| {
            let traces = network.trace(s);
            traces.iter().map(|t| Ranges { out: largest(&t.out), long: largest(&t.cell) }).collect::<Vec<_>>()
        })
        .reduce(
            || vec![Ranges::default(); n],
            |a, b| a.iter().zip(&b).map(|(a, b)| Ranges { out: a.out.max(b.out), long: a.long.max(b.long) }).collect(),
        )
}

/// Rounds a trained network: formats from `ranges`, weights per row.
///
/// # Errors
/// Where a weight is not finite or the device could not run the result.
pub fn quantize(network: &Network<f32>, around: &Surroundings, ranges: &[Ranges]) -> Result<IntegerModel> {
    let spec = network.spec();
    let mut layers = vec![around.scale.clone()];
    let mut in_frac = around.scale.out_frac;
    for (k, ((layer, (inputs, units)), ranges)) in spec.layers.iter().zip(spec.widths()).zip(ranges).enumerate() {
        let Some(variant) = variant(layer) else { continue };
        let tensor = |name: &str| network.tensor(&format!("layers.{k}.{name}")).map_or(&[][..], |(_, v)| v);
        let float = FloatLayer { variant, inputs, units, w: tensor("w"), u: tensor("u"), b: tensor("b") };
        let mut integer = quantize_layer(&float, in_frac, ranges).with_context(|| format!("layer {k}"))?;
        if variant == "mean" {
            integer.out_frac = in_frac;
        }
        in_frac = integer.out_frac;
        layers.push(integer);
    }
    Ok(IntegerModel {
        name: around.name.clone(),
        labels: around.labels.clone(),
        readout: if spec.per_step() { Readout::EveryStep } else { Readout::Last },
        fingerprint: around.fingerprint,
        counter: 0,
        audio: around.audio,
        layers,
    })
}
