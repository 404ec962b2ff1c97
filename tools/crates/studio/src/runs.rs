//! Run folders as they are, whoever writes them: looked at a few times a second, so that curves live while a command line trains.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, UNIX_EPOCH};

use elman_recipe::Recipe;
use serde::Serialize;
use serde_json::Value;

use crate::error::Fault;
use crate::feed::Feed;
use crate::jobs::{Jobs, State};
use crate::project::Project;

/// Where a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// No epoch is done.
    Starting,
    /// It trains.
    Training,
    /// It was interrupted, and can be resumed.
    Paused,
    /// It has weights and no blob.
    Trained,
    /// It is being quantized.
    Quantizing,
    /// It is being evaluated.
    Evaluating,
    /// Its operating point is being chosen.
    Calibrating,
    /// It has a blob.
    Ready,
    /// Its last command failed and left nothing to go on with.
    Failed,
}

/// A run in a line.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Run {
    /// The name of its folder.
    pub name: String,
    /// Where it is.
    pub state: Stage,
    /// Epochs that it shall train.
    pub epochs: usize,
    /// Epochs done.
    pub done: usize,
    /// The best of them, from 1.
    pub best: Option<usize>,
    /// By what the best is chosen.
    pub watch: Option<String>,
    /// Accuracy on the validation data at the best epoch.
    pub valid_accuracy: Option<f64>,
    /// Loss there.
    pub valid_loss: Option<f64>,
    /// Share of words missed there, of a listener.
    pub metric: Option<f64>,
    /// Whether it trains on streams.
    pub stream: bool,
    /// Whether it reads sound.
    pub sound: bool,
    /// Its labels.
    pub labels: Vec<String>,
    /// Whether it has a blob.
    pub model: bool,
    /// Whether it was evaluated.
    pub evaluated: bool,
    /// Whether it has an operating point.
    pub calibrated: bool,
    /// Its job, while there is one.
    pub job: Option<u64>,
    /// Whether a process that is no job holds it.
    pub outside: bool,
    /// An estimate.
    pub seconds_left: Option<f64>,
    /// When something in it was changed, in seconds since 1970.
    pub modified: u64,
    /// Why its last job failed.
    pub error: Option<String>,
}

/// What is known of a folder, and by which files.
#[derive(Debug, Default)]
struct Seen {
    stamps: [Option<u64>; 3],
    recipe: Option<Arc<Recipe>>,
    labels: Vec<String>,
    results: Value,
    epochs: Vec<Value>,
    /// When the last epochs were seen.
    times: Vec<Instant>,
    held: Option<(Instant, bool)>,
    shown: Option<Run>,
}

/// All runs of a project.
#[derive(Debug, Default)]
pub struct Runs {
    seen: Mutex<BTreeMap<String, Seen>>,
}

/// How often it is looked whether another process holds a run.
const HELD_EVERY: Duration = Duration::from_millis(900);
/// Epochs whose times make the estimate.
const TIMES: usize = 6;
/// Largest file of a run that is read, in bytes.
const MOST_BYTES: u64 = 64 << 20;

fn stamp(path: &Path) -> Option<u64> {
    let about = std::fs::metadata(path).ok()?;
    let changed = about.modified().ok()?.duration_since(UNIX_EPOCH).ok()?.as_nanos() as u64;
    Some(changed ^ about.len().rotate_left(40))
}

fn text(path: &Path) -> Option<String> {
    let small = std::fs::metadata(path).is_ok_and(|about| about.is_file() && about.len() <= MOST_BYTES);
    small.then(|| std::fs::read_to_string(path).ok())?
}

/// Whether a process holds a run folder.
fn is_held(folder: &Path) -> bool {
    let Ok(file) = File::open(folder.join("lock")) else { return false };
    matches!(file.try_lock_shared(), Err(std::fs::TryLockError::WouldBlock))
}

/// The process that holds a run folder.
pub fn owner(folder: &Path) -> Option<u32> {
    is_held(folder).then(|| text(&folder.join("lock"))?.trim().parse().ok())?
}

