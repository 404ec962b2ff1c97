//! The report of a run folder, from what its files hold so far.

use anyhow::Result;
use serde::Deserialize;

use super::{Confusion, Epoch, Fact, Histogram, Layer, Report};
use crate::cost;
use crate::model::ModelFile;
use crate::run::RunFolder;
use crate::ui::thousands;

/// Bars of a histogram of weights.
const BINS: usize = 41;

/// What `eval`, `quantize` and `verify` left in results.json. What is missing has not been run.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Results {
    eval: Option<Eval>,
    quantize: Option<Quantize>,
    verify: Option<Verify>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Counts {
    counts: Vec<Vec<u64>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Eval {
    split: String,
    clips: u64,
    labels: Vec<String>,
    float_accuracy: Option<f64>,
    integer_accuracy: f64,
    float_confusion: Option<Counts>,
    integer_confusion: Counts,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Quantize {
    layers: Vec<LayerResult>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct LayerResult {
    layer: usize,
    variant: String,
    weights_db: Option<f64>,
    output_db: Option<f64>,
    saturated: u64,
    outputs: u64,
    drift: Vec<f64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Verify {
    core: String,
    steps: u64,
    mismatches: u64,
    instructions: f64,
}

impl Report {
    /// What a run folder tells so far: curves after training, layers after quantize, confusion after eval, counted
    /// instructions after verify.
    ///
    /// # Errors
    /// Where a file of the folder is damaged.
    pub fn of_run(folder: &RunFolder) -> Result<Report> {
        let recipe = folder.recipe()?;
        let results: Results = serde_json::from_value(folder.results().into())?;
        let model = folder.model_path().exists().then(|| ModelFile::read(&folder.model_path())).transpose()?;
        let mut report = Report {
            title: recipe.name.clone(),
            epochs: epochs(folder),
            histograms: folder.network().map(|n| weights(&n)).unwrap_or_default(),
            recipe: recipe.to_toml()?,
            ..Report::default()
        };
        if let Some(eval) = results.eval {
            report.add_eval(eval);
        }
        report.layers = results.quantize.unwrap_or_default().layers.into_iter().map(Layer::from).collect();
        if let Some(file) = model {
            report.add_costs(&cost::of(&file.model()?));
        }
        if let Some(verify) = results.verify {
            report.add_verify(&verify);
        }
        Ok(report)
    }

    fn add_eval(&mut self, eval: Eval) {
        let Eval { split, clips, labels, .. } = eval;
        let note = format!("{clips} clips of {split}");
        let percent = |share: f64| format!("{:.2}", 100.0 * share);
        let networks = [
            ("float", eval.float_accuracy, eval.float_confusion),
            ("integer", Some(eval.integer_accuracy), Some(eval.integer_confusion)),
        ];
        for (name, accuracy, confusion) in networks {
            if let Some(share) = accuracy {
                self.summary.push(Fact::new(format!("accuracy, {name}"), percent(share), "%").with_note(&note));
            }
            if let Some(Counts { counts }) = confusion {
                let title = format!("{name} network on {split}");
                self.confusions.push(Confusion { title, labels: labels.clone(), counts });
            }
        }
    }

    fn add_costs(&mut self, cost: &cost::Cost) {
        let bytes = |n: usize| thousands(n as u64);
        self.summary.push(Fact::new("blob", bytes(cost.blob_bytes), "bytes").with_note("flash"));
        self.summary.push(
            Fact::new("RAM", bytes(cost.ram_bytes), "bytes")
                .with_note(format!("and {} of the front end", bytes(cost.audio_ram_bytes))),
        );
        self.costs = vec![
            Fact::new("blob", bytes(cost.blob_bytes), "bytes").with_note("weights, biases, labels, all parameters"),
            Fact::new("memory of a stream", bytes(cost.ram_bytes), "bytes").with_note("hidden and cell states"),
            Fact::new("memory of the audio front end", bytes(cost.audio_ram_bytes), "bytes"),
            Fact::new("multiplications with a weight", thousands(cost.macs), "per step"),
        ];
        for (i, layer) in cost.layers.iter().enumerate() {
            let shape = format!("{} inputs, {} units", layer.inputs, layer.units);
            let name = |what: &str| format!("layer {i}, {}: {what}", layer.variant);
            self.costs.push(Fact::new(name("flash"), bytes(layer.flash_bytes), "bytes").with_note(shape));
            self.costs.push(Fact::new(name("RAM"), bytes(layer.ram_bytes), "bytes"));
        }
        for (core, count) in &cost.instructions {
            let fact = Fact::new(format!("instructions on a Cortex-{core}"), thousands(*count), "per step");
            self.costs.push(fact.with_note("estimate"));
        }
    }

    fn add_verify(&mut self, verify: &Verify) {
        let Verify { core, steps, mismatches, instructions } = verify;
        let same = if *mismatches == 0 { "yes" } else { "no" };
        let note = format!("{} of {} steps differ", thousands(*mismatches), thousands(*steps));
        self.summary.push(Fact::new(format!("bit-exact on {core}"), same, "").with_note(note));
        let count = thousands(instructions.round() as u64);
        let fact = Fact::new(format!("instructions, {core}"), count, "per step").with_note("counted in the emulator");
        self.summary.push(fact.clone());
        self.costs.push(fact);
    }
}

/// None before the first epoch ends.
fn epochs(folder: &RunFolder) -> Vec<Epoch> {
    let metrics = folder.metrics().unwrap_or_default();
    let epoch = |m: &crate::train::EpochMetrics| Epoch {
        epoch: m.epoch,
        train_loss: Some(m.train_loss),
        valid_loss: Some(m.valid_loss),
        train_accuracy: Some(m.train_accuracy),
        valid_accuracy: Some(m.valid_accuracy),
        best: m.best,
    };
    metrics.iter().map(epoch).collect()
}

/// A histogram of each tensor that is not a bias.
fn weights(network: &crate::nn::Network<f32>) -> Vec<Histogram> {
    network
        .tensors()
        .iter()
        .filter_map(|t| network.tensor(&t.name))
        .filter(|(tensor, values)| !is_bias(&tensor.name) && values.len() > 1)
        .map(|(tensor, values)| Histogram::of(&tensor.name, values, BINS))
        .collect()
}

/// Names end in the lecture's letter: W, U, or b.
fn is_bias(name: &str) -> bool {
    name.rsplit('.').next().is_some_and(|last| last.starts_with('b'))
}

impl From<LayerResult> for Layer {
    fn from(l: LayerResult) -> Layer {
        Layer {
            name: format!("{} {}", l.layer, l.variant),
            weights_db: l.weights_db,
            // Infinity has no place in JSON: no noise at all.
            output_db: l.output_db.unwrap_or(f64::INFINITY),
            saturated: l.saturated,
            outputs: l.outputs,
            drift: l.drift,
        }
    }
}
