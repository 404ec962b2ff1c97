//! `elman import`: a network of PyTorch, ONNX or Keras as a run folder.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use elman_data::RecordOptions;
use elman_data::records::{Answer, Format, Input, Records, Task};
use elman_import::{Asked, Imported, Outputs};
use elman_nn::{Loss, Network};
use elman_pipeline::run::RunFolder;
use elman_pipeline::{self as pipeline, Source};
use elman_recipe::{NetworkRecipe, Recipe, Usage};
use elman_train::Trainer;
use serde::Serialize;

use super::import_encoding as fitted;
use super::train::{MOST_CALIBRATION_STEPS, Prepared};
use crate::ui::{Ui, thousands};

/// Imports a trained network: a PyTorch state_dict (safetensors, .pt), an ONNX graph, a Keras model (.keras, .h5).
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  elman import model.onnx --data frames/ --to runs/gesture\n  elman import model.safetensors --recipe network.toml --data frames/ --to runs/gesture --labels circle,wave,rest\n\nThe data are frames as the model was trained on: x.npy of [examples, steps, values] with labels in y.npy, csv files\nwhose rows are steps, or any format of `elman data check`. They calibrate the integers; a hundred examples do. What maps\nto what: docs/import.md"
)]
pub struct Cmd {
    /// The file of the network
    pub file: PathBuf,
    /// Folder, or file, of frames like those that the network was trained on
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// Run folder to write
    #[arg(long, value_name = "RUN")]
    pub to: PathBuf,
    /// Recipe: its table `network` names the layers where the file does not tell them, its table `data` how the data are read
    #[arg(long, value_name = "NETWORK.toml")]
    pub recipe: Option<PathBuf>,
    /// Labels in the order of the outputs, apart by commas, or a file with one a line
    #[arg(long, value_name = "LABELS")]
    pub labels: Option<String>,
    /// A file with the symbols of the embedding, one a line, in the order of its rows
    #[arg(long, value_name = "FILE")]
    pub vocabulary: Option<PathBuf>,
    /// Says that the network was trained on features of elman's front end, with those of the recipe's table `features`
    #[arg(long)]
    pub same_front_end: bool,
    /// Changes a value of the recipe, as in --set name=gesture
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Takes the place of a run that is in the folder
    #[arg(long)]
    pub force: bool,
}

/// What was imported.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The run folder.
    pub run: PathBuf,
    /// The file's format.
    pub format: &'static str,
    /// Layers, as recipes name them.
    pub layers: Vec<String>,
    /// Labels of the outputs.
    pub labels: Vec<String>,
    /// Weights and biases.
    pub parameters: usize,
    /// Examples that calibrate.
    pub calibration: usize,
    /// What was assumed.
    pub notes: Vec<String>,
}

impl Cmd {
    /// Runs it, and prints what was imported.
    pub fn run(self, ui: Ui) -> Result<()> {
        let report = self.import(ui)?;
        report.notes.iter().for_each(|note| ui.note(format!("note: {note}")));
        ui.line(format!(
            "{}: {} into {}, {} parameters, {} examples calibrate",
            report.run.display(),
            report.format,
            report.layers.join(", "),
            thousands(report.parameters as u64),
            report.calibration
        ));
        ui.line(format!("next: elman quantize {}", report.run.display()));
        ui.result(&report)
    }

