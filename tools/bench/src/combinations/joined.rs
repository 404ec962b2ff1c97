//! Chains that are joined: encoder-decoders, trees and graphs of every cell, trained on tasks that they learn, so that the accuracies of
//! floats and integers mean something. A partner without a bound (relu, residual) next to a bounded one is where a shared format could
//! go wrong.

use anyhow::{Context, Result, bail, ensure};
use elman_data::Split;
use elman_pipeline::run::RunFolder;
use elman_pipeline::{self as pipeline, Source};
use elman_quant::model::ModelFile;
use elman_quant::synthetic::Numbers;
use elman_recipe::Recipe;
use elman_tools::cmd::{eval, quantize, train};
use elman_tools::ui::Ui;
use rayon::prelude::*;
use std::path::Path;

/// Least accuracy of the float network, below which a comparison means nothing.
const LEARNED: f64 = 0.9;
/// Most of it that integers may lose.
const MOST_LOST: f64 = 0.01;

/// Cells that begin with a state which another chain gives.
const CELLS: [&str; 8] =
    ["gru", "gru-before", "lstm", "lstm-coupled", "lstm-peephole", "srn", "srn-relu", "residual-2"];

/// What the comparison of one network gave.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Compared {
    /// Its name.
    pub name: String,
    /// Accuracy in floats.
    pub float: f64,
    /// Accuracy in integers.
    pub integer: f64,
    /// Answers that integers changed.
    pub changed: u64,
}

impl Compared {
    /// Whether it learned its task, and lost no more than it may.
    pub fn holds(&self) -> bool {
        self.float >= LEARNED && self.float - self.integer <= MOST_LOST
    }
}

/// A network's name and its recipe.
type Task = (String, String);

fn cell(variant: &str, units: usize) -> String {
    format!("{{ layer = \"cell\", variant = \"{variant}\", units = {units} }}")
}

/// A source said backward, by each encoder with a GRU and each decoder after one, with attention and without.
fn encoder_decoders() -> Vec<Task> {
    let pairs = CELLS.iter().map(|c| (*c, "gru")).chain(CELLS.iter().skip(1).map(|c| ("gru", *c)));
    let recipe = |(k, (encoder, decoder)): (usize, (&str, &str))| {
        let score = ["scaled", "dot", "additive"][k % 3];
        let (from, to) = (cell(encoder, 32), cell(decoder, 32));
        // Every fourth reads both ways, half as wide each.
        let both = k % 4 == 3;
        let from = if both { cell(encoder, 16).replace(" }", ", bidirectional = true }") } else { from };
        let text = format!(
            "[data]\ngenerate = \"reverse\"\ncount = 3000\n[network.seq2seq]\nencoder = [{{ layer = \"embedding\", units = 12 }}, {from}]\n\
             decoder = [{{ layer = \"embedding\", units = 12 }}, {to}]\nattention = {{ score = \"{score}\", units = 32 }}\n[train]\n\
             epochs = 24\nbatch = 32\nrate = 5e-3\nschedule = \"cosine\""
        );
        let ways = if both { " both ways" } else { "" };
        (format!("reverse, {encoder}{ways} to {decoder}, {score}"), text)
    };
    pairs.enumerate().map(recipe).collect()
}

/// The largest digit of a tree, by leaves and compositions with and without a bound.
fn trees() -> Vec<Task> {
    let dense = |activation: &str| format!("{{ layer = \"dense\", outputs = 24, activation = \"{activation}\" }}");
    let embedding = "{ layer = \"embedding\", units = 24 }".to_owned();
    let joined = [
        ("embedding", embedding.clone(), "tanh", dense("tanh")),
        ("embedding", embedding.clone(), "relu", dense("relu")),
        ("tanh", format!("{embedding}, {}", dense("tanh")), "relu", dense("relu")),
        ("relu", format!("{embedding}, {}", dense("relu")), "tanh", dense("tanh")),
        ("lstm", format!("{embedding}, {}", cell("lstm", 24)), "tree-lstm", cell("tree-lstm", 24)),
        ("embedding", embedding, "tree-lstm", cell("tree-lstm", 24)),
    ];
    let recipe = |(leaf, layers, compose, layer): (&str, String, &str, String)| {
        let text = format!(
            "[data]\nformat = \"ptb\"\n[network.tree]\nleaf = [{layers}]\ncompose = {layer}\n[train]\nepochs = 30\nbatch = 32\nrate = 5e-3\n\
             schedule = \"cosine\""
        );
        (format!("largest digit, {leaf} leaves, {compose}"), text)
    };
    joined.into_iter().map(recipe).collect()
}

