//! Float and integer networks compared, layer by layer and step by step.

use anyhow::{Result, anyhow};
use elman::blob::{Model, Structure};
use elman::cell::LayerView;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::Example;
use crate::RunInfo;
use crate::evaluate::EvalFlags;
use crate::evaluate::host;
use elman_nn::{LayerSpec, Network, Trace, structure};
use elman_quant::{IntegerModel, network, trace, words_of};

use super::weights::{WeightError, weight_errors};

/// The error of quantization in one layer.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct LayerError {
    /// Number of the layer in the blob.
    pub layer: usize,
    /// Variant.
    pub variant: String,
    /// Format of its weights; empty for a layer without any.
    #[serde(default)]
    pub format: String,
    /// The error of its weights.
    #[serde(flatten)]
    pub weights: WeightError,
    /// Output's signal to quantization noise in dB, over all steps; absent where it is exact.
    pub output_db: Option<f64>,
    /// Outputs that are saturated.
    pub saturated: u64,
    /// Outputs compared.
    pub outputs: u64,
    /// Carried states that are saturated.
    pub long_saturated: u64,
    /// Root mean square of the error of the hidden state at each time step: its drift.
    pub drift: Vec<f64>,
}

/// What quantization did to a network.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Comparison {
    /// Each layer.
    pub layers: Vec<LayerError>,
    /// Answers of more than one output.
    pub answers: u64,
    /// Those of which another output is the greatest than in floats.
    pub changed: u64,
}

#[derive(Clone, Default)]
struct Sums {
    signal: f64,
    noise: f64,
    saturated: u64,
    outputs: u64,
    long_saturated: u64,
    /// Steps of more than one output, and those whose greatest is another.
    answers: u64,
    changed: u64,
    /// Squared error and number of elements at each step.
    steps: Vec<(f64, u64)>,
}

impl Sums {
    fn add(&mut self, step: usize, view: &LayerView<'_>, integer: &[i16], long: &[i32], float: &[f32]) {
        let unit = 2f64.powi(-(view.formats().out_frac as i32));
        if self.steps.len() <= step {
            self.steps.resize(step + 1, (0.0, 0));
        }
        for (q, f) in integer.iter().zip(float) {
            let error = (*q as f64 * unit - *f as f64).powi(2);
            self.signal += (*f as f64).powi(2);
            self.noise += error;
            self.steps[step].0 += error;
        }
        self.steps[step].1 += integer.len() as u64;
        if integer.len() > 1 && integer.len() == float.len() {
            self.answers += 1;
            // The first of the greatest, as the device takes it.
            let most =
                integer.iter().rev().zip((0..integer.len()).rev()).max_by_key(|(q, _)| **q).map_or(0, |(_, k)| k);
            self.changed += u64::from(float.iter().any(|f| *f > float[most]));
        }
        self.outputs += integer.len() as u64;
        self.saturated += integer.iter().filter(|q| matches!(**q, i16::MIN | i16::MAX)).count() as u64;
        if view.carried().saturates() {
            let ends = long.iter().filter(|c| matches!(**c, i32::MIN | i32::MAX)).count();
            self.long_saturated += ends as u64;
        }
    }

    fn merge(mut self, other: &Sums) -> Sums {
        self.signal += other.signal;
        self.noise += other.noise;
        self.saturated += other.saturated;
        self.outputs += other.outputs;
        self.long_saturated += other.long_saturated;
        self.answers += other.answers;
        self.changed += other.changed;
        let n = self.steps.len().max(other.steps.len());
        self.steps.resize(n, (0.0, 0));
        for (a, b) in self.steps.iter_mut().zip(&other.steps) {
            *a = (a.0 + b.0, a.1 + b.1);
        }
        self
    }
}

fn decibels(signal: f64, noise: f64) -> Option<f64> {
    (noise > 0.0 && signal > 0.0).then(|| 10.0 * (signal / noise).log10())
}

