//! `elman train --dry-run`: memory and time of a run, measured on the first batches of its own data.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use serde::Serialize;

use rayon::prelude::*;

use super::train::{MOST_CALIBRATION_STEPS, Prepared, memory_text, quantization, runs_on_a_device, wrong_recipe};
use crate::ui::{Ui, bytes, thousands};
use elman_data::Split;
use elman_nn::Network;
use elman_pipeline::evaluate::{self, EvalFlags};
use elman_pipeline::{self as pipeline, Answer, Example, Source, readings};
use elman_recipe::Recipe;
use elman_train::{Dataset, Forecast, Sequence, Spent, forecast};

/// Memory and time of a whole run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Run {
    /// An epoch, and the memory of the network.
    #[serde(flatten)]
    pub forecast: Forecast,
    /// Epochs, where training does not end early.
    pub epochs: usize,
    /// Quantization-aware epochs after them.
    pub qat_epochs: usize,
    /// One of these.
    pub qat_epoch: Spent,
    /// Reading the data and making features.
    pub reading: Spent,
    /// Figures of the trained network on the validation and test splits.
    pub figures: Spent,
    /// All together.
    pub total: Spent,
    /// Most memory of the process in bytes; `None` where the system does not count it.
    pub process_bytes: Option<usize>,
}

/// The part of the memory that more epochs may take beyond what the first steps took, as memory is freed in pieces; and bytes
/// that do not depend on the data.
const MARGIN: usize = 12;
const SPARE: usize = 2 << 20;

/// Reads the data as a run does, takes some steps and says what the run takes.
pub(super) fn run(data: &Path, recipe: &Recipe, ui: Ui) -> Result<()> {
    let (reading, read) = Spent::of(|| -> Result<_> {
        let source = Source::open(data, recipe, pipeline::wanted_rate(recipe), &ui)?;
        let prepared = Prepared::of(&source, recipe)?;
        runs_on_a_device(&prepared, recipe)?;
        let splits = [Split::Train, Split::Valid, Split::Test];
        splits.iter().for_each(|split| drop(readings::report(&prepared.about.encoding, &source, *split)));
        let clips = recipe.quantize.calibration_clips;
        let inputs = prepared.about.encoding.inputs();
        let calibration = pipeline::spread(&prepared.train, clips, inputs, MOST_CALIBRATION_STEPS);
        Ok((source, prepared, calibration))
    });
    let (source, prepared, calibration) = read?;
    let spec = prepared.about.network(recipe);
    let scratch = tempfile::tempdir()?;
    let path = scratch.path().join("checkpoint.safetensors");
    let (making, [train, valid]) = Spent::of(|| prepared.sets(&source, recipe, None));
    let forecast = forecast(&spec, &recipe.train, train.as_ref(), valid.as_ref(), Some(&path)).map_err(wrong_recipe)?;
    // The sets are made again after the first epoch, as files have another place then.
    let reading = reading.and(making.times(2.0));
    let (figures, later) = figures(&prepared, recipe, &Network::new(&spec, recipe.train.seed)?);
    let (epochs, qat_epochs) = (recipe.train.epochs, recipe.quantize.qat_epochs);
    let qat_epoch = forecast.epoch.and(in_integers(recipe, &prepared, &calibration, train.as_ref())?);
    let kept = train.kept_later() + later;
    let run = Run {
        forecast,
        epochs,
        qat_epochs,
        qat_epoch,
        reading,
        figures,
        total: reading.and(forecast.epoch.times(epochs as f64)).and(qat_epoch.times(qat_epochs as f64)).and(figures),
        process_bytes: peak_bytes().map(|peak| peak + kept + peak / MARGIN + SPARE),
    };
    ui.line(text(&recipe.name, &run));
    ui.result(&run)
}

