//! Float and integer networks over examples: their answers and the figures of these.

pub mod compare;
pub mod host;
pub mod monte_carlo;
pub mod score;
mod weights;

use anyhow::{Result, anyhow};
use elman::RunError;
use elman::blob::{Model, Structure};
use elman::net::Output;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::RunInfo;
use crate::{Answer, Encoding, Example};
use elman_data::ExampleStructure;
use elman_data::records::{self, Task};
use elman_nn::{self as nn, LayerSpec, Mode, Narx, Network, structure};
use elman_recipe::Recipe;
use score::{BySize, Nats, SpanScore, SymbolScore};

/// A confusion matrix.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confusion {
    /// Rows: label; columns: answer.
    pub counts: Vec<Vec<u64>>,
    /// Of each label, the examples without an answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unanswered: Vec<u64>,
}

/// Stands for an answer that was not given, which is wrong whatever the label.
pub const UNANSWERED: u32 = u32::MAX - 1;

impl Confusion {
    /// Counts pairs (is, answered) over `labels` labels.
    pub fn of(labels: usize, pairs: impl IntoIterator<Item = (usize, usize)>) -> Self {
        let mut counts = vec![vec![0; labels]; labels];
        let mut unanswered = vec![0; labels];
        for (is, answered) in pairs {
            *counts[is].get_mut(answered).unwrap_or(&mut unanswered[is]) += 1;
        }
        if unanswered.iter().all(|n| *n == 0) {
            unanswered.clear();
        }
        Confusion { counts, unanswered }
    }
}

/// The answers of a network to one example.
#[derive(Clone, Debug, Default)]
pub struct ExampleResult {
    /// The answer at each output: one for a class, one a step for tags; empty for values.
    pub answers: Vec<u32>,
    /// Negative log-likelihood of the target.
    nats: Nats,
    /// The logits of the last output.
    last: Vec<f32>,
    /// Values predicted for a series, `[evaluated steps, outputs]`.
    values: Vec<f32>,
    /// Why the example does not fit into the model's memory, where it does not: labels are then wrong, values left out.
    pub too_large: Option<String>,
}

impl ExampleResult {
    /// Of an example that does not fit into the model's memory.
    fn too_large(example: &Example, error: &RunError) -> Self {
        let answers = match &example.answer {
            Answer::Class(_) => vec![UNANSWERED],
            Answer::Steps(steps) => vec![UNANSWERED; steps.len()],
            Answer::Symbols(_) => vec![UNANSWERED],
            Answer::Values(_) | Answer::Last(_) | Answer::Next => Vec::new(),
        };
        ExampleResult { answers, too_large: Some(format!("{}: {error}", example.name)), ..ExampleResult::default() }
    }

    /// Adds the outputs of a step.
    fn step(&mut self, t: usize, example: &Example, y: &[f32]) {
        self.last.clear();
        self.last.extend(y);
        match &example.answer {
            Answer::Class(_) | Answer::Steps(_) => self.answers.push(nn::argmax(y) as u32),
            Answer::Next => {
                let wanted = usize::from(example.frames[t + 1] as u16);
                let scores: Vec<f64> = y.iter().map(|y| f64::from(*y)).collect();
                self.nats.add(&scores, wanted);
            }
            Answer::Values(_) | Answer::Last(_) => self.values.extend(y),
            // Decoded, not taken step by step.
            Answer::Symbols(_) => {}
        }
    }
}

/// Which outputs are evaluated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EvalFlags {
    /// First steps of an example that are not evaluated.
    pub skip: usize,
    /// First step at which a network that reads its own outputs gets these; before, and without it always, it gets
    /// the measured ones.
    pub closed_from: Option<usize>,
}

impl EvalFlags {
    /// As a recipe's network is trained: its loop closed after its warm-up, or open.
    pub fn of(recipe: &Recipe) -> Self {
        let closed_from = match recipe.network.layers.last() {
            Some(LayerSpec::Narx(Narx { closed: true, warmup, .. })) => Some(*warmup),
            _ => None,
        };
        EvalFlags { skip: recipe.sequences.skip, closed_from }
    }

    /// For a model whose recipe may be missing: without one, a loop is closed from the first step on.
    pub fn of_model(recipe: &Recipe, model: &Model<'_>) -> Self {
        let how = EvalFlags::of(recipe);
        let known = recipe.network.feeds_back() || model.feedback() == 0;
        if known { how } else { EvalFlags { closed_from: Some(0), ..how } }
    }

