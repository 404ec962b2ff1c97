//! The run folder: everything that a training run leaves behind.
//!
//! | file | content |
//! |---|---|
//! | recipe.toml | the resolved recipe |
//! | run.json | labels, front end or vocabulary, scale layer, fingerprint: what surrounds the network |
//! | metrics.jsonl | a line per epoch |
//! | checkpoint.safetensors | what resuming needs |
//! | weights.safetensors | the best network |
//! | calibration.bin | some training examples, for rounding |
//! | hard.json | seeds of streams with false accepts, of a network that listens |
//! | scenes.json | what was heard around misses and false accepts |
//! | results.json | what quantize, calibrate, eval and verify found |
//! | model.elman | the blob |
//! | report.html | the report |

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};

use elman::blob::{Structure, TextUnit};

use crate::data::records::{Task, Unit};
use crate::files::write_atomically;
use crate::listening::Scene;
use crate::nn::{Network, NetworkSpec};
use crate::pipeline::{self, Encoding, Example, Frames};
use crate::quant::IntegerLayer;
use crate::quant::network::Surroundings;
use crate::quant::scaling::{Moments, SCALED_FRAC, scaled};
use crate::recipe::{Asked, Recipe};
use crate::train::{self, EpochMetrics};

/// The blob.
pub const MODEL: &str = "model.elman";
/// What was heard around misses and false accepts.
const SCENES: &str = "scenes.json";
/// Some training examples.
const CALIBRATION: &str = "calibration.bin";

/// What surrounds the network, as run.json has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct About {
    /// How examples become frames and answers.
    pub encoding: Encoding,
    /// Offset and multiplier of each value of a frame; empty where frames are symbols.
    pub scale: Vec<(i16, i16)>,
    /// Shift of the scale layer.
    pub scale_shift: u8,
    /// Offset and deviation of each output of a series: the network gives (y - offset) / deviation.
    pub target: Vec<(f64, f64)>,
    /// Steps of the longest example.
    pub longest: usize,
    /// How chains of layers are joined, with the extent of the largest example.
    #[serde(default)]
    pub structure: Structure,
    /// Hash of recipe, data and seed.
    pub fingerprint: u64,
}

impl About {
    /// What surrounds a network trained on these examples; `others` are those of the other splits.
    ///
    /// # Errors
    /// Where there is nothing to train on.
    pub fn of(encoding: Encoding, recipe: &Recipe, train: &[Example], others: &[&[Example]]) -> Result<Self> {
        ensure!(!train.is_empty(), "there are no examples to train on");
        let inputs = encoding.inputs();
        let all = || train.iter().chain(others.iter().copied().flatten());
        let longest = all().map(|e| e.steps(inputs)).max().unwrap_or(0);
        let fingerprint = pipeline::fingerprint(recipe, &encoding, all())?;
        let structure = pipeline::structure(&recipe.network, all());
        let mut about =
            About { encoding, scale: Vec::new(), scale_shift: 0, target: Vec::new(), longest, structure, fingerprint };
        if let Some(in_frac) = about.in_frac() {
            let mut moments = Moments::default();
            train.iter().for_each(|e| moments.add(&e.frames, inputs));
            let layer = moments.layer(in_frac);
            (about.scale, about.scale_shift) = (layer.scale, layer.long_frac);
            about.target = about.targets(train, in_frac);
        }
        Ok(about)
    }

    /// Fraction bits of a frame's values.
    fn in_frac(&self) -> Option<u8> {
        match &self.encoding.frames {
            Frames::Audio(_) => Some(elman::audio::FEATURE_FRAC as u8),
            Frames::Values { frac, .. } => Some(*frac),
            Frames::Symbols(_) => None,
        }
    }

    /// Offset and deviation of each output. Outputs that are fed back are scaled as the inputs that they become.
    fn targets(&self, train: &[Example], in_frac: u8) -> Vec<(f64, f64)> {
        let outputs = self.encoding.outputs();
        if let Frames::Values { feedback: 1.., .. } = &self.encoding.frames {
            let unit = 2f64.powi(in_frac.into());
            let shift = 2f64.powi((self.scale_shift + SCALED_FRAC).into());
            return self.scale[self.scale.len().saturating_sub(outputs)..]
                .iter()
                .map(|(offset, m)| (f64::from(*offset) / unit, shift / (f64::from(*m) * unit)))
                .collect();
        }
        let values = || train.iter().map(|e| e.answer.values());
        let n = values().map(|v| v.len() / outputs.max(1)).sum::<usize>() as f64;
        if n == 0.0 {
            return Vec::new();
        }
        (0..outputs)
            .map(|k| {
                let column = || values().flat_map(|v| v.iter().skip(k).step_by(outputs)).map(|v| f64::from(*v));
                let mean = column().sum::<f64>() / n;
                let variance = column().map(|v| (v - mean).powi(2)).sum::<f64>() / n;
                (mean, if variance > 0.0 { variance.sqrt() } else { 1.0 })
            })
            .collect()
    }

