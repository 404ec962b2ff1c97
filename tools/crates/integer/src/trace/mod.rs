//! All that a model computes of an input: every layer's output and carried state at every step, as docs/trace.md says.
//!
//! The core runs; its layers' steps leave records, which are put in order here. Nothing is computed twice.

mod example;
mod record;
mod runs;
mod stream;
mod write;

use anyhow::{Context, Result};
use elman::blob::{Blob, Direction, Model, Structure};
use serde::{Deserialize, Serialize};

use example::example;

/// Version of the files.
pub const VERSION: u32 = 1;

/// Symbols that a model of text draws after those that it has read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draw {
    /// Seed of the generator.
    pub seed: u64,
    /// Temperature, of 12 fraction bits.
    pub temperature: u16,
    /// How many of the greatest logits take part; 0 for all.
    pub top_k: u16,
    /// Symbols drawn.
    pub count: u16,
}

/// What a model reads once, from states of zero, in integers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Input {
    /// The line that symbols were made of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Sound, of which the front end makes the frames.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub samples: Vec<i16>,
    /// Readings of sensors, a list for each step, of which the model makes the frames.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub readings: Vec<Vec<i32>>,
    /// Frames of a sequence, of leaves, or of nodes of a graph.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub frames: Vec<Vec<i16>>,
    /// Nodes of a tree: the frame of a leaf, or both children.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub nodes: Vec<Vec<u16>>,
    /// Neighbours of each node of a graph.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub neighbours: Vec<Vec<u16>>,
    /// Features of each edge of a graph, in the order of the neighbours.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub edges: Vec<Vec<i16>>,
    /// What is drawn after the frames.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub draw: Option<Draw>,
}

/// A step of a layer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LayerStep {
    /// Number of the layer in the model.
    pub layer: usize,
    /// What it read, of the first layer of a chain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub x: Option<Vec<i16>>,
    /// Its output.
    pub h: Vec<i16>,
    /// Its carried state after the step, in the words that its memory has.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub carried: Vec<i32>,
}

/// A chain that runs once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChainRun {
    /// Its role.
    pub chain: &'static str,
    /// Step, node or edge.
    pub at: usize,
    /// Its layers, in order.
    pub layers: Vec<LayerStep>,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// Step or node.
    pub at: usize,
    /// Outputs.
    pub y: Vec<i16>,
    /// Their softmax, in 2^-15.
    pub p: Vec<u16>,
    /// The readings that they stand for, where the model has a scaling of its outputs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub readings: Vec<i32>,
}

/// The detector after a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Detection {
    /// Mean probability of each class, in 2^-15.
    pub means: Vec<u16>,
    /// Class and score of the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<(u16, u16)>,
    /// Whether states are reset after the step.
    pub reset: bool,
}

/// A step of a model: a frame, a node, a round, a symbol.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Step {
    /// The chains that ran, in order.
    pub runs: Vec<ChainRun>,
    /// Attention weights of the source's steps, in 2^-15.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub weights: Vec<u32>,
    /// What was answered.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<Answer>,
    /// What the detector made of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detector: Option<Detection>,
}

/// What an encoder-decoder wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Written {
    /// The symbols, without the end.
    pub symbols: Vec<u16>,
    /// Whether the end was written.
    pub ended: bool,
    /// log2 of the probability, Q.10.
    pub log2_p: i32,
}

/// A step of a hypothesis of a search.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SearchStep {
    /// The symbol that was read.
    pub symbol: u16,
    /// The logits.
    pub y: Vec<i16>,
}

/// All that was computed of an input.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Example {
    /// The input.
    pub input: Input,
    /// The steps.
    pub steps: Vec<Step>,
    /// The symbols that were drawn.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub drawn: Vec<u16>,
    /// What was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub written: Option<Written>,
    /// All steps of all hypotheses of a beam search.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub search: Vec<SearchStep>,
}

/// A layer of the model, as far as a reader of a trace wants to know it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct LayerInfo {
    layer: usize,
    chain: &'static str,
    kind: &'static str,
    inputs: usize,
    units: usize,
    in_frac: u8,
    out_frac: u8,
    carried_frac: u8,
    backward: bool,
}

/// A model and what it computes of some inputs, as the text of a file.
///
/// # Errors
/// Where the blob does not load, or an input does not fit the model; the message has the number of the input.
pub fn trace(words: &[u32], inputs: &[Input]) -> Result<String> {
    let model = Model::load_with(record::operations(), Blob::new(words)).map_err(|e| anyhow::anyhow!("{e}"))?;
    let examples = inputs.iter().enumerate().map(|(k, input)| example(&model, input).with_context(|| place(k, input)));
    write::text(&model, words, &examples.collect::<Result<Vec<_>>>()?)
}

