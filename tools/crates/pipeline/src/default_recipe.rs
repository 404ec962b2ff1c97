//! A recipe for data that come without one, by what they are: which layers, how wide, how many epochs.

use anyhow::Result;
use elman_data::{Answer, ExampleStructure, Input, Record, RecordOptions, Records, Split};
use elman_nn::{Cell, Delay, DenseActivation, Embedding, LayerSpec, Loss, Narx, Over, Pool};
use elman_recipe::{NetworkRecipe, Recipe};
use std::path::Path;

use crate::{Reporter, Source, wanted_rate};

/// Updates of the weights that a default recipe makes, about.
const UPDATES: usize = 1200;
/// Values that a layer reads at most of a window over the last steps.
const WINDOW_VALUES: usize = 96;
/// Steps of a window at most.
const WINDOW_TAPS: usize = 15;

/// Says nothing: the data are opened again by the recipe.
struct Silent;

impl Reporter for Silent {
    fn note(&self, _: &str) {}
}

/// The recipe for the data of `dir`: the front end and a GRU for sound; for other data by their shape.
///
/// # Errors
/// Where the folder has neither sound nor other data that are understood, or such that need a recipe; the message of the kind that it
/// looks like.
pub fn default_recipe(dir: &Path) -> Result<Recipe> {
    let sound = Recipe::default();
    let no_sound = match Source::open(dir, &sound, wanted_rate(&sound), &Silent) {
        Ok(source) => {
            let mut recipe = sound;
            recipe.train.epochs = epochs(source.count(Split::Train), recipe.train.batch, 30);
            return Ok(recipe);
        }
        Err(e) => e,
    };
    match Records::open(dir, &RecordOptions::default()) {
        Ok(records) => of_records(&records),
        // What has recordings is sound that has something wrong with it.
        Err(e) if has_data(dir) => Err(e.into()),
        Err(_) => Err(no_sound),
    }
}

/// Whether a folder has a file of data, not of sound, at its top.
fn has_data(dir: &Path) -> bool {
    let data =
        |name: &str| [".ts", ".tsv", ".csv", ".json", ".conllu", ".txt", ".gz"].iter().any(|e| name.ends_with(e));
    let Ok(entries) = std::fs::read_dir(dir) else { return false };
    let names: Vec<String> = entries.flatten().map(|e| e.file_name().to_string_lossy().into_owned()).collect();
    names.iter().any(|name| data(name)) && !names.iter().any(|name| name == "train.csv" || name.ends_with(".tar"))
}

/// Epochs for so many examples, at least `least`.
fn epochs(examples: usize, batch: usize, least: usize) -> usize {
    (UPDATES * batch).div_ceil(examples.max(1)).clamp(least, 400)
}

/// The middle of the lengths.
fn median(mut lengths: Vec<usize>) -> usize {
    lengths.sort_unstable();
    lengths.get(lengths.len() / 2).copied().unwrap_or(1)
}

/// For classes of windows of values: a GRU over the last steps, a tenth of a sequence, and the mean of its states. For classes and tags
/// of symbols: an embedding and a GRU, both ways for tags. For a series: a GRU over its channels, or past values where it has
/// none.
///
/// # Errors
/// For trees, graphs and sequences for sequences, whose structure a recipe has to say.
fn of_records(records: &Records) -> Result<Recipe> {
    let mut recipe = Recipe { data: Some(RecordOptions::default()), ..Recipe::default() };
    let train = &records.train;
    let steps = |r: &Record| match &r.input {
        Input::Values(v) => v.len() / records.channels.len().max(1),
        Input::Symbols(s) => s.len(),
    };
    let joined = train.first().is_some_and(|r| !matches!(r.joints, ExampleStructure::None));
    let (answer, symbols) = match train.first() {
        Some(r) => (&r.answer, matches!(r.input, Input::Symbols(_))),
        None => (&Answer::None, false),
    };
    let cell = |units, bidirectional| match LayerSpec::cell("gru", units) {
        LayerSpec::Cell(cell) => LayerSpec::from(Cell { bidirectional, ..cell }),
        other => other,
    };
    let embedding = |units| LayerSpec::from(Embedding { rows: 0, units });
    let mean = LayerSpec::from(Pool { over: Over::Mean });
    let layers = match (answer, symbols) {
        _ if joined => anyhow::bail!(needs(records, "trees and graphs")),
        (Answer::Symbols(_), _) => anyhow::bail!(needs(records, "sequences for sequences")),
        (Answer::Label(_), false) => {
            let window = median(train.iter().map(steps).collect()) / 10;
            let most = (WINDOW_VALUES / records.channels.len().max(1)).clamp(2, WINDOW_TAPS);
            let taps = window.clamp(6, most.max(6));
            let stride = (window / taps).max(1);
            vec![LayerSpec::from(Delay { taps, stride, tail: 0, tail_taps: 0 }), cell(32, false), mean]
        }
        (Answer::Label(_), true) => vec![embedding(32), cell(48, false), mean],
        (Answer::Tags(_), true) => vec![embedding(32), cell(48, true)],
        (Answer::Tags(_), false) => vec![cell(48, false)],
        (Answer::None, _) => vec![embedding(32), cell(96, false)],
        (Answer::Values(_), _) if records.channels.is_empty() => {
            let outputs = records.outputs.len();
            let activation = DenseActivation::Tanh;
            let narx = Narx {
                hidden: 8,
                outputs,
                input_taps: 0,
                output_taps: 12,
                activation,
                closed: false,
                warmup: 12,
                residual: false,
            };
            vec![narx.into()]
        }
        (Answer::Values(_), _) => vec![cell(24, false)],
    };
    let values = matches!(answer, Answer::Values(_));
    recipe.network = NetworkRecipe::of(layers);
    recipe.train.batch = if train.len() < 1000 { 16 } else { 32 };
    recipe.train.rate = 3e-3;
    recipe.train.epochs = epochs(train.len(), recipe.train.batch, 15);
    if values {
        recipe.train.loss = Loss::SquaredError;
    }
    Ok(recipe)
}

fn needs(records: &Records, what: &str) -> String {
    format!(
        "{}: {} have no default network; write one in a recipe's [network] table (docs/seq2seq.md, docs/trees-and-graphs.md; \
         tools/recipes has examples), then: elman train RECIPE --data {}",
        records.dir.display(),
        what,
        records.dir.display()
    )
}
