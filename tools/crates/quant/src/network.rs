//! A trained network as an integer model.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use elman::audio;
use elman::blob::{Direction, Readout, Structure};
use elman::kernel::WeightFormat;
use elman::scaling::Channel;
use elman::text::TextUnit;
use elman_nn::{LayerSpec, Narx, Network, NetworkSpec, Rounding, StructureSpec, Trace, structure};
use elman_train::Sequence;

use crate::ptq::RangeStats;
use crate::{IntegerLayer, IntegerModel};
use crate::{chain_formats, channels};

/// The formats of the weights: one, and others for some layers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LayerFormats {
    /// That of layers that have none of their own.
    pub all: WeightFormat,
    /// That of layers by their numbers in the network.
    pub layers: BTreeMap<usize, WeightFormat>,
}

impl LayerFormats {
    /// One format for all layers.
    pub fn one(all: WeightFormat) -> Self {
        LayerFormats { all, layers: BTreeMap::new() }
    }

    /// The format of layer `layer` of the network.
    pub fn of(&self, layer: usize) -> WeightFormat {
        self.layers.get(&layer).copied().unwrap_or(self.all)
    }
}

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
    /// The vocabulary, where the input is symbols.
    pub text: Option<(TextUnit, Vec<String>)>,
    /// How many values of a frame are the outputs of the step before.
    pub feedback: u16,
    /// Longest sequence of a network with a layer that reads backward.
    pub max_steps: u16,
    /// The layer that scales features to the network's inputs.
    pub scale: Option<IntegerLayer>,
    /// The scaling of readings to the network's inputs, with the fraction bits of these. With it, outputs are scaled likewise and no
    /// weights contain the target.
    pub input: Option<(u8, Vec<Channel>)>,
    /// Offset and deviation of each output of a series.
    pub target: Vec<(f64, f64)>,
    /// The formats that the weights get.
    pub weights: LayerFormats,
    /// How chains of layers are joined, with the extent of the largest example.
    pub structure: Structure,
}

/// For each layer of the recipe, the first layer of the blob that it becomes, after `before` others; `None` for one that
/// becomes none.
pub fn layer_map(layers: &[LayerSpec], before: usize) -> Vec<Option<usize>> {
    let mut next = before;
    layers
        .iter()
        .map(|layer| {
            let n = layer.device().len();
            next += n;
            (n > 0).then_some(next - n)
        })
        .collect()
}

/// Ranges and means of each layer over the calibration sequences. `target` is the offset and deviation by which the
/// last layer's outputs become physical values; empty for none.
pub fn calibrate(network: &Network<f32>, sequences: &[Sequence], target: &[(f64, f64)]) -> Vec<RangeStats> {
    use rayon::prelude::*;
    let spec = network.spec();
    let (starts, count) = (chain_starts(spec), spec.layers.len());
    // In the order of the sequences, so that sums have the same bits on any number of threads.
    let each: Vec<Vec<RangeStats>> = sequences
        .par_iter()
        .map(|s| {
            let mut below = (s.frames.clone(), spec.inputs);
            let layer = |(k, mut t): (usize, Trace<f32>)| {
                // A chain after another does not read its last layer's output alone.
                if k > 0 && starts.contains(&k) {
                    let width = t.input.len() / t.steps.max(1);
                    below = (std::mem::take(&mut t.input), width);
                }
                let mut seen = of_trace(&t, &below);
                if matches!(spec.structure, StructureSpec::Tree { .. } | StructureSpec::Graph { .. }) {
                    // A node's state does not come from the node before it.
                    seen.hidden_mean.fill(0.0);
                }
                if k + 1 == count && !target.is_empty() {
                    for (y, (offset, deviation)) in t.out.iter_mut().zip(target.iter().cycle()) {
                        *y = (f64::from(*y) * deviation + offset) as f32;
                    }
                    seen.out = largest(&t.out);
                }
                below = (t.out, t.width);
                seen
            };
            structure::trace(network, s.item()).into_iter().enumerate().map(layer).collect()
        })
        .collect();
    let mut all = vec![RangeStats::default(); count];
    for layers in &each {
        all.iter_mut().zip(layers).for_each(|(sum, seen)| sum.add(seen));
    }
    all.iter_mut().for_each(RangeStats::average);
    all
}

