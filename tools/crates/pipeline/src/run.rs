//! The run folder: everything that a training run writes.
//!
//! A new run takes the place of an earlier one in the same folder when its first epoch is done (`publish`); one process at a
//! time changes a run (`lock`).
//!
//! | file | content |
//! |---|---|
//! | recipe.toml | the resolved recipe |
//! | run.json | labels, front end or vocabulary, scale layer, fingerprint: the run information |
//! | metrics.jsonl | a line per epoch |
//! | checkpoint.safetensors | what resuming needs |
//! | weights.safetensors | the best network |
//! | formats.json | formats and scales that quantization-aware training ended with |
//! | calibration.bin | some training examples, for quantization |
//! | hard_negatives.json | seeds of streams with false accepts, for a network that listens |
//! | scenes.json | scenes of misses and false accepts |
//! | results.json | the results of quantize, calibrate, eval and verify |
//! | model.elman | the blob |
//! | report.html | the report |
//! | lock | number of the process that changes the run |

mod lock;
mod publish;

use lock::Lock;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Example, RunInfo};
use elman_data::files::{checksum, write_atomically};
use elman_listen::Scene;
use elman_nn::Network;
use elman_quant::model::MODEL;
use elman_quant::ptq::RangeStats;
use elman_recipe::Recipe;
use elman_train::{EpochMetrics, Trainer};

/// Scenes of misses and false accepts.
const SCENES: &str = "scenes.json";
/// Some training examples.
const CALIBRATION: &str = "calibration.bin";

/// Formats and scales of quantization-aware training.
const FORMATS: &str = "formats.json";

/// How far a run came that is not finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Unfinished {
    /// The best epoch, from 1.
    pub best: usize,
    /// Epochs done.
    pub done: usize,
}

/// All files of a run. The first makes a folder a run.
const FILES: &[&str] = &[
    "recipe.toml",
    "run.json",
    "checkpoint.safetensors",
    "weights.safetensors",
    "metrics.jsonl",
    FORMATS,
    CALIBRATION,
    "hard_negatives.json",
    SCENES,
    "results.json",
    MODEL,
    "report.html",
];

/// A run folder.
#[derive(Clone, Debug)]
pub struct RunFolder {
    path: PathBuf,
    /// Whether it is a new run whose first epoch is not done.
    new: bool,
    /// Held where this process may change more than results.
    lock: Option<Arc<Lock>>,
}

impl RunFolder {
    /// Begins a new run in the folder, which is created where it is not there. An earlier run in it stays as it is until
    /// [`RunFolder::publish`].
    ///
    /// # Errors
    /// Where the folder cannot be created, or already contains files of a run and `force` is not set.
    pub fn create(path: &Path, force: bool) -> Result<Self> {
        std::fs::create_dir_all(path).with_context(|| format!("cannot create the run folder {}", path.display()))?;
        let lock = Lock::take(path)?;
        publish::recover(path, FILES)?;
        if let Some(file) = FILES.iter().find(|file| !force && path.join(file).exists()) {
            let path = path.display();
            match *file {
                "recipe.toml" => bail!(
                    "{path} already contains a run; resume it with --resume, start again with --force, or name another folder \
                     with --out"
                ),
                file => {
                    bail!("{path} already contains {file}; replace it with --force, or name another folder with --out")
                }
            }
        }
        publish::prepare(path)?;
        Ok(RunFolder { path: path.to_owned(), new: true, lock: Some(Arc::new(lock)) })
    }

    /// Opens the folder of an earlier run, to read it and to add results.
    ///
    /// # Errors
    /// Where there is none.
    pub fn open(path: &Path) -> Result<Self> {
        if publish::unfinished(path) {
            return Self::open_locked(path);
        }
        let run = RunFolder { path: path.to_owned(), new: false, lock: None };
        run.exists()?;
        Ok(run)
    }

    /// Opens the folder of an earlier run, to change it: no other process can until this is dropped.
    ///
    /// # Errors
    /// Where there is none, or another process changes it.
    pub fn open_locked(path: &Path) -> Result<Self> {
        let mut run = RunFolder { path: path.to_owned(), new: false, lock: None };
        if !publish::unfinished(path) {
            run.exists()?;
        }
        run.lock = Some(Arc::new(Lock::take(path)?));
        publish::recover(path, FILES)?;
        run.exists()?;
        Ok(run)
    }