    /// How many of a frame's `inputs` elements a model with `feedback` gets at step `t`.
    pub fn given(&self, t: usize, inputs: usize, feedback: usize) -> usize {
        if self.closed_from.is_some_and(|from| t >= from) { inputs - feedback } else { inputs }
    }
}

/// Runs the float network over each example, in parallel.
pub fn float(network: &Network<f32>, about: &RunInfo, examples: &[Example], how: EvalFlags) -> Vec<ExampleResult> {
    let width = about.encoding.outputs();
    examples
        .par_iter()
        .map(|example| {
            if let Structure::Seq2seq { max_outputs, beams, .. } = about.structure {
                let source = about.sequence(example).frames;
                let said = structure::search(network, &source, max_outputs.into(), beams.into());
                return ExampleResult { answers: said, ..ExampleResult::default() };
            }
            let mut outputs = structure::run(network, about.sequence(example).item(), Mode::Evaluate);
            about.physical(&mut outputs);
            let mut part = ExampleResult::default();
            let skip = if outputs.len() > width { how.skip } else { 0 };
            let first = if example.answer.single() { outputs.len() / width - 1 } else { skip };
            for (t, y) in outputs.chunks_exact(width).enumerate().skip(first) {
                part.step(t, example, y);
            }
            part
        })
        .collect()
}

/// Runs the integer network over each example, in parallel. An example that does not fit into the model's memory has no answer.
///
/// # Errors
/// Where the model cannot run at all.
pub fn integer(model: &Model<'_>, examples: &[Example], how: EvalFlags) -> Result<Vec<ExampleResult>> {
    examples
        .par_iter()
        .map_init(
            || vec![0; model.memory_words()],
            |memory, example| match one(model, memory, example, how) {
                Ok(part) => Ok(part),
                Err(e) if is_too_large(&e) => Ok(ExampleResult::too_large(example, &e)),
                Err(e) => Err(anyhow!("{}: {e}", example.name)),
            },
        )
        .collect()
}

/// Runs the integer network over an example.
fn one(model: &Model<'_>, memory: &mut [u32], example: &Example, how: EvalFlags) -> Result<ExampleResult, RunError> {
    let inputs = model.inputs();
    let frames = &example.frames[..example.steps(inputs) * inputs];
    let mut part = ExampleResult::default();
    let mut y = vec![0.0; model.outputs()];
    if let Structure::Seq2seq { .. } = model.structure() {
        part.answers = host::seq2seq::symbols(model, memory, frames)?;
        return Ok(part);
    }
    let mut step = |t: usize, output: Output<'_>| {
        host::values(model, &output, &mut y);
        part.step(t, example, &y);
    };
    if model.structure() != Structure::Sequence {
        host::structure(model, memory, example, step)?;
        return Ok(part);
    }
    let steps = frames.len() / inputs;
    let first = if example.answer.single() { steps.saturating_sub(1) } else { how.skip };
    let given = frames.chunks_exact(inputs).enumerate();
    let given = given.map(|(t, frame)| &frame[..how.given(t, inputs, model.feedback())]);
    host::run(model, memory, given, |t| t >= first, &mut step)?;
    Ok(part)
}

/// Whether an error says that an example is larger than the model was made for; the model itself is whole.
pub fn is_too_large(error: &RunError) -> bool {
    match *error {
        RunError::TooLong { .. } | RunError::GraphTooLarge { .. } | RunError::Slots { .. } => true,
        RunError::Nodes { nodes, most, .. } => nodes > most,
        _ => false,
    }
}

/// What makes the memory of a model of this structure larger.
pub fn larger_memory(structure: Structure) -> &'static str {
    match structure {
        Structure::Tree { .. } => "raise `margin` of [network.tree] in the recipe and train again",
        Structure::Graph { .. } => "raise `margin` of [network.graph] in the recipe and train again",
        Structure::Sequence | Structure::Seq2seq { .. } => {
            "set `max_steps` of [quantize] in the recipe and quantize again"
        }
    }
}