/// Runs both networks over the frames of examples and compares every layer at every step; of a model with a layer
/// that reads backward or of another structure, the output alone. What saturates is counted in every layer of all.
///
/// # Errors
/// Where an example is longer than the model's longest sequence.
///
/// # Panics
/// Where `model` is not the blob of `integer`, or `integer` not of `network`.
pub fn compare(
    network: &Network<f32>,
    integer: &IntegerModel,
    model: &Model<'_>,
    about: &RunInfo,
    how: EvalFlags,
    examples: &[Example],
) -> Result<Comparison> {
    let before = usize::from(about.scale_layer().is_some());
    let map = network::layer_map(&network.spec().layers, before);
    let empty = || vec![Sums::default(); model.layers().len()];
    let words = words_of(&integer.to_blob()?)?;
    let recording = trace::load(&words)?;
    let sums = examples
        .par_iter()
        .map(|example| {
            let mut sums = empty();
            let sequence = about.sequence(example);
            let clip = &example.frames[..example.steps(model.inputs()) * model.inputs()];
            let mut traces = structure::trace(network, sequence.item());
            if let Some(last) = traces.last_mut().filter(|_| !about.folded().is_empty()) {
                about.physical(&mut last.out);
            }
            let float = traces.last().map_or(&[][..], |t| &t.out);
            if model.structure() != Structure::Sequence {
                let (run, ends) = trace::saturated(&recording, || answers(&recording, example, float, &mut sums));
                run?;
                count_ends(&mut sums, &ends);
            } else if model.max_steps() > 0 {
                let (run, ends) = trace::saturated(&recording, || outputs(&recording, clip, float, &mut sums));
                run?;
                count_ends(&mut sums, &ends);
            } else {
                steps(model, (clip, how), &sequence.frames, &traces, &places(network, &map), &mut sums);
            }
            anyhow::Ok(sums)
        })
        .try_reduce(empty, |a, b| anyhow::Ok(a.into_iter().zip(&b).map(|(a, b)| a.merge(b)).collect()))?;

    let weights = weight_errors(network, integer, &map, about.folded());
    let (answers, changed) = sums.last().map_or((0, 0), |last| (last.answers, last.changed));
    let layers = sums
        .into_iter()
        .enumerate()
        .map(|(k, s)| LayerError {
            layer: k,
            variant: integer.layers[k].variant.clone(),
            format: integer.layers[k].format_name().to_owned(),
            weights: weights[k],
            output_db: decibels(s.signal, s.noise),
            saturated: s.saturated,
            outputs: s.outputs,
            long_saturated: s.long_saturated,
            drift: s.steps.iter().map(|(e, n)| (e / (*n).max(1) as f64).sqrt()).collect(),
        })
        .collect();
    Ok(Comparison { layers, answers, changed })
}

/// Takes the counts of what saturated, of all layers.
fn count_ends(sums: &mut [Sums], ends: &[trace::AtEnds]) {
    for (sums, ends) in sums.iter_mut().zip(ends) {
        (sums.saturated, sums.outputs) = (ends.outputs, ends.of);
        sums.long_saturated = ends.carried;
    }
}

/// Compares the answers of a model that is no sequence.
fn answers(model: &Model<'_>, example: &Example, float: &[f32], sums: &mut [Sums]) -> Result<()> {
    let mut memory = vec![0; model.memory_words()];
    let (Some(view), Some(sums)) = (model.layers().last(), sums.last_mut()) else { return Ok(()) };
    let mut float = float.chunks_exact(model.outputs());
    let each = |t: usize, output: elman::net::Output<'_>| {
        sums.add(t, view, output.logits, &[], float.next().unwrap_or_default());
    };
    host::structure(model, &mut memory, example, each).map_err(|e| anyhow!("{}: {e}", example.name))
}

/// Compares the outputs of a model that runs whole sequences.
fn outputs(model: &Model<'_>, clip: &[i16], float: &[f32], sums: &mut [Sums]) -> Result<()> {
    let mut memory = vec![0; model.memory_words()];
    let mut net = model.sequence(&mut memory).map_err(|e| anyhow!("{e}"))?;
    let integer = net.run(clip).map_err(|e| anyhow!("{e}"))?;
    let (Some(view), Some(sums)) = (model.layers().last(), sums.last_mut()) else { return Ok(()) };
    let width = model.outputs();
    let first = clip.len() / model.inputs() - float.len() / width;
    for (t, (output, float)) in integer.iter().skip(first).zip(float.chunks_exact(width)).enumerate() {
        sums.add(first + t, view, output.logits, &[], float);
    }
    Ok(())
}

/// Where a layer of the recipe is in the blob, and from how many steps to its next output.
struct Placed {
    layer: usize,
    every: usize,
}

/// The places of the layers of a network; of one that becomes several the last. `map` has the first of each.
fn places(network: &Network<f32>, map: &[Option<usize>]) -> Vec<Option<Placed>> {
    let mut every = 1;
    let place = |(layer, first): (&LayerSpec, &Option<usize>)| {
        every *= layer.stride();
        first.map(|first| Placed { layer: first + layer.device().len() - 1, every })
    };
    network.spec().layers.iter().zip(map).map(place).collect()
}

/// Compares every layer of a model that streams.
fn steps(
    model: &Model<'_>,
    (clip, how): (&[i16], EvalFlags),
    inputs: &[f32],
    traces: &[Trace<f32>],
    places: &[Option<Placed>],
    sums: &mut [Sums],
) {
    let mut memory = vec![0; model.memory_words()];
    let mut net = model.stream(&mut memory).expect("memory of the model's own size");
    let width = model.inputs();
    let steps = clip.len() / width;
    let scale = model.layers().first().is_some_and(|layer| layer.spec().name == "scale");
    for (t, frame) in clip.chunks_exact(width).enumerate() {
        host::advance(&mut net, &frame[..how.given(t, width, model.feedback())]);
        net.output();
        if scale {
            sums[0].add(t, &model.layers()[0], net.hidden_state(0), &[], &inputs[t * width..][..width]);
        }
        for (trace, place) in traces.iter().zip(places) {
            let Some(Placed { layer: k, every }) = *place else { continue };
            // After a pool the float network has one step, the device one for each prefix.
            let at = match trace.steps == steps.div_ceil(every) {
                true => t.is_multiple_of(every).then_some(t / every),
                false => (t + 1 == steps).then_some(0),
            };
            let Some(at) = at else { continue };
            let float = &trace.out[at * trace.width..][..trace.width];
            sums[k].add(t, &model.layers()[k], net.hidden_state(k), net.carried_state(k), float);
        }
    }
}