    /// The layer that scales frames, where they are values.
    pub fn scale_layer(&self) -> Option<IntegerLayer> {
        Some(IntegerLayer {
            variant: "scale".to_owned(),
            inputs: self.scale.len(),
            units: self.scale.len(),
            in_frac: self.in_frac()?,
            out_frac: SCALED_FRAC,
            long_frac: self.scale_shift,
            scale: self.scale.clone(),
            ..IntegerLayer::default()
        })
    }

    /// The network's input for a device's frames.
    pub fn network_frames(&self, frames: &[i16]) -> Vec<f32> {
        match self.scale_layer() {
            Some(layer) => scaled(&layer, frames),
            None => frames.iter().map(|s| f32::from(*s as u16)).collect(),
        }
    }

    /// What the network should give for the steps `start..end` of `[steps, outputs]` physical values.
    pub fn network_values(&self, values: &[f32], start: usize, end: usize) -> Vec<f32> {
        let outputs = self.target.len().max(1);
        let scaled = |(v, (offset, deviation)): (&f32, &(f64, f64))| ((f64::from(*v) - offset) / deviation) as f32;
        values[start * outputs..end * outputs].iter().zip(self.target.iter().cycle()).map(scaled).collect()
    }

    /// The network's outputs in physical units.
    pub fn physical(&self, outputs: &mut [f32]) {
        for (y, (offset, deviation)) in outputs.iter_mut().zip(self.target.iter().cycle()) {
            *y = (f64::from(*y) * deviation + offset) as f32;
        }
    }

    /// What the blob needs besides the network.
    pub fn surroundings(&self, recipe: &Recipe) -> Surroundings {
        let (mut audio, mut text, mut feedback) = (None, None, 0);
        match &self.encoding.frames {
            Frames::Audio(config) => audio = Some(*config),
            Frames::Values { feedback: n, .. } => feedback = *n as u16,
            Frames::Symbols(vocabulary) => {
                let unit = match vocabulary.unit() {
                    Unit::Characters => TextUnit::Characters,
                    Unit::Words => TextUnit::Words,
                };
                text = Some((unit, vocabulary.symbols().to_vec()));
            }
        }
        let longest = self.longest.min(usize::from(u16::MAX)) as u16;
        Surroundings {
            name: recipe.name.clone(),
            labels: self.encoding.labels.clone(),
            fingerprint: self.fingerprint,
            audio,
            text,
            feedback,
            max_steps: if recipe.quantize.max_steps == 0 { longest } else { recipe.quantize.max_steps },
            scale: self.scale_layer(),
            target: self.target.clone(),
            structure: self.structure,
        }
    }

    /// An example as the trainer takes it, whole.
    pub fn sequence(&self, example: &Example) -> train::Sequence {
        let inputs = self.encoding.inputs();
        let steps = example.steps(inputs);
        let frames = self.network_frames(&example.frames[..steps * inputs]);
        let target = example.target(self, 0, steps);
        train::Sequence { frames, joints: example.joints.clone(), target }
    }

    /// The network of a recipe between these frames and answers.
    pub fn network(&self, recipe: &Recipe) -> NetworkSpec {
        recipe.network.spec(Asked {
            inputs: self.encoding.inputs(),
            outputs: self.encoding.outputs(),
            symbols: self.encoding.symbols(),
            every: matches!(self.encoding.task, Task::Tag | Task::Segment),
            edge_features: self.encoding.edges.len(),
        })
    }
}

/// A run folder.
#[derive(Clone, Debug)]
pub struct RunFolder {
    path: PathBuf,
}

impl RunFolder {
    /// Makes the folder for a new run.
    ///
    /// # Errors
    /// Where it cannot be made, or holds a run already and `force` is not set.
    pub fn create(path: &Path, force: bool) -> Result<Self> {
        let run = RunFolder { path: path.to_owned() };
        if run.recipe_path().exists() && !force {
            bail!(
                "{} holds a run already; go on with it by --resume, begin anew by --force, or name another folder by \
                 --out",
                path.display()
            );
        }
        std::fs::create_dir_all(path).with_context(|| format!("cannot make the run folder {}", path.display()))?;
        let hard = path.join("hard.json");
        for old in [run.checkpoint_path(), run.weights_path(), run.model_path(), run.results_path(), hard] {
            if old.exists() {
                std::fs::remove_file(&old).with_context(|| format!("cannot remove {}", old.display()))?;
            }
        }
        Ok(run)
    }