fn text(name: &str, run: &Run) -> String {
    let memory = match run.process_bytes {
        Some(most) => format!("at most {} of memory; {}", bytes(most), memory_text(&run.forecast.memory)),
        None => memory_text(&run.forecast.memory),
    };
    format!(
        "{name}: about {} ({} of processor time): {} epochs of {} over {} sequences, {}{} of reading, {} of evaluation; {memory}",
        time(run.total.seconds),
        time(run.total.processor_seconds),
        thousands(run.epochs as u64),
        time(run.forecast.epoch.seconds),
        thousands(run.forecast.sequences as u64),
        match run.qat_epochs {
            0 => String::new(),
            n => format!("{} in integers of {}, ", thousands(n as u64), time(run.qat_epoch.seconds)),
        },
        time(run.reading.seconds),
        time(run.figures.seconds),
    )
}

/// What the network in integers adds to an epoch, from the time of some sequences.
fn in_integers(recipe: &Recipe, prepared: &Prepared, calibration: &[Example], train: &dyn Dataset) -> Result<Spent> {
    let Some(aware) = quantization(recipe, &prepared.about, calibration) else { return Ok(Spent::default()) };
    let network = Network::new(&prepared.about.network(recipe), recipe.train.seed)?;
    let mut integer = aware.quantizer.begin(&network, None).map_err(anyhow::Error::msg)?;
    let scales = integer.scales();
    integer.round(&network, &scales).map_err(anyhow::Error::msg)?;
    let some: Vec<Sequence> = (0..train.len().min(SEQUENCES)).map(|k| train.get(k, None)).collect();
    let (spent, ()) = Spent::of(|| {
        some.par_chunks(recipe.train.shard).for_each(|part| drop(integer.run(&part.iter().collect::<Vec<_>>())));
    });
    Ok(spent.times(train.len() as f64 / some.len().max(1) as f64))
}

/// Sequences whose time in integers is measured.
const SEQUENCES: usize = 256;

/// A duration as people read it.
fn time(seconds: f64) -> String {
    match seconds {
        0.0..0.1 => format!("{:.1} ms", seconds * 1000.0),
        0.1..100.0 => format!("{seconds:.1} s"),
        100.0..6000.0 => format!("{:.1} min", seconds / 60.0),
        _ => format!("{:.1} h", seconds / 3600.0),
    }
}

/// Seconds that some examples must take, so that the time of all follows from theirs.
const ENOUGH: Duration = Duration::from_millis(500);

/// Time of the figures at the end of a run, and bytes of the answers that were not computed here.
fn figures(prepared: &Prepared, recipe: &Recipe, network: &Network<f32>) -> (Spent, usize) {
    let (about, flags) = (&prepared.about, EvalFlags::of(recipe));
    let inputs = about.encoding.inputs();
    let outputs = about.encoding.outputs();
    let mut total = (Spent::default(), 0);
    for split in [&prepared.valid, &prepared.test] {
        let steps = |examples: &[Example]| examples.iter().map(|e| e.steps(inputs)).sum::<usize>();
        let mut n = 64;
        while !split.is_empty() {
            let every = split.len().div_ceil(n);
            let some: Vec<Example> = split.iter().step_by(every).cloned().collect();
            let (spent, _) = Spent::of(|| {
                let parts = evaluate::float(network, about, &some, flags);
                evaluate::figures(&about.encoding, &some, &parts, flags)
            });
            if every > 1 && spent.seconds < ENOUGH.as_secs_f64() {
                n *= 4;
                continue;
            }
            let (of, all) = (steps(&some), steps(split));
            let answer = match split[0].answer {
                Answer::Values(_) => outputs * size_of::<f32>(),
                Answer::Steps(_) | Answer::Symbols(_) => size_of::<u32>(),
                Answer::Class(_) | Answer::Last(_) | Answer::Next => 0,
            };
            total = (total.0.and(spent.times(all as f64 / of.max(1) as f64)), total.1 + (all - of) * answer);
            break;
        }
    }
    total
}

/// Most memory that this process had.
#[cfg(unix)]
fn peak_bytes() -> Option<usize> {
    let usage = nix::sys::resource::getrusage(nix::sys::resource::UsageWho::RUSAGE_SELF).ok()?;
    // In bytes on macOS, in KB elsewhere.
    let unit = if cfg!(target_vendor = "apple") { 1 } else { 1024 };
    usize::try_from(usage.max_rss()).ok()?.checked_mul(unit)
}

#[cfg(not(unix))]
fn peak_bytes() -> Option<usize> {
    None
}