/// A note on examples that do not fit into the memory of a model.
pub fn too_large_text(structure: Structure, parts: &[ExampleResult]) -> Option<String> {
    let all: Vec<&String> = parts.iter().filter_map(|p| p.too_large.as_ref()).collect();
    let first = all.first()?;
    let answered = parts.iter().any(|p| p.too_large.is_some() && !p.answers.is_empty());
    let counts = if answered { "count as wrong" } else { "are in no figure" };
    Some(format!(
        "{} of {} examples do not fit into the model's memory and {counts} ({first}); {}",
        all.len(),
        parts.len(),
        larger_memory(structure)
    ))
}

/// A figure of how good the answers are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// Its name.
    pub name: String,
    /// Its value; not a number where nothing was evaluated, which is null in JSON.
    #[serde(deserialize_with = "or_nothing")]
    pub value: f64,
    /// Whether it is a share, which is printed as a percentage.
    pub share: bool,
}

/// A number, or not a number for null.
fn or_nothing<'de, D: serde::Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or(f64::NAN))
}

impl Figure {
    fn share(name: &str, value: f64) -> Self {
        Figure { name: name.to_owned(), value, share: true }
    }
    fn plain(name: impl Into<String>, value: f64) -> Self {
        Figure { name: name.into(), value, share: false }
    }

    /// As text.
    pub fn text(&self) -> String {
        match self.value {
            nothing if nothing.is_nan() => "none".to_owned(),
            share if self.share => format!("{:.2} %", 100.0 * share),
            // An error in a small unit.
            small if small != 0.0 && small.abs() < 1e-3 => format!("{small:.3e}"),
            value => format!("{value:.4}"),
        }
    }
}

/// The figures of a task, the one that counts first.
///
/// class: accuracy, the mean of the labels' F1, and accuracy by size where file names have sizes. tag over trees: accuracy of all
/// nodes and at the root. tag and segment: F1 of the spans where the labels have some, accuracy per step. next: nats per
/// symbol, perplexity. series: root mean square error of each output in its own unit, and the
/// same over the deviation of the targets. Of nothing, as where every step is skipped, there is no figure: each is not a number.
pub fn figures(encoding: &Encoding, examples: &[Example], parts: &[ExampleResult], how: EvalFlags) -> Vec<Figure> {
    let has_answer = |p: &ExampleResult| !p.answers.is_empty() || !p.values.is_empty() || p.nats.count > 0;
    // A sequence that is written may be empty.
    let written = encoding.task == Task::Seq2seq && !parts.is_empty();
    let mut figures = figures_of(encoding, examples, parts, how);
    if !written && !parts.iter().any(has_answer) {
        figures.iter_mut().for_each(|figure| figure.value = f64::NAN);
    }
    figures
}

fn figures_of(encoding: &Encoding, examples: &[Example], parts: &[ExampleResult], how: EvalFlags) -> Vec<Figure> {
    match encoding.task {
        Task::Class => {
            let all = Figure::share("accuracy", accuracy(examples, parts));
            let pairs = pairs(examples, parts).map(|(is, answered)| (is as usize, answered as usize));
            let labels = score::per_label(&Confusion::of(encoding.labels.len(), pairs), &encoding.labels);
            let each = Figure::share("macro F1", score::macro_f1(&labels));
            [all, each].into_iter().chain(by_size(examples, parts)).collect()
        }
        Task::Tag if examples.iter().any(|e| matches!(e.joints, ExampleStructure::Tree(_))) => {
            let mut figures = vec![Figure::share("accuracy of all nodes", accuracy(examples, parts))];
            figures.extend(at_roots(encoding, examples, parts));
            figures
        }
        Task::Next => {
            let nats = parts.iter().map(|p| p.nats).fold(Nats::default(), Nats::join);
            vec![Figure::plain("nats per symbol", nats.mean()), Figure::plain("perplexity", nats.perplexity())]
        }
        Task::Tag | Task::Segment => {
            let name = |k: &u32| encoding.labels.get(*k as usize).map_or("", String::as_str);
            let mut figures = vec![Figure::share("accuracy per step", accuracy(examples, parts))];
            if score::has_spans(encoding.labels.iter().map(String::as_str)) {
                let mut spans = SpanScore::default();
                for (example, part) in examples.iter().zip(parts) {
                    if let Answer::Steps(wanted) = &example.answer {
                        spans.add(wanted.iter().map(name), part.answers.iter().map(name));
                    }
                }
                let what = if encoding.task == Task::Segment { "word" } else { "entity" };
                figures.insert(0, Figure::share(&format!("{what} F1"), spans.all.f1()));
                figures.push(Figure::share(&format!("{what} precision"), spans.all.precision()));
                figures.push(Figure::share(&format!("{what} recall"), spans.all.recall()));
            }
            figures
        }
        Task::Seq2seq => {
            let mut score = SymbolScore::default();
            for (example, part) in examples.iter().zip(parts) {
                if let Answer::Symbols(wanted) = &example.answer {
                    score.add(wanted, &part.answers);
                }
            }
            vec![
                Figure::share("exact match", score.exact()),
                Figure::share("symbol accuracy", score.accuracy()),
                Figure::share("BLEU", score.bleu()),
            ]
        }
        Task::Series => {
            let width = encoding.labels.len();
            let skipped = |e: &'_ Example| if e.answer.single() { 0 } else { how.skip * width };
            let fits = examples.iter().zip(parts).filter(|(_, p)| p.too_large.is_none());
            let wanted: Vec<f32> = fits.flat_map(|(e, _)| e.answer.values().iter().skip(skipped(e)).copied()).collect();
            let said: Vec<f32> = parts.iter().flat_map(|p| p.values.iter().copied()).collect();
            let deviations = score::deviation(&wanted, &said, width, 0);
            encoding
                .labels
                .iter()
                .zip(deviations)
                .flat_map(|(name, d)| {
                    [
                        Figure::plain(format!("RMSE of {name}"), d.rmse),
                        Figure::plain(format!("NRMSE of {name}"), d.nrmse),
                    ]
                })
                .collect()
        }
    }
}