    /// Writes the run folder.
    ///
    /// # Errors
    /// A file, data or a recipe that cannot be read or do not fit each other; a network that no device runs; a folder that cannot
    /// be written.
    pub fn import(self, ui: Ui) -> Result<Report> {
        let (mut recipe, layers) = self.recipe()?;
        let mut source = Source::open(&self.data, &recipe, pipeline::wanted_rate(&recipe), &ui)?;
        self.front_end(&source)?;
        let per_step =
            matches!(&source, Source::Records(r) if matches!(r.task, Task::Tag | Task::Segment | Task::Next));
        let imported = elman_import::read(&self.file, &Asked { layers, per_step });
        let mut imported = imported.with_context(|| self.file.display().to_string())?;
        let mut notes = imported.notes.clone();
        notes.extend(fitted::answer_last(&mut imported, &source));
        let labels = self.labels.as_deref().map(given_labels).transpose()?;
        let labels = fitted::labels(&imported, &source, labels, &mut notes)?;
        if let Source::Records(records) = &mut source {
            answer(&imported, records, &labels, &mut notes)?;
        }
        let symbols = self.vocabulary.as_deref().map(lines).transpose()?;
        let (encoding, imported) = fitted::encoding(imported, &source, &recipe, labels, symbols)?;
        // The layers are known before their weights are scaled.
        let outputs = if encoding.task == Task::Series { Outputs::Values } else { Outputs::Classes };
        recipe.network = network_recipe(&imported.network(outputs)?);
        let mut prepared = Prepared::with(encoding, &source, &recipe)?;
        prepared.about.imported = true;
        let about = &prepared.about;
        let (input, output) = (fitted::input_scale(about), fitted::output_scale(about));
        let network = imported.scaled(outputs, input, output)?;
        ensure!(
            *network.spec() == about.network(&recipe),
            "{}: its {} inputs and {} outputs are not the {} values and {} labels of {}",
            self.file.display(),
            network.spec().inputs,
            network.spec().outputs(),
            about.encoding.inputs(),
            about.encoding.outputs(),
            self.data.display()
        );
        let calibration = pipeline::spread(
            &prepared.train,
            recipe.quantize.calibration_clips,
            about.encoding.inputs(),
            MOST_CALIBRATION_STEPS,
        );
        super::quantize::rehearse(&network, &recipe, about, &calibration)
            .map_err(|e| Usage(format!("{}: a network that no device runs: {e:#}", self.file.display())))?;
        let mut folder = RunFolder::create(&self.to, self.force)?;
        let written = write(&mut folder, &recipe, &prepared, &network, &calibration);
        written.inspect_err(|_| folder.discard())?;
        let layers: Vec<String> = network.spec().layers.iter().flat_map(|l| l.device()).map(str::to_owned).collect();
        let parameters = network.values().len();
        let labels = about.encoding.labels.clone();
        let format = imported.format.name();
        Ok(Report { run: self.to, format, layers, labels, parameters, calibration: calibration.len(), notes })
    }

    /// The recipe, and the layers that it names, if it names any.
    fn recipe(&self) -> Result<(Recipe, Option<Vec<elman_nn::LayerSpec>>)> {
        let (mut recipe, layers) = match &self.recipe {
            Some(path) => {
                let recipe = Recipe::read(path, &self.set)?;
                let recipe = if recipe.data.is_none() && is_frames(&self.data) { of_frames(recipe) } else { recipe };
                let text = elman_data::files::text(path)?;
                let named = text.parse::<toml::Table>().is_ok_and(|table| table.contains_key("network"));
                let layers = named.then(|| recipe.network.layers.clone());
                (recipe, layers)
            }
            None if is_frames(&self.data) => (of_frames(Recipe::default()).changed(&self.set)?, None),
            None => (pipeline::default_recipe(&self.data)?.changed(&self.set)?, None),
        };
        if recipe.name == Recipe::default().name
            && let Some(stem) = self.file.file_stem().map(|s| s.to_string_lossy().into_owned())
        {
            recipe = recipe.changed(&[format!("name={stem:?}")])?;
        }
        if matches!(&recipe.data, Some(data) if data.format == Some(Format::Frames)) && recipe.network.seq2seq.is_none()
        {
            let unlabelled = Records::open(&self.data, recipe.data.as_ref().unwrap_or(&RecordOptions::default()))?;
            let without = |r: &elman_data::records::Record| r.answer == Answer::None;
            if unlabelled.train.iter().any(without) {
                recipe = recipe.changed(&["data.valid_share=0.0".to_owned()])?;
            }
            if unlabelled.task == Task::Series {
                recipe.train.loss = Loss::SquaredError;
            }
        }
        Ok((recipe, layers))
    }