/// The first layer of each chain that has one.
fn chain_starts(spec: &NetworkSpec) -> Vec<usize> {
    (0..spec.chains()).map(|k| spec.chain(k)).filter(|c| !c.is_empty()).map(|c| c.start).collect()
}

fn largest(values: &[f32]) -> f64 {
    values.iter().fold(0f64, |m, v| m.max(f64::from(v.abs())))
}

/// What one sequence shows of a layer above `below`: sums of elements, not yet means.
fn of_trace(t: &Trace<f32>, below: &(Vec<f32>, usize)) -> RangeStats {
    let steps = t.out.len() / t.width.max(1);
    let (input_mean, input_power) = (sums(&below.0, below.1), power(&below.0, below.1));
    let width = if t.reverse.is_some() { t.width / 2 } else { t.width };
    let h: Vec<f32> = t.out.chunks_exact(t.width.max(1)).flat_map(|row| &row[..width]).copied().collect();
    // h before each step: the output one step later, 0 before the first.
    let hidden = &h[..h.len() - width.min(h.len())];
    let reverse = t.reverse.as_ref().map(|r| {
        let hidden = r.out.get(width..).unwrap_or_default();
        Box::new(RangeStats {
            out: largest(&t.out),
            long: largest(if r.cell.is_empty() { &r.out } else { &r.cell }),
            input_mean: input_mean.clone(),
            hidden_mean: sums(hidden, width),
            input_power,
            hidden_power: power(hidden, width),
            steps,
            ..RangeStats::default()
        })
    });
    // A long state that is not kept apart is h itself.
    let long = largest(if t.cell.is_empty() { &t.out } else { &t.cell });
    let pre = t.pre.first().map_or(0.0, |pre| largest(pre));
    RangeStats {
        out: largest(&t.out),
        long,
        pre,
        input_mean,
        hidden_mean: sums(hidden, width),
        input_power,
        hidden_power: power(hidden, width),
        steps,
        reverse,
        ..RangeStats::default()
    }
}

/// Sum over the rows of the mean square of a row.
fn power(values: &[f32], width: usize) -> f64 {
    values.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>() / width.max(1) as f64
}

/// Sum of each column of `[rows, width]`.
fn sums(values: &[f32], width: usize) -> Vec<f64> {
    let mut out = vec![0.0; width];
    for row in values.chunks_exact(width.max(1)) {
        out.iter_mut().zip(row).for_each(|(o, v)| *o += f64::from(*v));
    }
    out
}

/// The layers of the blob.
struct Rounded {
    layers: Vec<IntegerLayer>,
    /// Layers of each chain, where there are several.
    chains: Vec<u8>,
    /// Fraction bits of the output of each layer of the recipe.
    ends: Vec<u8>,
}