/// Accuracy at the last node of each tree; where labels are a scale, also on which side of its middle, those in the middle
/// left out.
fn at_roots(encoding: &Encoding, examples: &[Example], parts: &[ExampleResult]) -> Vec<Figure> {
    let middle = score::middle(&encoding.labels);
    let (mut all, mut sides) = (BySize::default(), BySize::default());
    for (example, part) in examples.iter().zip(parts) {
        let Answer::Steps(wanted) = &example.answer else { continue };
        let (Some(wanted), Some(said)) = (wanted.last(), part.answers.last()) else { continue };
        all.add(0, wanted == said);
        if let Some(middle) = middle.filter(|m| *m != *wanted as usize) {
            let right = (score::side(&part.last, middle) > 0.0) == (*wanted as usize > middle);
            sides.add(0, part.too_large.is_none() && right);
        }
    }
    let named = |by: &BySize, name| by.shares().map(|(_, share)| Figure::share(name, share)).collect::<Vec<_>>();
    [named(&all, "accuracy at the root"), named(&sides, "side at the root")].concat()
}

/// Accuracy by the size in the names of files, where there are several.
fn by_size(examples: &[Example], parts: &[ExampleResult]) -> Vec<Figure> {
    let mut by = BySize::default();
    for (example, part) in examples.iter().zip(parts) {
        let file = example.name.split(':').next().unwrap_or_default();
        if let (Answer::Class(wanted), Some(said), Some(size)) =
            (&example.answer, part.answers.last(), records::size_of(file))
        {
            by.add(size, wanted == said);
        }
    }
    let shares = by.shares().map(|(size, share)| Figure::share(&format!("accuracy at size {size}"), share));
    if by.0.len() > 1 { shares.collect() } else { Vec::new() }
}

fn accuracy(examples: &[Example], parts: &[ExampleResult]) -> f64 {
    let (mut right, mut all) = (0, 0);
    for (is, answered) in pairs(examples, parts) {
        right += u64::from(is == answered);
        all += 1;
    }
    right as f64 / all.max(1) as f64
}

/// Label and answer of each evaluated output.
pub fn pairs<'a>(examples: &'a [Example], parts: &'a [ExampleResult]) -> impl Iterator<Item = (u32, u32)> + 'a {
    examples.iter().zip(parts).flat_map(|(e, p)| {
        let wanted: &[u32] = match &e.answer {
            Answer::Class(class) => std::slice::from_ref(class),
            Answer::Steps(steps) => steps,
            Answer::Symbols(_) | Answer::Values(_) | Answer::Last(_) | Answer::Next => &[],
        };
        // A step without a target is not evaluated.
        wanted.iter().copied().zip(p.answers.iter().copied()).filter(|(is, _)| *is != nn::NO_CLASS)
    })
}