    fn exists(&self) -> Result<()> {
        ensure!(
            self.recipe_path().exists(),
            "{} is no run folder: it has no recipe.toml; `elman train RECIPE --data DIR` creates one",
            self.path.display()
        );
        Ok(())
    }

    /// Puts a new run in the place of an earlier one, of which nothing is left then.
    ///
    /// # Errors
    /// Where a file cannot be moved.
    pub fn publish(&mut self) -> Result<()> {
        if self.new {
            publish::publish(&self.path, FILES)?;
            self.new = false;
        }
        Ok(())
    }

    /// Whether it is a new run whose first epoch is not done.
    pub fn is_new(&self) -> bool {
        self.new
    }

    /// Gives up a new run that was not published; an earlier one is as it was.
    pub fn discard(&self) {
        if self.new {
            // What is left does no harm, and there is nothing that a user would do about it.
            let _ = std::fs::remove_dir_all(self.path.join(publish::NEW));
            let _ = std::fs::remove_file(self.path.join("lock"));
            let _ = std::fs::remove_dir(&self.path);
        }
    }

    /// A file of the run.
    fn file(&self, name: &str) -> PathBuf {
        if self.new { self.path.join(publish::NEW).join(name) } else { self.path.join(name) }
    }

    /// The files that resuming needs, by their names.
    ///
    /// # Errors
    /// Where one cannot be read.
    pub fn files(&self) -> Result<Vec<(String, Vec<u8>)>> {
        let names = ["recipe.toml", "run.json", "checkpoint.safetensors", "hard_negatives.json"];
        let found = names.into_iter().filter(|name| self.file(name).exists());
        let read = |name: &str| {
            let path = self.file(name);
            let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            Ok((name.to_owned(), bytes))
        };
        found.map(read).collect()
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
    fn recipe_path(&self) -> PathBuf {
        self.file("recipe.toml")
    }
    fn about_path(&self) -> PathBuf {
        self.file("run.json")
    }
    fn weights_path(&self) -> PathBuf {
        self.file("weights.safetensors")
    }
    fn results_path(&self) -> PathBuf {
        self.file("results.json")
    }
    /// The checkpoint.
    pub fn checkpoint_path(&self) -> PathBuf {
        self.file("checkpoint.safetensors")
    }
    /// Seeds of the hard negatives.
    pub fn hard_negatives_path(&self) -> PathBuf {
        self.file("hard_negatives.json")
    }

    /// The blob.
    pub fn model_path(&self) -> PathBuf {
        self.file(MODEL)
    }
    /// The report.
    pub fn report_path(&self) -> PathBuf {
        self.file("report.html")
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
        write_atomically(&self.file("metrics.jsonl"), lines.as_bytes())
    }

    /// The epochs.
    ///
    /// # Errors
    /// Where metrics.jsonl cannot be read.
    pub fn metrics(&self) -> Result<Vec<EpochMetrics>> {
        let path = self.file("metrics.jsonl");
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

    /// The best network: that of the finished run, or else that of the checkpoint.
    ///
    /// # Errors
    /// Where no epoch is done, or the weights do not fit the recipe.
    pub fn network(&self) -> Result<Network<f32>> {
        let path = self.weights_path();
        if !path.exists() {
            return Ok(self.resumed()?.into_best());
        }
        let mut network = Network::new(&self.about()?.network(&self.recipe()?), 0)?;
        let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        network.read_safetensors(&bytes).with_context(|| path.display().to_string())?;
        Ok(network)
    }

    /// Stores formats and scales that quantization-aware training ended with.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn write_formats(&self, formats: &str) -> Result<()> {
        write_atomically(&self.file(FORMATS), formats.as_bytes())
    }

    /// Those of the best network; `None` where training was not aware of quantization.
    ///
    /// # Errors
    /// Where a file cannot be read.
    pub fn formats(&self) -> Result<Option<Vec<RangeStats>>> {
        let path = self.file(FORMATS);
        let text = match self.trained() {
            false => self.resumed()?.formats().map(str::to_owned),
            true if path.exists() => {
                Some(std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?)
            }
            true => None,
        };
        let damaged = || format!("{} is damaged; train again", path.display());
        text.map(|text| serde_json::from_str(&text).with_context(damaged)).transpose()
    }

    /// How far an unfinished run came; `None` where it is finished.
    ///
    /// # Errors
    /// Where the checkpoint cannot be read.
    pub fn unfinished(&self) -> Result<Option<Unfinished>> {
        if self.trained() {
            return Ok(None);
        }
        let trainer = self.resumed()?;
        Ok(trainer.best_epoch().map(|best| Unfinished { best, done: trainer.history().len() }))
    }

    fn resumed(&self) -> Result<Trainer> {
        ensure!(
            self.checkpoint_path().exists(),
            "{} has no weights yet: its first epoch is not done; continue it with --resume",
            self.path.display()
        );
        Ok(Trainer::resume(&self.checkpoint_path())?)
    }

    /// Stores training examples for quantization.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn write_calibration(&self, examples: &[Example]) -> Result<()> {
        let mut bytes = postcard::to_stdvec(examples)?;
        bytes.extend(checksum(&bytes).to_le_bytes());
        write_atomically(&self.file(CALIBRATION), &bytes)
    }