/// Sensors that are stuck, drift or are off, by each cell after first states with and without a bound.
fn graphs() -> Vec<Task> {
    let pairs = CELLS.iter().flat_map(|c| [(*c, "tanh"), (*c, "linear")]);
    let recipe = |(k, (variant, first)): (usize, (&str, &str))| {
        let over = ["mean", "sum", "max"][k % 3];
        let update = cell(variant, 16);
        let text = format!(
            "[data]\ngenerate = \"sensors\"\nsteps = 12\ncount = 1500\n[network.graph]\nnode = [{{ layer = \"dense\", outputs = 16, \
             activation = \"{first}\" }}]\nmessage = [{{ layer = \"dense\", outputs = 16, activation = \"relu\" }}, {{ layer = \"pool\", \
             over = \"{over}\" }}]\nupdate = {update}\nrounds = 2\n[train]\nepochs = 30\nbatch = 32\nrate = 5e-3\nschedule = \"cosine\""
        );
        (format!("sensors, {first} first states, {over}, {variant}"), text)
    };
    pairs.enumerate().map(recipe).collect()
}

/// Trees of digits, each node labelled with its largest digit.
fn write_trees(dir: &Path) -> Result<()> {
    fn tree(numbers: &mut Numbers, depth: i64) -> (i64, String) {
        if depth == 0 || numbers.between(0, 3) == 0 {
            let digit = numbers.between(0, 3);
            return (digit, format!("({digit} d{digit})"));
        }
        let ((left, left_text), (right, right_text)) = (tree(numbers, depth - 1), tree(numbers, depth - 1));
        let most = left.max(right);
        (most, format!("({most} {left_text} {right_text})"))
    }
    let mut numbers = Numbers(5);
    for (file, n) in [("train.txt", 1200), ("dev.txt", 200), ("test.txt", 200)] {
        let lines: String = (0..n).map(|_| tree(&mut numbers, 4).1 + "\n").collect();
        std::fs::write(dir.join(file), lines)?;
    }
    Ok(())
}

fn compare((name, text): &Task, data: &Path) -> Result<Compared> {
    let quiet = Ui { json: true, ..Ui::default() };
    let mut recipe = Recipe::parse(text).map_err(|e| anyhow::anyhow!("{e}"))?;
    recipe.train.threads = 1;
    let dir = tempfile::tempdir()?;
    let source = Source::open(data, &recipe, pipeline::wanted_rate(&recipe), &quiet)?;
    let mut folder = RunFolder::create(dir.path(), true)?;
    train::train(&source, &recipe, &mut folder, train::TrainFlags::default(), quiet)?;
    let quantized = quantize::run(&folder, 0)?;
    let file = ModelFile::read(&folder.model_path())?;
    let split = if source.count(Split::Test) > 0 { Split::Test } else { Split::Valid };
    let evaluated = eval::evaluate(dir.path(), &file, &recipe, &source, split)?;
    let (Some(float), integer) = evaluated.main() else { bail!("no figure of the float network") };
    ensure!(evaluated.integer.first().is_some_and(|f| f.share), "the main figure is no accuracy");
    Ok(Compared { name: name.clone(), float, integer, changed: quantized.changed })
}

/// Trains and compares each `every`-th of them.
///
/// # Errors
/// Where one cannot be trained, quantized or evaluated.
pub fn run(every: usize) -> Result<Vec<Compared>> {
    let data = tempfile::tempdir()?;
    write_trees(data.path())?;
    let tasks: Vec<Task> = [encoder_decoders(), trees(), graphs()].concat().into_iter().step_by(every.max(1)).collect();
    tasks.par_iter().map(|task| compare(task, data.path()).with_context(|| task.0.clone())).collect()
}
