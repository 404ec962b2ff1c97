//! `bench detect`: hours of streams mixed from clips that were not trained on, at the calibrated point.
//!
//! The point is calibrated on streams of its own (other seeds: other order, gaps, background). They contain the same clips,
//! as there are no more; how much that flatters is shown by a point calibrated on half of the speakers and evaluated on the
//! other half.

use anyhow::{Context, Result};
use elman::Model;
use elman::detect::SilenceReset;
use elman_data::{Clip, Corpus, Split};
use elman_listen::{self as listening, DetectionCounts, OperatingTarget, Recording, StreamRecipe};
use elman_listen::{Calibrated, at_point};
use elman_pipeline::Mixed;
use elman_pipeline::run::RunFolder;
use elman_pipeline::{Source, wanted_rate};
use elman_quant::model::ModelFile;
use elman_recipe::Recipe;
use elman_tools::cmd::calibrate::summary;
use elman_tools::cmd::{quantize, train};
use elman_tools::ui::Ui;
use std::path::{Path, PathBuf};

use crate::soak;
use elman_figures::{Figures, Output, root};

/// Seed of the streams that calibrate, and how many hours they are: a threshold follows from the false accepts in them.
const CALIBRATION: (u64, f64) = (101, 24.0);
/// Seeds of the hours that are reported.
const HOURS: [u64; 2] = [1, 2];
/// Seed and number of the hours that measure the rates better than one can.
const MANY: (u64, f64) = (3, 8.0);
/// Hours of each half of the speakers.
const HALF_H: f64 = 4.0;
/// Words above the background, in dB.
const SNR_DB: f32 = 10.0;

/// A task.
struct Case {
    recipe: &'static str,
    /// Clips an hour.
    per_hour: f64,
    /// Hours in each of the streams that are reported.
    hours: f64,
    /// False accepts an hour that the point is calibrated for, and that are allowed.
    calibrated_for: f64,
    soak: bool,
}

const CASES: &[Case] = &[
    Case { recipe: "asc_kws-stream", per_hour: 120.0, hours: 1.0, calibrated_for: 1.0, soak: true },
    Case { recipe: "wakeword_en", per_hour: 120.0, hours: 4.0, calibrated_for: 0.5, soak: false },
];

/// Arguments of `bench detect`.
#[derive(Clone, Debug, clap::Args)]
#[group(id = "bench-detect")]
pub struct Args {
    /// Folder of the corpora
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Where run folders are kept; one that is there is not trained again
    #[arg(long, value_name = "DIR")]
    runs: Option<PathBuf>,
    /// Only recipes with this in their names
    #[arg(long, value_name = "PART", default_value = "")]
    only: String,
    /// Only the hours in one piece
    #[arg(long, alias = "endurance")]
    soak: bool,
    #[command(flatten)]
    pub output: Output,
}

/// Trains where needed, calibrates, plays.
///
/// # Errors
/// Where a corpus is missing or a run fails.
pub fn run(args: &Args) -> Result<Figures> {
    let ui = Ui { json: true, ..Ui::default() };
    let mut figures = Figures::new("bench-detect");
    let runs = args.runs.clone().unwrap_or_else(|| root().join("target/detect"));
    for case in CASES.iter().filter(|c| c.recipe.contains(&args.only)) {
        let recipe = Recipe::read(&root().join("tools/recipes").join(format!("{}.toml", case.recipe)), &[])?;
        let corpus = if recipe.corpus.is_empty() { &recipe.name } else { &recipe.corpus };
        let Source::Sound(corpus) = Source::open(&args.data.join(corpus), &recipe, wanted_rate(&recipe), &ui)? else {
            anyhow::bail!("{} contains no sound", args.data.join(corpus).display());
        };
        let file = trained(&runs.join(case.recipe), &recipe, &corpus, ui)?;
        let stream = recipe.stream.clone().context("the recipe has no table [stream]")?;
        figures.line(format!(
            "{}: {} clips of speech not trained on, {SNR_DB} dB above the background; calibrated for {} false accepts/h on {} h of other seeds",
            case.recipe,
            corpus.valid.len(),
            case.calibrated_for,
            CALIBRATION.1
        ));
        if !args.soak {
            at_calibrated_point(case, &file.model()?, &stream, &corpus, &mut figures)?;
        }
        if case.soak && !args.soak {
            half_of_the_speakers(case, &file.model()?, &stream, &corpus, &mut figures)?;
        }
        if case.soak {
            let tracks = mixed(Split::Valid, soak::HOURS, 240.0, 7).tracks(&stream, &corpus)?;
            soak::soak(&file, &tracks, silence_reset(&file.model()?)?, &mut figures)?;
        }
    }
    Ok(figures)
}