    /// The examples stored for quantization.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn calibration(&self) -> Result<Vec<Example>> {
        let path = self.file(CALIBRATION);
        let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let damaged = || format!("{} is damaged; train again", path.display());
        let (examples, rest) = postcard::take_from_bytes(&bytes).with_context(damaged)?;
        // Files of earlier versions end here.
        let whole = rest.is_empty() || *rest == checksum(&bytes[..bytes.len() - rest.len()]).to_le_bytes();
        ensure!(whole, damaged());
        Ok(examples)
    }

    /// Stores scenes of misses and false accepts.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn write_scenes(&self, scenes: &[Scene]) -> Result<()> {
        write_atomically(&self.file(SCENES), &serde_json::to_vec(scenes)?)
    }

    /// The scenes stored, if any.
    ///
    /// # Errors
    /// Where the file is damaged.
    pub fn scenes(&self) -> Result<Vec<Scene>> {
        json(&self.file(SCENES), "remove it, and `elman calibrate` writes it again")
    }

    /// Adds one result to results.json.
    ///
    /// # Errors
    /// Where the file is damaged or cannot be written.
    pub fn add_result(&self, key: &str, value: &impl Serialize) -> Result<()> {
        self.change_results(|results| {
            results.insert(key.to_owned(), serde_json::to_value(value)?);
            Ok(())
        })
    }

    /// Removes results and scenes that describe an earlier blob, all but `kept`; the names of those removed.
    ///
    /// # Errors
    /// Where a file is damaged or cannot be written.
    pub fn forget_results(&self, kept: &[&str]) -> Result<Vec<String>> {
        let mut gone = Vec::new();
        self.change_results(|results| {
            gone.extend(results.keys().filter(|key| !kept.contains(&key.as_str())).cloned());
            results.retain(|key, _| kept.contains(&key.as_str()));
            Ok(())
        })?;
        let scenes = self.file(SCENES);
        if scenes.exists() {
            std::fs::remove_file(&scenes).with_context(|| format!("cannot remove {}", scenes.display()))?;
        }
        Ok(gone)
    }

    /// Reads results.json, changes it and writes it, one process at a time.
    fn change_results(&self, change: impl FnOnce(&mut Results) -> Result<()>) -> Result<()> {
        let guard = std::fs::File::create(self.file(".results.lock")).and_then(|file| file.lock().map(|()| file));
        let mut results = self.results()?;
        change(&mut results)?;
        write_atomically(&self.results_path(), &serde_json::to_vec_pretty(&results)?)?;
        drop(guard);
        Ok(())
    }

    /// All results so far.
    ///
    /// # Errors
    /// Where the file is damaged.
    pub fn results(&self) -> Result<Results> {
        json(&self.results_path(), "remove it, and quantize, calibrate, eval and verify write theirs again")
    }
}

/// Results of commands, by their names.
type Results = serde_json::Map<String, serde_json::Value>;

/// A file of JSON, or the default where there is none; `way` is the way out where it is damaged.
fn json<T: DeserializeOwned + Default>(path: &Path, way: &str) -> Result<T> {
    match std::fs::read(path) {
        Ok(text) => serde_json::from_slice(&text).with_context(|| format!("{} is damaged; {way}", path.display())),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(T::default()),
        Err(e) => Err(e).with_context(|| format!("cannot read {}", path.display())),
    }
}