impl Seen {
    /// Reads what has changed; epochs that are new, and whether they are all new.
    fn read(&mut self, folder: &Path) -> (usize, bool) {
        let files = ["recipe.toml", "results.json", "metrics.jsonl"].map(|name| folder.join(name));
        let stamps = [0, 1, 2].map(|k| stamp(&files[k]));
        let changed = [0, 1, 2].map(|k| stamps[k] != self.stamps[k]);
        self.stamps = stamps;
        if changed[0] {
            self.recipe = text(&files[0]).and_then(|text| Recipe::parse(&text).ok()).map(Arc::new);
            let about = text(&folder.join("run.json")).and_then(|text| serde_json::from_str::<Value>(&text).ok());
            let labels = about.as_ref().and_then(|about| about.pointer("/encoding/labels")?.as_array().cloned());
            let labels = labels.unwrap_or_default();
            self.labels = labels.iter().filter_map(|label| label.as_str().map(str::to_owned)).collect();
        }
        if changed[1] {
            self.results = text(&files[1]).and_then(|text| serde_json::from_str(&text).ok()).unwrap_or(Value::Null);
        }
        if !changed[2] {
            return (0, false);
        }
        let lines = text(&files[2]).unwrap_or_default();
        let epochs: Vec<Value> = lines.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let again = !epochs.starts_with(&self.epochs);
        let new = if again { epochs.len() } else { epochs.len() - self.epochs.len() };
        if again {
            self.times.clear();
        }
        self.times.extend((new == 1).then(Instant::now));
        self.times.drain(..self.times.len().saturating_sub(TIMES));
        self.epochs = epochs;
        (new, again)
    }

    fn seconds_left(&self, epochs: usize) -> Option<f64> {
        let (first, last) = (self.times.first()?, self.times.last()?);
        let each = last.duration_since(*first).as_secs_f64() / (self.times.len() - 1).max(1) as f64;
        let left = epochs.saturating_sub(self.epochs.len()) as f64 * each - last.elapsed().as_secs_f64();
        (self.times.len() > 1).then_some(left.max(0.0).round())
    }

    fn run(&mut self, name: &str, folder: &Path, jobs: &Jobs) -> Run {
        let job = jobs.of_run(name);
        if self.held.is_none_or(|(when, _)| when.elapsed() > HELD_EVERY) {
            self.held = Some((Instant::now(), is_held(folder)));
        }
        let outside = job.is_none() && self.held.is_some_and(|(_, held)| held);
        let [weights, model, checkpoint] =
            ["weights.safetensors", "model.elman", "checkpoint.safetensors"].map(|name| folder.join(name).exists());
        let last = jobs.last_of_run(name).filter(|last| last.state == State::Failed);
        let begun = job.as_ref().filter(|job| job.state == State::Running).map(|job| job.kind);
        let state = match begun {
            Some("quantize") => Stage::Quantizing,
            Some("eval") => Stage::Evaluating,
            Some("calibrate") => Stage::Calibrating,
            Some("train") | None if (begun.is_some() || outside) && !weights => {
                if self.epochs.is_empty() {
                    Stage::Starting
                } else {
                    Stage::Training
                }
            }
            _ if job.is_some() && !weights => Stage::Starting,
            _ if model => Stage::Ready,
            _ if weights => Stage::Trained,
            _ if checkpoint => Stage::Paused,
            _ if last.is_some() => Stage::Failed,
            _ => Stage::Failed,
        };
        let epochs = self.recipe.as_ref().map_or(0, |recipe| recipe.train.epochs + recipe.quantize.qat_epochs);
        let best = self.epochs.iter().rev().find(|epoch| epoch["best"] == true).or(self.epochs.last());
        let figure = |key: &str| best.and_then(|best| best.get(key)?.as_f64());
        let stream = self.recipe.as_ref().is_some_and(|recipe| recipe.stream.is_some());
        let watch = self.recipe.as_ref().and_then(|recipe| serde_json::to_value(recipe.train.watch).ok());
        let changed = std::fs::metadata(folder).and_then(|about| about.modified()).ok();
        Run {
            name: name.to_owned(),
            state,
            epochs,
            done: self.epochs.len(),
            best: best.and_then(|best| best["epoch"].as_u64()).map(|n| n as usize),
            watch: watch.and_then(|watch| watch.as_str().map(str::to_owned)),
            valid_accuracy: figure("valid_accuracy"),
            valid_loss: figure("valid_loss_per_step"),
            metric: figure("validation_metric"),
            stream,
            sound: self.recipe.as_ref().is_some_and(|recipe| recipe.data.is_none()),
            labels: self.labels.clone(),
            model,
            evaluated: self.results.get("eval").is_some(),
            calibrated: self.results.get("calibrate").is_some(),
            job: job.map(|job| job.id),
            outside,
            seconds_left: if state == Stage::Training { self.seconds_left(epochs) } else { None },
            modified: changed.and_then(|t| t.duration_since(UNIX_EPOCH).ok()).map_or(0, |t| t.as_secs()),
            error: last.and_then(|last| last.error),
        }
    }
}

