//! A trained network as an integer model.

use anyhow::{Context, Result};
use elman::audio;
use elman::blob::Readout;

use super::ptq::{FloatLayer, Seen, quantize_layer};
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
            let here = variant(layer).is_some();
            next += here as usize;
            here.then_some(next - 1)
        })
        .collect()
}

fn variant(layer: &LayerSpec) -> Option<&str> {
    match layer {
        LayerSpec::Cell { variant, .. } => Some(variant),
        LayerSpec::Pool { over: Over::Last } | LayerSpec::Dropout { .. } => None,
        LayerSpec::Embedding { .. } => Some("embedding"),
        LayerSpec::OneHot { .. } => Some("one-hot"),
        LayerSpec::Delay { .. } => Some("delay"),
        LayerSpec::Narx { .. } => Some("narx"),
        LayerSpec::Pool { over: Over::Sum } => Some("sum"),
        LayerSpec::Pool { over: Over::Mean } => Some("mean"),
        LayerSpec::Dense { activation, .. } => Some(match activation {
            DenseActivation::Linear => "dense",
            DenseActivation::Tanh => "dense-tanh",
            DenseActivation::Sigmoid => "dense-sigmoid",
            DenseActivation::Relu => "dense-relu",
        }),
    }
}

/// Ranges and means of each layer over the calibration sequences.
pub fn calibrate(network: &Network<f32>, sequences: &[Vec<f32>]) -> Vec<Seen> {
    use rayon::prelude::*;
    let largest = |values: &[f32]| values.iter().fold(0f64, |m, v| m.max(v.abs() as f64));
    let inputs = network.spec().inputs;
    // In the order of the sequences, so that sums have the same bits on any number of threads.
    let each: Vec<Vec<(Seen, usize)>> = sequences
        .par_iter()
        .map(|s| {
            let mut below = (s.clone(), inputs);
            let layer = |t: crate::nn::Trace<f32>| {
                let steps = t.out.len() / t.width.max(1);
                // h before each step: the output one step later, 0 before the first.
                let hidden = &t.out[..t.out.len() - t.width.min(t.out.len())];
                let seen = Seen {
                    out: largest(&t.out),
                    long: largest(&t.cell),
                    input_mean: sums(&below.0, below.1),
                    hidden_mean: sums(hidden, t.width),
                };
                below = (t.out, t.width);
                (seen, steps)
            };
            network.trace(s).into_iter().map(layer).collect()
        })
        .collect();
    let mut all = vec![(Seen::default(), 0); network.spec().layers.len()];
    for layers in &each {
        for ((sum, count), (seen, steps)) in all.iter_mut().zip(layers) {
            sum.out = sum.out.max(seen.out);
            sum.long = sum.long.max(seen.long);
            add(&mut sum.input_mean, &seen.input_mean);
            add(&mut sum.hidden_mean, &seen.hidden_mean);
            *count += steps;
        }
    }
    for (seen, steps) in &mut all {
        let n = (*steps).max(1) as f64;
        seen.input_mean.iter_mut().chain(&mut seen.hidden_mean).for_each(|m| *m /= n);
    }
    all.into_iter().map(|(seen, _)| seen).collect()
}

/// Sum of each column of `[rows, width]`.
fn sums(values: &[f32], width: usize) -> Vec<f64> {
    let mut out = vec![0.0; width];
    for row in values.chunks_exact(width.max(1)) {
        out.iter_mut().zip(row).for_each(|(o, v)| *o += *v as f64);
    }
    out
}

fn add(to: &mut Vec<f64>, from: &[f64]) {
    to.resize(from.len(), 0.0);
    to.iter_mut().zip(from).for_each(|(t, f)| *t += f);
}

/// Rounds a trained network: formats and means from `seen`, weights per row.
///
/// # Errors
/// Where a weight is not finite or the device could not run the result.
pub fn quantize(network: &Network<f32>, around: &Surroundings, seen: &[Seen]) -> Result<IntegerModel> {
    let spec = network.spec();
    let mut layers = vec![around.scale.clone()];
    let mut in_frac = around.scale.out_frac;
    for (k, ((layer, (inputs, units)), seen)) in spec.layers.iter().zip(spec.widths()).zip(seen).enumerate() {
        let Some(variant) = variant(layer) else { continue };
        let tensor = |name: &str| network.tensor(&format!("layers.{k}.{name}")).map_or(&[][..], |(_, v)| v);
        let float = FloatLayer { variant, inputs, units, w: tensor("w"), u: tensor("u"), b: tensor("b") };
        let integer = quantize_layer(&float, in_frac, seen).with_context(|| format!("layer {k}"))?;
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
        ..IntegerModel::default()
    })
}