/// The model of a run folder, which is trained first where there is none.
fn trained(path: &Path, recipe: &Recipe, corpus: &Corpus, ui: Ui) -> Result<ModelFile> {
    let folder = match RunFolder::open(path) {
        Ok(folder) if folder.trained() => folder,
        _ => {
            let mut folder = RunFolder::create(path, true)?;
            train::train(&Source::Sound(corpus.clone()), recipe, &mut folder, train::TrainFlags::default(), ui)?;
            folder
        }
    };
    quantize::run(&folder, 0)?;
    ModelFile::read(path)
}

fn mixed(split: Split, hours: f64, per_hour: f64, seed: u64) -> Mixed {
    Mixed { split, hours, per_hour, snr_db: SNR_DB, seed }
}

/// The silence reset that `elman calibrate` gives a model.
fn silence_reset(model: &Model<'_>) -> Result<SilenceReset> {
    let (audio, labels, _) = listening::listener_setup(model)?;
    Ok(listening::silence_reset(listening::SILENCE_RESET_S, &audio, &labels))
}

/// Streams, mixed while they are played.
fn streams<'a>(mixed: Mixed, stream: &StreamRecipe, corpus: &'a Corpus) -> Result<Vec<Box<dyn Recording + 'a>>> {
    let boxed = |r| Box::new(r) as Box<dyn Recording + 'a>;
    Ok(mixed.recordings(stream, corpus)?.into_iter().map(boxed).collect())
}

/// The counts of a point on recordings.
fn evaluated(model: &Model<'_>, recordings: &[Box<dyn Recording + '_>], found: &Calibrated) -> Result<DetectionCounts> {
    Ok(at_point(model, recordings, &found.point.config, &|_| ())?.point.counts)
}

/// Calibrates, and reports the hours.
fn at_calibrated_point(
    case: &Case,
    model: &Model<'_>,
    stream: &StreamRecipe,
    corpus: &Corpus,
    figures: &mut Figures,
) -> Result<()> {
    let per_hour = case.per_hour;
    let tracks = streams(mixed(Split::Valid, CALIBRATION.1, per_hour, CALIBRATION.0), stream, corpus)?;
    let target = OperatingTarget { max_false_accepts_per_hour: case.calibrated_for };
    let found = listening::find(model, &tracks, target, silence_reset(model)?, &|_| ())?;
    figures.line(format!("  {per_hour} clips/h, the curve of one threshold for all words (false accepts/h: missed):"));
    let text = |(alarms, missed): &(f64, f64)| format!("{alarms:.2}: {:.1} %", 100.0 * missed);
    figures.line(format!("    {}", found.curve.iter().map(text).collect::<Vec<_>>().join(", ")));
    let calibration = format!("    calibration: {}", summary(&found.point.counts));
    eprintln!("{calibration}");
    figures.line(calibration);
    let mut tallies = Vec::new();
    for seed in HOURS {
        let tracks = streams(mixed(Split::Valid, case.hours, per_hour, seed), stream, corpus)?;
        let counts = evaluated(model, &tracks, &found)?;
        let line = format!("    seed {seed}: {}", summary(&counts));
        eprintln!("{per_hour} clips/h {line}");
        figures.line(line);
        figures.add(format!("{}-{seed}-false-accepts-per-hour", case.recipe), counts.per_hour());
        figures.add(format!("{}-{seed}-missed-percent", case.recipe), 100.0 * counts.miss_rate());
        tallies.push(counts);
    }
    let tracks = streams(mixed(Split::Valid, MANY.1, per_hour, MANY.0), stream, corpus)?;
    let many = evaluated(model, &tracks, &found)?;
    figures.line(format!("    seed {}: {}", MANY.0, summary(&many)));
    figures.add(format!("{}-many-false-accepts-per-hour", case.recipe), many.per_hour());
    figures.add(format!("{}-many-missed-percent", case.recipe), 100.0 * many.miss_rate());
    if let [a, b] = &tallies[..] {
        let deviations = apart(a, b);
        figures.line(format!(
            "    the two differ by {:.1} standard deviations in misses, {:.1} in false accepts",
            deviations[0], deviations[1]
        ));
        figures.add(format!("{}-apart", case.recipe), deviations[0].max(deviations[1]));
    }
    Ok(())
}

