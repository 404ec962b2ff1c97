//! The report of a run folder, from its files.

use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::eval::Evaluated;
use super::loss_unit::LossUnit;
use super::quantize::Quantized;
use super::samples::Sample;
use crate::ui::thousands;
use elman_data::files::write_atomically;
use elman_listen::Calibrated;
use elman_pipeline::embedding::Embedding;
use elman_pipeline::evaluate::compare::LayerError;
use elman_pipeline::run::RunFolder;
use elman_quant::model::ModelFile;
use elman_report::{Attention, Epoch, Fact, Histogram, Layer, Map, Report};
use elman_train::EpochMetrics;
use elman_verify::cost;

/// What the report takes from a verification.
#[derive(Deserialize)]
struct Verified {
    core: String,
    #[serde(default)]
    board: bool,
    steps: u64,
    mismatches: u64,
    instructions: f64,
}

/// Writes report.html from the files of the run folder so far.
///
/// # Errors
/// Where a file cannot be read or written.
pub fn write(folder: &RunFolder) -> Result<()> {
    let evaluated = found::<Evaluated>(&folder.results()?, "eval");
    write_atomically(&folder.report_path(), of(folder, evaluated)?.html().as_bytes())
}

/// Writes the report of an evaluation on other data than the run's, named after their folder; its path.
///
/// # Errors
/// Where a file cannot be read or written.
pub fn write_other(folder: &RunFolder, evaluated: Evaluated, data: &Path) -> Result<PathBuf> {
    let name = data.canonicalize().unwrap_or_else(|_| data.to_owned());
    let name = name.file_name().map_or("data".into(), |n| n.to_string_lossy().into_owned());
    let path = folder.path().join(format!("report-{name}.html"));
    write_atomically(&path, of(folder, Some(evaluated))?.html().as_bytes())?;
    Ok(path)
}

/// The report from the files of the run folder so far.
fn of(folder: &RunFolder, evaluated: Option<Evaluated>) -> Result<Report> {
    let recipe = folder.recipe()?;
    let mut report = Report { title: recipe.name.clone(), recipe: recipe.to_toml()?, ..Report::default() };
    let unit = LossUnit::of(&folder.about()?.network(&recipe));
    report.loss_of = unit.name().to_owned();
    let epoch = |e: &EpochMetrics| {
        let [train_loss, valid_loss] = unit.losses(e).map(Some);
        let [train_accuracy, valid_accuracy] = [e.train_accuracy, e.valid_accuracy].map(Some);
        Epoch { epoch: e.epoch, train_loss, valid_loss, train_accuracy, valid_accuracy, best: e.best }
    };
    report.epochs = folder.metrics()?.iter().map(epoch).collect();
    let results = folder.results()?;
    if let Some(e) = evaluated {
        evaluation(&mut report, e);
    }
    if let Some(q) = found::<Quantized>(&results, "quantize") {
        report.layers = q.layers.into_iter().map(layer).collect();
    }
    if let Some(c) = found::<Calibrated>(&results, "calibrate") {
        let counts = &c.point.counts;
        let note = format!("{:.2} hours, {} words spoken", counts.hours, counts.said);
        let missed = if counts.said == 0 { "none".into() } else { format!("{:.1} %", 100.0 * counts.miss_rate()) };
        report.summary.extend([
            Fact::new("false accepts an hour", format!("{:.2}", counts.per_hour()), "").with_note(note.clone()),
            Fact::new("words missed", missed, "").with_note(note),
        ]);
        report.trade_off = c.curve;
        report.scenes = folder.scenes()?;
    }
    if folder.trained() {
        let network = folder.network()?;
        for tensor in network.tensors().iter().filter(|t| t.shape.len() > 1) {
            let values = &network.values()[tensor.range.clone()];
            report.histograms.push(Histogram::of(tensor.name.clone(), values, 41));
        }
    }
    if folder.model_path().exists() {
        let file = ModelFile::read(&folder.model_path())?;
        costs(&mut report, &file)?;
        report.maps.extend(embedding_map(folder, &file)?);
    }
    if let Some(v) = found::<Verified>(&results, "verify") {
        let exact = if v.mismatches == 0 { "yes" } else { "no" };
        let (device, unit, note) = match v.board {
            true => ("the board at", "ticks", "of the board's clock, network without front end"),
            false => ("an emulated", "instructions", "counted in the emulator, network without front end"),
        };
        let steps = thousands(v.steps);
        report
            .summary
            .push(Fact::new("bit-exact", exact, "").with_note(format!("{steps} steps on {device} {}", v.core)));
        let spent = thousands(v.instructions.round() as u64);
        report.costs.push(Fact::new(format!("{unit} per step, {}", v.core), spent, "").with_note(note));
    }
    Ok(report)
}