impl Run {
    /// Whether another one is not worth telling: estimates and times change all the time.
    fn same(&self, other: &Run) -> bool {
        let still = |run: &Run| Run { seconds_left: None, modified: 0, ..run.clone() };
        still(self) == still(other)
    }
}

#[derive(Serialize)]
struct NewEpoch<'a> {
    run: &'a str,
    epoch: &'a Value,
}

impl Runs {
    fn seen(&self) -> MutexGuard<'_, BTreeMap<String, Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at all run folders, and tells the tabs what is new.
    pub fn look(&self, project: &Project, jobs: &Jobs, feed: &Feed) {
        let names = names(project);
        let mut seen = self.seen();
        let before: Vec<String> = seen.keys().cloned().collect();
        seen.retain(|name, _| names.contains(name));
        if before != names {
            feed.add("runs", &serde_json::json!({}));
        }
        for name in names {
            let Ok(folder) = project.run(&name) else { continue };
            let known = seen.entry(name.clone()).or_default();
            let (new, again) = known.read(&folder);
            if again {
                feed.add("restart", &serde_json::json!({ "run": name }));
            }
            for epoch in &known.epochs[known.epochs.len() - new..] {
                feed.add("epoch", &NewEpoch { run: &name, epoch });
            }
            let run = known.run(&name, &folder, jobs);
            if new > 0 || known.shown.as_ref().is_none_or(|shown| !shown.same(&run)) {
                feed.add("run", &run);
            }
            known.shown = Some(run);
        }
    }

    /// No process holds the run any more; otherwise that is seen a moment later.
    pub fn released(&self, name: &str) {
        if let Some(seen) = self.seen().get_mut(name) {
            seen.held = None;
        }
    }

    /// All runs, newest first.
    pub fn all(&self) -> Vec<Run> {
        let mut all: Vec<Run> = self.seen().values().filter_map(|seen| seen.shown.clone()).collect();
        all.sort_by(|a, b| b.modified.cmp(&a.modified).then_with(|| a.name.cmp(&b.name)));
        all
    }

    /// A run with its epochs, recipe and results.
    ///
    /// # Errors
    /// Where there is none of this name.
    pub fn whole(&self, name: &str) -> Result<Whole, Fault> {
        let seen = self.seen();
        let found = seen.get(name).and_then(|seen| Some((seen, seen.shown.clone()?)));
        let (seen, run) =
            found.ok_or_else(|| Fault::not_found(format!("there is no run {name}; train one, or choose another")))?;
        let (metrics, results) = (seen.epochs.clone(), seen.results.clone());
        Ok(Whole { run, metrics, recipe: seen.recipe.as_deref().cloned(), results, log: Vec::new() })
    }
}

/// All that is known of a run.
#[derive(Debug, Serialize)]
pub struct Whole {
    /// In a line.
    #[serde(flatten)]
    pub run: Run,
    metrics: Vec<Value>,
    recipe: Option<Recipe>,
    /// results.json.
    pub results: Value,
    /// The last lines of its last job.
    pub log: Vec<String>,
}

/// Folders that are runs, or will be.
fn names(project: &Project) -> Vec<String> {
    let Ok(folder) = project.inside(Path::new("runs")) else { return Vec::new() };
    let is_run = |path: &Path| ["recipe.toml", ".new", "lock"].iter().any(|name| path.join(name).exists());
    let names = std::fs::read_dir(folder).into_iter().flatten().flatten().filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        let is_folder = entry.file_type().is_ok_and(|t| t.is_dir());
        (is_folder && crate::project::part(&name).is_ok() && is_run(&entry.path())).then_some(name)
    });
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}
