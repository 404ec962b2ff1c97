//! A recipe for data that come without one, by what they are: which layers, how wide, how many epochs.

use anyhow::Result;
use elman_data::{Answer, ExampleStructure, Input, Record, RecordOptions, Records, Split};
use elman_nn::{Cell, Delay, DenseActivation, Dropout, Embedding, LayerSpec, Loss, Narx, Over, Pool};
use elman_recipe::{NetworkRecipe, Recipe};
use elman_train::Watch;
use std::collections::BTreeMap;
use std::path::Path;

use crate::encoding::labels;
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
/// of symbols: an embedding and a GRU, both ways for tags, and more of both with dropout where most tags are one. For a series: a GRU over its channels, or past values where it has
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
        (Answer::Tags(_), true) if rare_tags(&mut recipe, records)? => {
            let dropout = |rate| LayerSpec::from(Dropout { rate, variational: true });
            let both = match cell(64, true) {
                LayerSpec::Cell(cell) => LayerSpec::from(Cell { dropout: 0.4, ..cell }),
                other => other,
            };
            vec![embedding(64), dropout(0.4), both]
        }
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
    let least = if recipe.train.class_weights.is_empty() { 15 } else { 30 };
    recipe.train.epochs = epochs(train.len(), recipe.train.batch, least);
    if values {
        recipe.train.loss = Loss::SquaredError;
    }
    Ok(recipe)
}

/// Share of the most frequent tag from which on the others are rare: names in running text.
const RARE: f64 = 0.75;

/// Where one tag is that of most symbols: it counts half, so that the others are found; symbols that were not seen are met in
/// training; and the last epoch is taken, as accuracy is highest where nothing is found.
fn rare_tags(recipe: &mut Recipe, records: &Records) -> Result<bool> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for record in &records.train {
        if let Answer::Tags(tags) = &record.answer {
            tags.iter().for_each(|tag| *counts.entry(tag).or_default() += 1);
        }
    }
    let all: usize = counts.values().sum();
    let Some((most, count)) = counts.into_iter().max_by_key(|(_, count)| *count) else { return Ok(false) };
    if (count as f64) < RARE * all as f64 {
        return Ok(false);
    }
    let labels = labels(records, &recipe.vocabulary)?;
    recipe.train.class_weights = labels.iter().map(|label| if label == most { 0.5 } else { 1.0 }).collect();
    recipe.train.watch = Watch::Last;
    recipe.sequences.symbol_dropout = 0.1;
    Ok(true)
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
