//! `recipes`: trains recipes on real data with several seeds, quantizes, and prints their figures, float and integer.

mod docs;

use anyhow::{Context, Result, bail, ensure};
use elman_data::Split;
use elman_pipeline::run::RunFolder;
use elman_pipeline::{self as pipeline, Source};
use elman_quant::model::ModelFile;
use elman_recipe::Recipe;
use elman_tools::cmd::verify::CLOSED_FROM;
use elman_tools::cmd::{eval, quantize, train};
use elman_tools::ui::{Ui, thousands};
use elman_train::Spent;
use elman_verify as verify;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use docs::{MoreFigure, Reached};
use elman_figures::{Figures, Output, root};

/// Which recipes, on which data.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Folder that holds the corpora, each named as its recipe says
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Recipes, without .toml; by default all whose corpus is there
    #[arg(long, value_delimiter = ',')]
    recipes: Vec<String>,
    /// Seeds to average over, from 1
    #[arg(long, default_value_t = 3)]
    seeds: u64,
    /// Writes the figures into docs/recipes.md; those of recipes that are not run stay
    #[arg(long)]
    write_docs: bool,
    #[command(flatten)]
    output: Output,
}

/// Runs them.
///
/// # Errors
/// Where a recipe or its corpus cannot be read, or a run fails.
pub fn run(args: &Args) -> Result<ExitCode> {
    ensure!(args.seeds > 0, "--seeds is at least 1");
    let mut figures = Figures::new("recipes");
    figures.line(format!("Mean of {} seeds (each in brackets); accuracy and F1 in %", args.seeds));
    let names = if args.recipes.is_empty() { all(&args.data)? } else { args.recipes.clone() };
    let mut reached = BTreeMap::new();
    for name in &names {
        let r = recipe(name, args, &mut figures).with_context(|| format!("recipe {name}"))?;
        let scale = if r.share { 100.0 } else { 1.0 };
        figures.add(format!("{name}-float"), scale * r.float);
        figures.add(format!("{name}-integer"), scale * r.integer);
        figures.add(format!("{name}-loss"), r.loss());
        reached.insert(name.clone(), r);
        if args.write_docs {
            docs::write(&reached)?;
        }
    }
    figures.finish(&args.output)
}

fn path_of(name: &str) -> PathBuf {
    root().join("tools/recipes").join(format!("{name}.toml"))
}

/// Where a recipe's corpus is: as it says, or named by the recipe's name up to its first dash.
fn corpus_of(recipe: &Recipe, data: &Path) -> PathBuf {
    match recipe.corpus.as_str() {
        "" => data.join(recipe.name.split('-').next().unwrap_or(&recipe.name)),
        corpus => data.join(corpus),
    }
}