/// Standard deviations by which two counts differ: misses as shares, false accepts as counts.
fn apart(a: &DetectionCounts, b: &DetectionCounts) -> [f64; 2] {
    let n = (a.said + b.said).max(1) as f64;
    let p = 1.0 - (a.hits + b.hits) as f64 / n;
    let error = (p * (1.0 - p) * (1.0 / a.said.max(1) as f64 + 1.0 / b.said.max(1) as f64)).sqrt();
    let misses = (a.miss_rate() - b.miss_rate()).abs() / error.max(1e-9);
    let (x, y) = (a.false_accepts as f64, b.false_accepts as f64);
    [misses, (x - y).abs() / (x + y).sqrt().max(1.0)]
}

/// A point calibrated on half of the speakers, evaluated on the other half, both ways.
fn half_of_the_speakers(
    case: &Case,
    model: &Model<'_>,
    stream: &StreamRecipe,
    corpus: &Corpus,
    figures: &mut Figures,
) -> Result<()> {
    let mut speakers: Vec<&String> = corpus.valid.iter().filter_map(|c| c.speaker.as_ref()).collect();
    speakers.sort();
    speakers.dedup();
    let half = speakers.len() / 2;
    if half == 0 {
        return Ok(());
    }
    let part = |which: &[&String]| -> Corpus {
        let own = |c: &&Clip| c.speaker.as_ref().is_some_and(|s| which.contains(&s));
        Corpus { valid: corpus.valid.iter().filter(own).cloned().collect(), ..corpus.clone() }
    };
    let parts = [part(&speakers[..half]), part(&speakers[half..])];
    let mut sum = DetectionCounts::default();
    let per_hour = case.per_hour;
    let target = OperatingTarget { max_false_accepts_per_hour: case.calibrated_for };
    for (own, other) in [(0, 1), (1, 0)] {
        let tracks = streams(mixed(Split::Valid, HALF_H, per_hour, CALIBRATION.0), stream, &parts[own])?;
        let found = listening::find(model, &tracks, target, silence_reset(model)?, &|_| ())?;
        let tracks = streams(mixed(Split::Valid, HALF_H, per_hour, HOURS[0]), stream, &parts[other])?;
        sum.add(&evaluated(model, &tracks, &found)?);
    }
    figures.line(format!(
        "  calibrated on half of the speakers, evaluated on the others, {per_hour} clips/h: {}",
        summary(&sum)
    ));
    figures.add(format!("{}-other-speakers-false-accepts-per-hour", case.recipe), sum.per_hour());
    figures.add(format!("{}-other-speakers-missed-percent", case.recipe), 100.0 * sum.miss_rate());
    Ok(())
}
