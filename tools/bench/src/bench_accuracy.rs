//! `bench accuracy`: wall time until the same accuracy on the validation set, ours and PyTorch's.
//!
//! Both sides train the recipe's network from nothing on the same frames, each channel with mean 0 and deviation 1, without
//! dropout and augmentation, by AdamW with the recipe's rate, cosine schedule, clipping and weight decay, with two threads.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use elman_data::Split;
use elman_nn::{LayerSpec, NetworkSpec, Over, Pool, Target};
use elman_pipeline::{Answer, Encoding, Source, wanted_rate};
use elman_recipe::Recipe;
use elman_tools::ui::Ui;
use elman_train::{Control, Progress, Schedule, Sequence, TrainConfig, Trainer};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

use crate::bench_train::torch;
use elman_figures::{Figures, Output, root};

/// A recipe, its cell, units, and whether the states are averaged over time.
const CASES: [(&str, &str, usize, bool); 3] =
    [("fsdd", "gru", 64, false), ("asc_kws", "gru", 64, false), ("har_uci-gru", "gru", 32, true)];
const THREADS: usize = 2;

/// How to measure.
#[derive(Clone, Debug, clap::Args)]
#[group(id = "bench-accuracy")]
pub struct Args {
    /// Folder that holds the corpora, each named as its recipe says
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Only recipes with this in their names
    #[arg(long, value_name = "PART", default_value = "")]
    only: String,
    /// Seeds, each trained by both sides in turn
    #[arg(long, default_value_t = 3)]
    seeds: u64,
    /// Epochs, instead of the recipe's
    #[arg(long)]
    epochs: Option<usize>,
    #[command(flatten)]
    pub output: Output,
}

/// What an epoch reached.
#[derive(Clone, Copy, Debug, Deserialize)]
struct Reached {
    /// Since training began.
    seconds: f64,
    accuracy: f64,
}

/// What PyTorch's side reads.
#[derive(Serialize)]
struct Task<'a> {
    cell: &'a str,
    inputs: usize,
    hidden: usize,
    classes: usize,
    mean: bool,
    batch: usize,
    epochs: usize,
    rate: f64,
    warmup: f64,
    clip: f64,
    weight_decay: f64,
    seed: u64,
    threads: usize,
    data: &'a Path,
    /// Place of the first value, steps, class.
    train: Vec<[usize; 3]>,
    valid: Vec<[usize; 3]>,
}

/// Sequences of frames with their classes.
struct Data {
    inputs: usize,
    classes: usize,
    train: Vec<Sequence>,
    valid: Vec<Sequence>,
}

impl Data {
    fn read(folder: &Path, recipe: &Recipe) -> Result<Self> {
        let ui = Ui { json: true, ..Ui::default() };
        let source = Source::open(folder, recipe, wanted_rate(recipe), &ui)?;
        let encoding = Encoding::of(&source, recipe)?;
        let inputs = encoding.inputs();
        let read = |split| -> Result<Vec<(Vec<f32>, u32)>> {
            let class = |answer: &Answer| match answer {
                Answer::Class(class) => Ok(*class),
                _ => bail!("the examples have no classes"),
            };
            let examples = encoding.examples(&source, split)?;
            examples.iter().map(|e| Ok((e.frames.iter().map(|x| f32::from(*x)).collect(), class(&e.answer)?))).collect()
        };
        let (mut train, mut valid) = (read(Split::Train)?, read(Split::Valid)?);
        for channel in 0..inputs {
            let of_channel = |set: &[(Vec<f32>, u32)]| -> Vec<f64> {
                set.iter().flat_map(|(f, _)| f.iter().skip(channel).step_by(inputs)).map(|x| f64::from(*x)).collect()
            };
            let values = of_channel(&train);
            let n = values.len().max(1) as f64;
            let mean = values.iter().sum::<f64>() / n;
            let deviation = (values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n).sqrt().max(1e-6);
            for (frames, _) in train.iter_mut().chain(&mut valid) {
                for x in frames.iter_mut().skip(channel).step_by(inputs) {
                    *x = ((f64::from(*x) - mean) / deviation) as f32;
                }
            }
        }
        let sequences = |set: Vec<(Vec<f32>, u32)>| -> Vec<Sequence> {
            set.into_iter().map(|(frames, class)| Sequence::new(frames, Target::Class(class))).collect()
        };
        Ok(Data { inputs, classes: encoding.outputs(), train: sequences(train), valid: sequences(valid) })
    }
}

