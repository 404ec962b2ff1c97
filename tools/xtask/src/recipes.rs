//! `recipes`: trains recipes on real data with several seeds, rounds, and prints accuracies, float and integer.

use anyhow::{Context, Result, ensure};
use elman_tools::cmd::{eval, quantize, train};
use elman_tools::data::Split;
use elman_tools::model::ModelFile;
use elman_tools::pipeline;
use elman_tools::recipe::Recipe;
use elman_tools::run::RunFolder;
use elman_tools::ui::Ui;
use std::path::PathBuf;
use std::process::ExitCode;

use crate::report::{Figures, Output, root};

/// Which recipes, on which data.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Folder that holds a corpus for each recipe, named by the recipe's name up to its first dash
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Recipes, without .toml
    #[arg(long, value_delimiter = ',', default_value = "fsdd,fsdd-lstm,fsdd-srn,asc_kws")]
    recipes: Vec<String>,
    /// Seeds to average over, from 1
    #[arg(long, default_value_t = 3)]
    seeds: u64,
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
    figures.line(format!("Accuracy in %, mean of {} seeds (each in brackets)", args.seeds));
    for name in &args.recipes {
        let corpus_name = name.split('-').next().unwrap_or(name);
        let data = args.data.join(corpus_name);
        let path = root().join("tools/recipes").join(format!("{name}.toml"));
        let recipe = Recipe::read(&path, &[])?;
        let corpus = pipeline::open_corpus(&data, pipeline::wanted_rate(&recipe), Ui { json: true })
            .with_context(|| format!("recipe {name}"))?;
        let split = pipeline::judging(&corpus, None)?;
        let (mut float, mut integer, mut last) = (Vec::new(), Vec::new(), Vec::new());
        for seed in 1..=args.seeds {
            let mut recipe = recipe.clone();
            recipe.train.seed = seed;
            let dir = tempfile::tempdir()?;
            let folder = RunFolder::create(dir.path(), true)?;
            let trained = train::train(&corpus, &recipe, &folder, false, Ui { json: true })?;
            quantize::run(&folder, 0)?;
            let file = ModelFile::read(dir.path())?;
            let audio = folder.about()?.audio;
            let examples = pipeline::examples(corpus.split(split), &audio)?;
            let e = eval::evaluate(dir.path(), &file, split, &examples)?;
            eprintln!(
                "{name} seed {seed}: float {:.2}, integer {:.2}, {:.0} s",
                100.0 * e.float_accuracy.unwrap_or(0.0),
                100.0 * e.integer_accuracy,
                trained.seconds
            );
            float.push(100.0 * e.float_accuracy.unwrap_or(0.0));
            integer.push(100.0 * e.integer_accuracy);
            last.push(100.0 * folder.metrics()?.last().map_or(0.0, |e| e.valid_accuracy));
        }
        let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
        let each = |v: &[f64]| v.iter().map(|a| format!("{a:.2}")).collect::<Vec<_>>().join(" ");
        let split = match split {
            Split::Valid => "valid",
            _ => "test",
        };
        figures.line(format!(
            "{name:<12} {split:<6} float {:.2} ({})   integer {:.2} ({})   loss {:+.2}",
            mean(&float),
            each(&float),
            mean(&integer),
            each(&integer),
            mean(&float) - mean(&integer)
        ));
        if split == "valid" {
            // The split that judges chose the epoch as well: say what the last epoch, chosen by nothing, has.
            figures.line(format!("{:<12} {split:<6} float {:.2} ({}) at the last epoch", "", mean(&last), each(&last)));
        }
        figures.add(format!("{name}-float"), mean(&float));
        figures.add(format!("{name}-integer"), mean(&integer));
        figures.add(format!("{name}-loss"), mean(&float) - mean(&integer));
    }
    figures.finish(&args.output)
}