/// The recipes whose corpus is in `data`, or which generate their own.
fn all(data: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(root().join("tools/recipes"))? {
        let path = entry?.path();
        let recipe = Recipe::read(&path, &[])?;
        let generated = recipe.data.as_ref().is_some_and(|d| d.generate.is_some());
        // Listeners are evaluated over hours: `bench detect`.
        let listens = recipe.stream.is_some();
        if !listens && (generated || corpus_of(&recipe, data).is_dir()) {
            names.push(path.file_stem().unwrap_or_default().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

fn recipe(name: &str, args: &Args, figures: &mut Figures) -> Result<Reached> {
    let quiet = Ui { json: true, ..Ui::default() };
    let base = Recipe::read(&path_of(name), &[])?;
    let open =
        |recipe: &Recipe| Source::open(&corpus_of(&base, &args.data), recipe, pipeline::wanted_rate(recipe), &quiet);
    let sources = match folds(&base) {
        false => vec![(base.clone(), open(&base)?)],
        true => (1..)
            .map(|fold| {
                let mut recipe = base.clone();
                recipe.data.iter_mut().for_each(|data| data.fold = fold);
                open(&recipe).map(|source| (recipe, source))
            })
            // Folds are counted up to the first that has no examples.
            .take_while(|opened| opened.as_ref().is_ok_and(|(_, source)| source.count(Split::Test) > 0))
            .collect::<Result<_>>()?,
    };
    let [(_, source), ..] = &sources[..] else { bail!("there is no fold 1") };
    let split = source.evaluation_split(None)?;
    let (mut float, mut integer, mut last) = (Vec::new(), Vec::new(), Vec::new());
    let mut more: Vec<MoreFigure> = Vec::new();
    let mut reached = Reached { split: split.to_string(), seeds: args.seeds, commit: commit(), ..Reached::default() };
    for (seed, (recipe, source)) in (1..=args.seeds).flat_map(|seed| sources.iter().map(move |s| (seed, s))) {
        let mut recipe = recipe.clone();
        recipe.train.seed = seed;
        let dir = tempfile::tempdir()?;
        let mut folder = RunFolder::create(dir.path(), true)?;
        let (spent, trained) =
            Spent::of(|| train::train(source, &recipe, &mut folder, train::TrainFlags::default(), quiet));
        let trained = trained?;
        let quantized = quantize::run(&folder, 0)?;
        let medians = quantized.layers.iter().filter_map(|l| l.weights.recurrent_median);
        reached.recurrent_median = medians.chain(reached.recurrent_median).min();
        let file = ModelFile::read(dir.path())?;
        let e = eval::evaluate(dir.path(), &file, &recipe, source, split)?;
        let (f, i) = e.main();
        eprintln!("{name} seed {seed}: float {:.4}, integer {i:.4}, {:.0} s", f.unwrap_or(f64::NAN), trained.seconds);
        float.push(f.unwrap_or(f64::NAN));
        integer.push(i);
        let floats = e.float.as_deref().unwrap_or_default();
        for (k, figure) in e.integer.iter().enumerate().skip(1) {
            let float = floats.get(k).map_or(f64::NAN, |f| f.value);
            match more.iter_mut().find(|b| b.figure == figure.name) {
                Some(b) => b.add(float, figure.value),
                None => more.push(MoreFigure::new(figure, float)),
            }
        }
        last.push(100.0 * folder.metrics()?.last().map_or(0.0, |e| e.valid_accuracy));
        if let Some(figure) = e.integer.first() {
            (reached.figure, reached.share) = (figure.name.clone(), figure.share);
        }
        reached.train_seconds += spent.processor_seconds / (args.seeds as usize * sources.len()) as f64;
        if float.len() == 1 {
            (reached.weights, reached.blob_bytes) = (trained.parameters, quantized.blob_bytes);
            reached.ram_bytes = quantized.ram_bytes;
            let examples = folder.about()?.encoding.examples(source, split)?;
            let chosen = pipeline::spread(&examples, 10, file.model()?.inputs(), 200);
            let closed_from = (file.model()?.descriptor().feedback > 0).then_some(CLOSED_FROM);
            let options = verify::Options { closed_from, ..verify::Options::default() };
            match verify::examples(&file.bytes(), "m4", &chosen, &options) {
                Ok(v) => (reached.instructions, reached.bit_exact) = (Some(v.instructions), Some(v.bit_exact())),
                Err(e) => eprintln!("{name}: not run on the emulated core: {e:#}"),
            }
        }
    }
    let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
    (reached.float, reached.integer) = (mean(&float), mean(&integer));
    let each = |v: &[f64]| v.iter().map(|a| reached.text(*a)).collect::<Vec<_>>().join(" ");
    let exact = reached.bit_exact.map_or("not run on m4".to_owned(), |e| {
        let n = thousands(reached.instructions.unwrap_or(0.0).round() as u64);
        format!("m4: {n} instructions per step, {}", if e { "bit-exact" } else { "NOT BIT-EXACT" })
    });
    figures.line(format!(
        "{name:<18} {:<5} {:<17} float {} ({})   integer {} ({})   loss {:+.2} {}   median |U| {}   {exact}",
        reached.split,
        reached.figure,
        reached.text(reached.float),
        each(&float),
        reached.text(reached.integer),
        each(&integer),
        reached.loss(),
        if reached.share { "points" } else { "%" },
        reached.recurrent_median.map_or("-".to_owned(), |m| m.to_string()),
    ));
    for b in &more {
        figures.line(format!("{:<18} {b}", ""));
    }
    reached.more = more;
    if split == Split::Valid && reached.figure == "accuracy" {
        // The split that is evaluated chose the epoch as well: print the last epoch, chosen by nothing, too.
        let each: Vec<String> = last.iter().map(|a| format!("{a:.2}")).collect();
        figures.line(format!("{:<18} valid float {:.2} ({}) at the last epoch", "", mean(&last), each.join(" ")));
    }
    Ok(reached)
}

/// The commit that is checked out, in short; empty where that is not known.
fn commit() -> String {
    let git = std::process::Command::new("git").args(["rev-parse", "--short", "HEAD"]).current_dir(root()).output();
    git.ok()
        .filter(|out| out.status.success())
        .map_or(String::new(), |out| String::from_utf8_lossy(&out.stdout).trim().to_owned())
}

/// Whether a recipe names folds, each of which is test once.
fn folds(recipe: &Recipe) -> bool {
    recipe.data.as_ref().is_some_and(|data| !data.folds.is_empty())
}