/// Answers in which two networks differ, and all answers: one for each class or step, and one for each sequence that is
/// written, as a whole.
pub fn disagreements(examples: &[Example], a: &[ExampleResult], b: &[ExampleResult]) -> [usize; 2] {
    let mut found = [0, 0];
    for ((example, a), b) in examples.iter().zip(a).zip(b) {
        let (differ, all) = match &example.answer {
            Answer::Symbols(_) => (usize::from(a.answers != b.answers), 1),
            _ => (a.answers.iter().zip(&b.answers).filter(|(a, b)| a != b).count(), a.answers.len()),
        };
        found = [found[0] + differ, found[1] + all];
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(answers: &[u32]) -> ExampleResult {
        ExampleResult { answers: answers.to_vec(), ..ExampleResult::default() }
    }

    #[test]
    fn counts_and_shares() {
        let c = Confusion::of(3, [(0, 0), (1, 1), (2, 1), (2, 2)]);
        assert_eq!((c.counts, c.unanswered.len()), (vec![vec![1, 0, 0], vec![0, 1, 0], vec![0, 1, 1]], 0));
        let c = Confusion::of(2, [(0, 0), (1, UNANSWERED as usize)]);
        assert_eq!((c.counts, c.unanswered), (vec![vec![1, 0], vec![0, 0]], vec![0, 1]));
        let example = |answer| Example {
            name: String::new(),
            frames: vec![0; 4],
            joints: elman_data::ExampleStructure::None,
            answer,
        };
        let examples = [example(Answer::Class(1)), example(Answer::Steps(vec![0, 1, 2]))];
        let parts = [part(&[1]), part(&[0, 2, 2])];
        assert!((accuracy(&examples, &parts) - 0.75).abs() < 1e-12);
        assert_eq!(disagreements(&examples, &parts, &[part(&[0]), part(&[0, 2, 1])]), [2, 4]);
        let written = [example(Answer::Symbols(vec![0])), example(Answer::Symbols(vec![1, 2]))];
        assert_eq!(disagreements(&written, &parts, &[part(&[1]), part(&[0, 2, 2, 1, 1])]), [1, 2]);
    }

    #[test]
    fn of_nothing_there_is_no_figure() {
        let frames = crate::Frames::Values { frac: 8, channels: vec!["u".into()], feedback: 0, scaling: Vec::new() };
        let example = Example {
            name: String::new(),
            frames: vec![0; 4],
            joints: elman_data::ExampleStructure::None,
            answer: Answer::Values(vec![1.0; 4]),
        };
        let how = EvalFlags { skip: 9, ..EvalFlags::default() };
        let encoding = |task| Encoding {
            task,
            labels: vec!["y".to_owned()],
            frames: frames.clone(),
            edges: Vec::new(),
            stream: None,
        };
        for task in [Task::Series, Task::Class, Task::Tag, Task::Next, Task::Seq2seq] {
            let examples = if task == Task::Series { vec![example.clone()] } else { Vec::new() };
            let parts = vec![ExampleResult::default(); examples.len()];
            for figure in figures(&encoding(task), &examples, &parts, how) {
                assert_eq!((figure.value.is_nan(), &figure.text()[..]), (true, "none"), "{task}: {}", figure.name);
                let json = serde_json::to_string(&figure).unwrap();
                assert!(serde_json::from_str::<Figure>(&json).unwrap().value.is_nan(), "{json}");
            }
        }
        let parts = [ExampleResult { values: vec![1.0; 2], ..ExampleResult::default() }];
        let how = EvalFlags { skip: 2, ..how };
        assert_eq!(figures(&encoding(Task::Series), &[example], &parts, how)[0].text(), "0.0000");
    }

    #[test]
    fn the_next_symbol_costs_its_surprise() {
        let example = Example {
            name: String::new(),
            frames: vec![0, 1, 0],
            joints: elman_data::ExampleStructure::None,
            answer: Answer::Next,
        };
        let mut part = ExampleResult::default();
        part.step(0, &example, &[0.0, 0.0]);
        part.step(1, &example, &[3f32.ln(), 0.0]);
        assert!((part.nats.sum - (2f64.ln() - 0.75f64.ln())).abs() < 1e-6);
    }
}