    /// Features of sound are elman's own: a network that was trained on others is another one.
    fn front_end(&self, source: &Source) -> Result<()> {
        if matches!(source, Source::Records(_)) || (self.same_front_end && self.recipe.is_some()) {
            return Ok(());
        }
        bail!(Usage(format!(
            "{} is sound, and a network reads the features that it was trained on: give the frames themselves (x.npy of [examples, \
             steps, values], or csv files whose rows are steps); only if it was trained on the features of elman's front end, \
             --same-front-end with the --recipe whose [features] they are",
            self.data.display()
        )))
    }
}

/// The recipe for data that are arrays of frames.
fn of_frames(recipe: Recipe) -> Recipe {
    let data = Some(RecordOptions { format: Some(Format::Frames), ..RecordOptions::default() });
    Recipe { data, ..recipe }
}

/// Whether data are arrays or csv files of frames.
fn is_frames(data: &Path) -> bool {
    let of = |path: &Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        name.ends_with(".npy") || name.ends_with(".csv")
    };
    match std::fs::read_dir(data) {
        Ok(entries) => {
            let names: Vec<PathBuf> = entries.flatten().map(|e| e.path()).filter(|p| p.is_file()).collect();
            names.iter().any(|p| of(p)) && !names.iter().any(|p| p.file_name().is_some_and(|n| n == "metadata.csv"))
        }
        Err(_) => of(data),
    }
}

/// Labels of a list, or of a file.
fn given_labels(text: &str) -> Result<Vec<String>> {
    match Path::new(text).is_file() {
        true => lines(Path::new(text)),
        false => Ok(text.split(',').map(|l| l.trim().to_owned()).collect()),
    }
}

fn lines(path: &Path) -> Result<Vec<String>> {
    let text = elman_data::files::text(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(text.lines().map(|l| l.trim_end_matches('\r').to_owned()).collect())
}

/// What a recipe says of a network whose last layer is the linear one to the labels.
fn network_recipe(network: &Network<f32>) -> NetworkRecipe {
    let layers = &network.spec().layers;
    NetworkRecipe::of(layers[..layers.len().saturating_sub(1)].to_vec())
}

/// Frames without labels get those that the network gives them: they only calibrate.
fn answer(imported: &Imported, records: &mut Records, labels: &[String], notes: &mut Vec<String>) -> Result<()> {
    let inputs = records.channels.len();
    let without = |r: &elman_data::records::Record| r.answer == Answer::None && matches!(r.input, Input::Values(_));
    if !records.train.iter().any(without) {
        return Ok(());
    }
    let network = imported.network(Outputs::Classes)?;
    ensure!(
        network.spec().inputs == inputs,
        "{} has {inputs} values a step, the network reads {}",
        records.dir.display(),
        network.spec().inputs
    );
    let width = network.spec().outputs();
    let mut count = 0;
    for record in records.train.iter_mut().chain(&mut records.valid).chain(&mut records.test).filter(|r| without(r)) {
        let Input::Values(values) = &record.input else { continue };
        let frames: Vec<f32> = values.iter().map(|v| *v as f32).collect();
        let outputs = network.run(&frames);
        let mut best = outputs.chunks(width).map(|z| labels[elman_nn::argmax(z).min(labels.len() - 1)].clone());
        record.answer = match imported.per_step() {
            true => Answer::Tags(best.collect()),
            false => Answer::Label(best.next().unwrap_or_default()),
        };
        count += 1;
    }
    if imported.per_step() {
        records.task = Task::Tag;
    }
    notes.push(format!("{count} examples have no labels: they calibrate, and cannot be evaluated"));
    Ok(())
}

/// Writes the files of the run.
fn write(
    folder: &mut RunFolder,
    recipe: &Recipe,
    prepared: &Prepared,
    network: &Network<f32>,
    calibration: &[pipeline::Example],
) -> Result<()> {
    folder.write_beginning(recipe, &prepared.about)?;
    folder.write_calibration(calibration)?;
    folder.write_metrics(&[])?;
    Trainer::write_beginning(network, &recipe.train, &folder.checkpoint_path())?;
    folder.write_weights(network)?;
    folder.publish()
}