fn found<T: DeserializeOwned>(results: &serde_json::Map<String, serde_json::Value>, key: &str) -> Option<T> {
    serde_json::from_value(results.get(key)?.clone()).ok()
}

fn evaluation(report: &mut Report, e: Evaluated) {
    report.attention.extend(attention(&e.samples));
    let note = e.examples_text();
    for (k, figure) in e.integer.iter().enumerate() {
        let name = |network: &str| format!("{network} {}", figure.name);
        if let Some(float) = e.float.as_ref().and_then(|f| f.get(k)) {
            report.summary.push(Fact::new(name("float"), float.text(), "").with_note(note.clone()));
        }
        let differ = e.disagree.filter(|_| e.integer_confusion.is_some());
        let differ = differ.map_or(note.clone(), |n| format!("{n} answers differ from the float network's"));
        report.summary.push(Fact::new(name("integer"), figure.text(), "").with_note(differ));
    }
    for (name, confusion) in [("integer", e.integer_confusion), ("float", e.float_confusion)] {
        if let Some(c) = confusion {
            report.confusions.push(elman_report::Confusion {
                title: format!("{name} network, {} split", e.split),
                labels: e.labels.clone(),
                counts: c.counts,
            });
        }
    }
}

/// Attention of the samples, where the model attends.
fn attention(samples: &[Sample]) -> impl Iterator<Item = Attention> + '_ {
    samples.iter().filter(|s| !s.weights.is_empty()).map(|s| Attention {
        title: s.name.clone(),
        read: s.read.clone(),
        written: s.said.iter().cloned().chain(["<end>".to_owned()]).collect(),
        weights: s.weights.clone(),
    })
}

/// Symbols on the map of an embedding: more could not be read.
const MAP_SYMBOLS: usize = 120;

/// The map of the most frequent symbols in the examples kept for quantization, where the model has an embedding.
fn embedding_map(folder: &RunFolder, file: &ModelFile) -> Result<Option<Map>> {
    let Ok(embedding) = Embedding::of(&file.model()?) else { return Ok(None) };
    let mut counts = vec![0usize; embedding.symbols().len()];
    for symbol in folder.calibration()?.iter().flat_map(|e| &e.frames) {
        if let Some(count) = counts.get_mut(usize::from(*symbol as u16)) {
            *count += 1;
        }
    }
    let mut which: Vec<usize> = (1..counts.len()).filter(|k| counts[*k] > 0).collect();
    which.sort_by_key(|k| (std::cmp::Reverse(counts[*k]), *k));
    which.truncate(MAP_SYMBOLS);
    let names = which.iter().map(|k| embedding.symbols()[*k].replace(' ', "␣").replace('\n', "⏎"));
    let points = embedding.map(&which).into_iter().zip(names).map(|((x, y), name)| (x, y, name)).collect();
    Ok(Some(Map { title: "The most frequent symbols on the two principal components".to_owned(), points }))
}

fn layer(l: LayerError) -> Layer {
    Layer {
        name: format!("{} {}", l.layer, l.variant),
        weights_db: l.weights.weights_db,
        output_db: l.output_db.unwrap_or(if l.drift.is_empty() { f64::NAN } else { f64::INFINITY }),
        saturated: l.saturated,
        outputs: l.outputs,
        drift: l.drift,
    }
}

fn costs(report: &mut Report, file: &ModelFile) -> Result<()> {
    let cost = cost::of(&file.model()?);
    let facts = [
        Fact::new("blob in flash", thousands(cost.blob_bytes as u64), "bytes"),
        Fact::new("memory of the states", thousands(cost.ram_bytes as u64), "bytes").with_note("exact"),
        Fact::new("memory of the audio front end", thousands(cost.audio_ram_bytes as u64), "bytes").with_note("exact"),
        Fact::new("multiplications per step", thousands(cost.macs), ""),
    ];
    report.costs.extend(facts);
    report.costs.extend(
        cost.estimates
            .iter()
            .map(|e| Fact::new(format!("instructions per step, {} (estimate)", e.name), thousands(e.instructions), "")),
    );
    Ok(())
}