    /// Opens the folder of an earlier run.
    ///
    /// # Errors
    /// Where there is none.
    pub fn open(path: &Path) -> Result<Self> {
        let run = RunFolder { path: path.to_owned() };
        ensure!(
            run.recipe_path().exists(),
            "{} is no run folder: it has no recipe.toml; `elman train RECIPE --data DIR` makes one",
            path.display()
        );
        Ok(run)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
    fn recipe_path(&self) -> PathBuf {
        self.path.join("recipe.toml")
    }
    fn about_path(&self) -> PathBuf {
        self.path.join("run.json")
    }
    fn weights_path(&self) -> PathBuf {
        self.path.join("weights.safetensors")
    }
    fn results_path(&self) -> PathBuf {
        self.path.join("results.json")
    }
    /// The checkpoint.
    pub fn checkpoint_path(&self) -> PathBuf {
        self.path.join("checkpoint.safetensors")
    }
    /// The blob.
    pub fn model_path(&self) -> PathBuf {
        self.path.join(MODEL)
    }
    /// The report.
    pub fn report_path(&self) -> PathBuf {
        self.path.join("report.html")
    }

    /// Writes the resolved recipe and what surrounds the network.
    ///
    /// # Errors
    /// Where a file cannot be written.
    pub fn write_beginning(&self, recipe: &Recipe, about: &About) -> Result<()> {
        write_atomically(&self.about_path(), &serde_json::to_vec_pretty(about)?)?;
        write_atomically(&self.recipe_path(), recipe.to_toml()?.as_bytes())
    }

    /// The recipe.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn recipe(&self) -> Result<Recipe> {
        Recipe::read(&self.recipe_path(), &[])
    }

    /// What surrounds the network.
    ///
    /// # Errors
    /// Where run.json cannot be read.
    pub fn about(&self) -> Result<About> {
        let path = self.about_path();
        let text = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_slice(&text).with_context(|| format!("{} is damaged; train again", path.display()))
    }

    /// Writes the epochs so far.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn write_metrics(&self, history: &[EpochMetrics]) -> Result<()> {
        let mut lines = String::new();
        for epoch in history {
            lines.push_str(&serde_json::to_string(epoch)?);
            lines.push('\n');
        }
        write_atomically(&self.path.join("metrics.jsonl"), lines.as_bytes())
    }

    /// The epochs.
    ///
    /// # Errors
    /// Where metrics.jsonl cannot be read.
    pub fn metrics(&self) -> Result<Vec<EpochMetrics>> {
        let path = self.path.join("metrics.jsonl");
        let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        text.lines()
            .enumerate()
            .map(|(n, l)| serde_json::from_str(l).with_context(|| format!("{}:{}", path.display(), n + 1)))
            .collect()
    }

    /// Writes the best network.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn write_weights(&self, network: &Network<f32>) -> Result<()> {
        write_atomically(&self.weights_path(), &network.to_safetensors()?)
    }

    /// Whether training has come to its end.
    pub fn trained(&self) -> bool {
        self.weights_path().exists()
    }

    /// The best network.
    ///
    /// # Errors
    /// Where training has not finished, or the weights do not fit the recipe.
    pub fn network(&self) -> Result<Network<f32>> {
        let path = self.weights_path();
        ensure!(
            path.exists(),
            "{} has no weights yet: training has not finished; go on with --resume",
            self.path.display()
        );
        let mut network = Network::new(&self.about()?.network(&self.recipe()?), 0)?;
        let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        network.read_safetensors(&bytes).with_context(|| path.display().to_string())?;
        Ok(network)
    }

    /// Keeps training examples for rounding.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn write_calibration(&self, examples: &[Example]) -> Result<()> {
        write_atomically(&self.path.join(CALIBRATION), &postcard::to_stdvec(examples)?)
    }

    /// The examples kept for rounding.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn calibration(&self) -> Result<Vec<Example>> {
        let path = self.path.join(CALIBRATION);
        let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        postcard::from_bytes(&bytes).with_context(|| format!("{} is damaged; train again", path.display()))
    }

    /// Keeps what was heard around misses and false accepts.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn write_scenes(&self, scenes: &[Scene]) -> Result<()> {
        write_atomically(&self.path.join(SCENES), &serde_json::to_vec(scenes)?)
    }

    /// The scenes kept; none where there are none.
    pub fn scenes(&self) -> Vec<Scene> {
        let text = std::fs::read(self.path.join(SCENES)).ok();
        text.and_then(|t| serde_json::from_slice(&t).ok()).unwrap_or_default()
    }

    /// Adds one finding to results.json.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn add_result(&self, key: &str, value: &impl Serialize) -> Result<()> {
        let mut results = self.results();
        results.insert(key.to_owned(), serde_json::to_value(value)?);
        write_atomically(&self.results_path(), &serde_json::to_vec_pretty(&results)?)
    }

    /// All findings so far.
    pub fn results(&self) -> serde_json::Map<String, serde_json::Value> {
        std::fs::read(self.results_path()).ok().and_then(|t| serde_json::from_slice(&t).ok()).unwrap_or_default()
    }
}