/// Trains and compares.
///
/// # Errors
/// Where a corpus is missing or either side fails.
pub fn run(args: &Args) -> Result<Figures> {
    let mut figures = Figures::new("bench-accuracy");
    let python = torch::python()?;
    figures.line(format!("Wall time until both have the same accuracy on the validation set, {THREADS} threads"));
    figures.line("             seed   accuracy   ours s  torch s   faster      best of ours, of torch");
    for (name, cell, hidden, mean) in CASES.into_iter().filter(|case| case.0.contains(&args.only)) {
        let recipe = Recipe::read(&root().join("tools/recipes").join(format!("{name}.toml")), &[])?;
        let corpus = [&recipe.corpus, &recipe.name].into_iter().find(|n| !n.is_empty() && args.data.join(n).exists());
        let corpus = corpus.map_or_else(|| name.split('-').next().unwrap_or(name).to_owned(), Clone::clone);
        let data = Data::read(&args.data.join(corpus), &recipe)?;
        let config = TrainConfig {
            threads: THREADS,
            epochs: args.epochs.unwrap_or(recipe.train.epochs),
            schedule: Schedule::Cosine,
            ..recipe.train.clone()
        };
        let mut product = 1.0;
        for seed in 1..=args.seeds {
            let config = TrainConfig { seed, ..config.clone() };
            let pool = Pool { over: if mean { Over::Mean } else { Over::Last } };
            let layers = vec![LayerSpec::cell(cell, hidden), LayerSpec::from(pool), LayerSpec::dense(data.classes)];
            let ours = ours(&NetworkSpec::sequence(data.inputs, layers), &config, &data)?;
            let theirs = theirs(&python, (cell, hidden, mean), &config, &data)?;
            let best = |epochs: &[Reached]| epochs.iter().map(|e| e.accuracy).fold(0.0, f64::max);
            let accuracy = best(&ours).min(best(&theirs));
            let until = |epochs: &[Reached]| epochs.iter().find(|e| e.accuracy >= accuracy).map(|e| e.seconds);
            let (a, b) = until(&ours).zip(until(&theirs)).context("a side reached nothing")?;
            product *= b / a;
            figures.line(format!(
                "{name:<13}{seed:>4}{:>9.2} %{a:>9.2}{b:>9.2}{:>9.2}{:>16.2} %{:>9.2} %",
                100.0 * accuracy,
                b / a,
                100.0 * best(&ours),
                100.0 * best(&theirs)
            ));
        }
        let faster = product.powf(1.0 / args.seeds.max(1) as f64);
        figures.line(format!("{name:<13} all {:>41.2}", faster));
        figures.add(name, faster);
    }
    Ok(figures)
}

/// Our side.
fn ours(spec: &NetworkSpec, config: &TrainConfig, data: &Data) -> Result<Vec<Reached>> {
    let mut trainer = Trainer::new(spec, config)?;
    let mut epochs = Vec::new();
    let begin = Instant::now();
    trainer.run(&data.train, &data.valid, None, |progress| {
        if let Progress::Epoch(e) = progress {
            epochs.push(Reached { seconds: begin.elapsed().as_secs_f64(), accuracy: e.valid_accuracy });
        }
        Control::Continue
    })?;
    Ok(epochs)
}

/// PyTorch's side.
fn theirs(
    python: &Path,
    (cell, hidden, mean): (&str, usize, bool),
    config: &TrainConfig,
    data: &Data,
) -> Result<Vec<Reached>> {
    let folder = tempfile::tempdir().context("a temporary folder")?;
    let (values, task) = (folder.path().join("values.f32"), folder.path().join("task.json"));
    let mut bytes: Vec<u8> = Vec::new();
    let mut places = |set: &[Sequence]| -> Vec<[usize; 3]> {
        let place = |s: &Sequence| {
            let at = bytes.len() / 4;
            bytes.extend(s.frames.iter().flat_map(|x| x.to_le_bytes()));
            let class = if let Target::Class(class) = s.target { class as usize } else { 0 };
            [at, s.frames.len() / data.inputs, class]
        };
        set.iter().map(place).collect()
    };
    let (train, valid) = (places(&data.train), places(&data.valid));
    std::fs::write(&values, bytes).context("a temporary file for the frames")?;
    let written = Task {
        cell,
        inputs: data.inputs,
        hidden,
        classes: data.classes,
        mean,
        batch: config.batch,
        epochs: config.epochs,
        rate: config.rate,
        warmup: config.warmup,
        clip: if config.clip > 0.0 { config.clip } else { 1e9 },
        weight_decay: config.weight_decay,
        seed: config.seed,
        threads: THREADS,
        data: &values,
        train,
        valid,
    };
    std::fs::write(&task, serde_json::to_vec(&written)?).context("a temporary file for the task")?;
    let script = root().join("tools/bench/assets/accuracy_torch.py");
    let output = Command::new(python).arg(script).arg(&task).output().context("cannot start Python")?;
    ensure!(output.status.success(), "PyTorch failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    String::from_utf8(output.stdout)?.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
}