/// Rounds all layers in the formats of `seen`.
fn round(network: &Network<f32>, around: &Surroundings, seen: &[RangeStats]) -> Result<Rounded> {
    let spec = network.spec();
    let mut layers: Vec<IntegerLayer> = around.scale.iter().cloned().collect();
    let frame = around.input.as_ref().map_or(0, |(frac, _)| *frac);
    let mut in_frac = around.scale.as_ref().map_or(frame, |l| l.out_frac);
    let mut chain_formats = chain_formats::ChainFormats::new(spec, in_frac);
    let mut ends = Vec::with_capacity(seen.len());
    for (k, ((layer, (inputs, units)), ranges)) in spec.layers.iter().zip(spec.widths()).zip(seen).enumerate() {
        in_frac = chain_formats.before(k, in_frac, layers.len());
        let last = k + 1 == spec.layers.len();
        let target = if last && around.input.is_none() { around.target.as_slice() } else { &[] };
        let tensors = |name: &str| network.tensor(&format!("layers.{k}.{name}")).map_or(&[][..], |(_, v)| v);
        let weights = around.weights.of(k);
        let rounding = Rounding { inputs, units, in_frac, ranges, target, weights, tensors: &tensors };
        layers.extend(layer.quantize(&rounding).with_context(|| format!("layer {k}"))?);
        in_frac = layers.last().map_or(in_frac, |l| l.out_frac);
        ends.push(in_frac);
    }
    let chains = chain_formats.counts(layers.len());
    Ok(Rounded { layers, chains, ends })
}

/// Rounds a trained network: formats and means from `seen`, weights per row.
///
/// # Errors
/// Where a weight is not finite or the device could not run the result.
pub fn quantize(network: &Network<f32>, around: &Surroundings, seen: &[RangeStats]) -> Result<IntegerModel> {
    quantize_shared(network, around, seen, &[])
}

/// The formats that joined chains share if calibration's ranges decide them, for [`quantize_shared`]; empty for a sequence.
///
/// # Errors
/// As of [`quantize`].
pub fn shared_formats(network: &Network<f32>, around: &Surroundings, seen: &[RangeStats]) -> Result<Vec<Option<u8>>> {
    let seen = chain_formats::joined(network.spec(), seen);
    Ok(chain_formats::shared(network.spec(), &round(network, around, &seen)?.ends))
}

/// [`quantize`] where joined chains share these formats, group after group of [`shared_formats`].
///
/// # Errors
/// As of [`quantize`].
pub fn quantize_shared(
    network: &Network<f32>,
    around: &Surroundings,
    seen: &[RangeStats],
    shared: &[Option<u8>],
) -> Result<IntegerModel> {
    let spec = network.spec();
    if let Some(number) = around.weights.layers.keys().find(|number| **number >= spec.layers.len()) {
        bail!("quantize.layers names layer {number}, but the network has layers 0 to {}", spec.layers.len().max(1) - 1);
    }
    let scaled = around.input.is_some();
    let frame = around.input.as_ref().map_or(0, |(frac, _)| *frac);
    let mut seen = chain_formats::joined(spec, seen);
    if let (true, 1.., Some(last)) = (scaled, around.feedback, seen.last_mut()) {
        // The channel that an output becomes, in its format: with the same room beyond the training data.
        last.out_frac = Some(frame);
    }
    let mut rounded = round(network, around, &seen)?;
    if chain_formats::share(spec, &rounded.ends, shared, &mut seen) {
        rounded = round(network, around, &seen)?;
    }
    let Rounded { layers, chains, .. } = rounded;
    let out_frac = layers.last().map_or(0, |l| l.out_frac);
    let outputs = around.target.iter().filter(|_| scaled);
    let output = outputs.map(|(offset, unit)| channels::output(*offset, *unit, out_frac)).collect();
    let backward = layers.iter().any(|l| l.direction == Direction::Backward);
    Ok(IntegerModel {
        name: around.name.clone(),
        labels: around.labels.clone(),
        readout: if spec.per_step() { Readout::EveryStep } else { Readout::Last },
        fingerprint: around.fingerprint,
        counter: 0,
        audio: around.audio,
        detect: None,
        text: around.text.clone(),
        max_steps: if backward || matches!(around.structure, Structure::Seq2seq { .. }) { around.max_steps } else { 0 },
        feedback: around.feedback,
        increments: matches!(spec.layers.last(), Some(LayerSpec::Narx(Narx { residual: true, .. }))),
        structure: around.structure,
        chains,
        layers,
        input: around.input.as_ref().map_or(Vec::new(), |(_, channels)| channels.clone()),
        output,
    })
}
