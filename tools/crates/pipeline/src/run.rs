//! The run folder: everything that a training run writes.
//!
//! | file | content |
//! |---|---|
//! | recipe.toml | the resolved recipe |
//! | run.json | labels, front end or vocabulary, scale layer, fingerprint: the run information |
//! | metrics.jsonl | a line per epoch |
//! | checkpoint.safetensors | what resuming needs |
//! | weights.safetensors | the best network |
//! | calibration.bin | some training examples, for quantization |
//! | hard_negatives.json | seeds of streams with false accepts, for a network that listens |
//! | scenes.json | scenes of misses and false accepts |
//! | results.json | the results of quantize, calibrate, eval and verify |
//! | model.elman | the blob |
//! | report.html | the report |

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde::Serialize;

use crate::{Example, RunInfo};
use elman_data::files::write_atomically;
use elman_listen::Scene;
use elman_nn::Network;
use elman_quant::model::MODEL;
use elman_recipe::Recipe;
use elman_train::EpochMetrics;

/// Scenes of misses and false accepts.
const SCENES: &str = "scenes.json";
/// Some training examples.
const CALIBRATION: &str = "calibration.bin";

/// A run folder.
#[derive(Clone, Debug)]
pub struct RunFolder {
    path: PathBuf,
}

impl RunFolder {
    /// Creates the folder for a new run.
    ///
    /// # Errors
    /// Where it cannot be created, or already contains a run and `force` is not set.
    pub fn create(path: &Path, force: bool) -> Result<Self> {
        let run = RunFolder { path: path.to_owned() };
        if run.recipe_path().exists() && !force {
            bail!(
                "{} already contains a run; resume it with --resume, start again with --force, or name another folder with \
                 --out",
                path.display()
            );
        }
        std::fs::create_dir_all(path).with_context(|| format!("cannot create the run folder {}", path.display()))?;
        let hard_negatives = run.hard_negatives_path();
        for old in [run.checkpoint_path(), run.weights_path(), run.model_path(), run.results_path(), hard_negatives] {
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
            "{} is no run folder: it has no recipe.toml; `elman train RECIPE --data DIR` creates one",
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
    /// Seeds of the hard negatives.
    pub fn hard_negatives_path(&self) -> PathBuf {
        self.path.join("hard_negatives.json")
    }

    /// The blob.
    pub fn model_path(&self) -> PathBuf {
        self.path.join(MODEL)
    }
    /// The report.
    pub fn report_path(&self) -> PathBuf {
        self.path.join("report.html")
    }

    /// Writes the resolved recipe and the run information.
    ///
    /// # Errors
    /// Where a file cannot be written.
    pub fn write_beginning(&self, recipe: &Recipe, about: &RunInfo) -> Result<()> {
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

    /// The run information.
    ///
    /// # Errors
    /// Where run.json cannot be read.
    pub fn about(&self) -> Result<RunInfo> {
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

    /// Whether training has finished.
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
            "{} has no weights yet: training has not finished; continue it with --resume",
            self.path.display()
        );
        let mut network = Network::new(&self.about()?.network(&self.recipe()?), 0)?;
        let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        network.read_safetensors(&bytes).with_context(|| path.display().to_string())?;
        Ok(network)
    }

    /// Stores training examples for quantization.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn write_calibration(&self, examples: &[Example]) -> Result<()> {
        write_atomically(&self.path.join(CALIBRATION), &postcard::to_stdvec(examples)?)
    }

    /// The examples stored for quantization.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn calibration(&self) -> Result<Vec<Example>> {
        let path = self.path.join(CALIBRATION);
        let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        postcard::from_bytes(&bytes).with_context(|| format!("{} is damaged; train again", path.display()))
    }

    /// Stores scenes of misses and false accepts.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn write_scenes(&self, scenes: &[Scene]) -> Result<()> {
        write_atomically(&self.path.join(SCENES), &serde_json::to_vec(scenes)?)
    }

    /// The scenes stored, if any.
    pub fn scenes(&self) -> Vec<Scene> {
        let text = std::fs::read(self.path.join(SCENES)).ok();
        text.and_then(|t| serde_json::from_slice(&t).ok()).unwrap_or_default()
    }

    /// Adds one result to results.json.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn add_result(&self, key: &str, value: &impl Serialize) -> Result<()> {
        let mut results = self.results();
        results.insert(key.to_owned(), serde_json::to_value(value)?);
        write_atomically(&self.results_path(), &serde_json::to_vec_pretty(&results)?)
    }

    /// All results so far.
    pub fn results(&self) -> serde_json::Map<String, serde_json::Value> {
        std::fs::read(self.results_path()).ok().and_then(|t| serde_json::from_slice(&t).ok()).unwrap_or_default()
    }
}