/// The model of a blob, loaded so that [`saturated`] can see what its layers compute.
///
/// # Errors
/// Where the blob does not load.
pub fn load(words: &[u32]) -> Result<Model<'_>> {
    Model::load_with(record::operations(), Blob::new(words)).map_err(|e| anyhow::anyhow!("{e}"))
}

/// What a layer computed over a sequence: its steps one after the other, in the order of time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LayerStates {
    /// `[steps, units]`: outputs.
    pub out: Vec<i16>,
    /// `[steps, words]`: carried states after each step.
    pub carried: Vec<i32>,
}

/// Runs a sequence of frames from states of zero and returns what each layer computed, of a model over sequences that [`load`] has
/// loaded. Layers that no state follows run at `every` step, or at the last alone.
///
/// # Errors
/// Where `memory` is too small, or the sequence is longer than the model's longest.
pub fn states(model: &Model<'_>, memory: &mut [u32], frames: &[i16], every: bool) -> Result<Vec<LayerStates>> {
    record::take(model);
    let count = frames.len() / model.inputs().max(1);
    if model.max_steps() > 0 {
        model.sequence(memory).and_then(|mut net| net.run(frames).map(|_| ())).map_err(example::said)?;
    } else {
        let mut net = model.stream(memory).map_err(example::said)?;
        for (t, frame) in frames.chunks_exact(model.inputs().max(1)).enumerate() {
            net.advance(frame);
            if every || t + 1 == count {
                net.output();
            }
        }
    }
    let mut all = vec![LayerStates::default(); model.layers().len()];
    let records = record::take(model);
    let backward = |layer: usize| model.layers()[layer].direction() == Direction::Backward;
    let mut taken = vec![0usize; all.len()];
    for (layer, record) in records.iter().filter(|(layer, _)| !backward(*layer)) {
        // A stride counts every step, and has an output at some.
        let at = taken[*layer];
        taken[*layer] += 1;
        if at.is_multiple_of(model.layers()[*layer].stride().max(1)) {
            all[*layer].out.extend(&record.h);
            all[*layer].carried.extend(&record.carried);
        }
    }
    for (layer, record) in records.iter().rev().filter(|(layer, _)| backward(*layer)) {
        all[*layer].out.extend(&record.h);
        all[*layer].carried.extend(&record.carried);
    }
    Ok(all)
}

/// Elements at the ends of their format, of one layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AtEnds {
    /// Of outputs.
    pub outputs: u64,
    /// Outputs in all.
    pub of: u64,
    /// Of carried states that saturate.
    pub carried: u64,
}

/// For each layer, what saturated while `run` ran the model, which [`load`] has loaded, on this thread.
pub fn saturated<R>(model: &Model<'_>, run: impl FnOnce() -> R) -> (R, Vec<AtEnds>) {
    record::take(model);
    let result = run();
    let mut all = vec![AtEnds::default(); model.layers().len()];
    for (layer, record) in record::take(model) {
        let of = &mut all[layer];
        of.of += record.h.len() as u64;
        of.outputs += record.h.iter().filter(|h| matches!(**h, i16::MIN | i16::MAX)).count() as u64;
        if model.layers()[layer].carried().saturates() {
            of.carried += record.carried.iter().filter(|c| matches!(**c, i32::MIN | i32::MAX)).count() as u64;
        }
    }
    (result, all)
}

fn place(k: usize, input: &Input) -> String {
    let text = input.text.as_ref().map(|text| format!(": {text}"));
    format!("input {k}{}", text.unwrap_or_default())
}

/// The inputs of a trace, or of a file that has nothing but them.
///
/// # Errors
/// Where the text is no JSON of this form.
pub fn inputs(text: &str) -> Result<Vec<Input>> {
    #[derive(Deserialize)]
    struct WithInput {
        input: Input,
    }
    #[derive(Deserialize)]
    struct File {
        examples: Vec<WithInput>,
    }
    let file: File = serde_json::from_str(text).context("no JSON with inputs as docs/trace.md has them")?;
    Ok(file.examples.into_iter().map(|example| example.input).collect())
}

/// The role of the chain that a layer belongs to, and whether it is the first of it.
fn chain_of(model: &Model<'_>, layer: usize) -> (&'static str, bool) {
    if model.structure() == Structure::Sequence {
        return (elman::wiring::Chain::Layers.name(), layer == 0);
    }
    let mut first = 0;
    for k in 0..model.chain_count() {
        let next = first + model.chain(k).len();
        if layer < next {
            return (model.chain_role(k).name(), layer == first);
        }
        first = next;
    }
    ("", false)
}
