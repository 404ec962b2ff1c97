//! The shared folder.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::claim::Owner;
use crate::journal::{self, Event};
use crate::{Job, Outcome, Plan};
use elman_data::files::create_whole;
use elman_recipe::Usage;

const PLAN: &str = "sweep.json";
const FOLDERS: [&str; 5] = ["claims", "results", "workers", "journal", "trials"];

/// The folder of a sweep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SweepFolder {
    path: PathBuf,
}

impl SweepFolder {
    /// Opens the folder of this sweep, or makes it. Two workers may do so at the same moment.
    ///
    /// # Errors
    /// Where the folder has another sweep, or cannot be made.
    pub fn open_or_make(path: &Path, plan: &Plan) -> Result<(Self, Plan)> {
        let folder = SweepFolder { path: path.to_owned() };
        let file = path.join(PLAN);
        for name in FOLDERS {
            let inner = path.join(name);
            std::fs::create_dir_all(&inner).with_context(|| format!("cannot make {}", inner.display()))?;
        }
        if !file.exists() {
            create_whole(&file, &serde_json::to_vec(plan)?)
                .with_context(|| format!("cannot write {}", file.display()))?;
        }
        let found = folder.plan()?;
        ensure!(
            found.is_of(plan),
            Usage(format!(
                "{} has another sweep: its SWEEP.toml or its recipe was another; name a new folder by --to, or change them back",
                path.display()
            ))
        );
        Ok((folder, found))
    }

    /// Opens the folder of a sweep.
    ///
    /// # Errors
    /// Where there is none.
    pub fn open(path: &Path) -> Result<Self> {
        let folder = SweepFolder { path: path.to_owned() };
        ensure!(
            path.join(PLAN).exists(),
            Usage(format!(
                "{} is no folder of a sweep: it has no {PLAN}; `elman sweep SWEEP.toml --data DIR --to FOLDER` makes one",
                path.display()
            ))
        );
        Ok(folder)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The plan.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn plan(&self) -> Result<Plan> {
        let path = self.path.join(PLAN);
        let text = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_slice(&text)
            .with_context(|| format!("{} is damaged, or of another version; begin in a new folder", path.display()))
    }

    /// The run folder of a trial.
    pub fn trial(&self, trial: usize) -> PathBuf {
        self.path.join("trials").join(format!("{trial:04}"))
    }

    pub(crate) fn worker(&self, id: &str) -> PathBuf {
        self.path.join("workers").join(id)
    }

    pub(crate) fn journal(&self, id: &str) -> PathBuf {
        self.path.join("journal").join(format!("{id}.jsonl"))
    }

    fn claim(&self, job: Job, number: u32) -> PathBuf {
        self.path.join("claims").join(format!("{job}.{number}"))
    }

    fn result(&self, job: Job) -> PathBuf {
        self.path.join("results").join(format!("{job}.json"))
    }

    /// Names of the files in one of the folders. Temporary files are none of them.
    fn names(&self, folder: &str) -> Result<Vec<String>> {
        let path = self.path.join(folder);
        let list = || -> std::io::Result<Vec<String>> {
            std::fs::read_dir(&path)?.map(|e| Ok(e?.file_name().to_string_lossy().into_owned())).collect()
        };
        let mut all = list().with_context(|| format!("cannot list {}", path.display()))?;
        all.retain(|name| !name.starts_with('.'));
        all.sort();
        Ok(all)
    }

    /// All results so far.
    ///
    /// # Errors
    /// Where one cannot be read.
    pub fn results(&self) -> Result<HashMap<Job, Outcome>> {
        let mut all = HashMap::new();
        for name in self.names("results")? {
            let Some(job) = name.strip_suffix(".json").and_then(job_of) else { continue };
            let path = self.result(job);
            let text = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            let damaged = || format!("{} is damaged; remove it, and the sweep makes it again", path.display());
            all.insert(job, serde_json::from_slice(&text).with_context(damaged)?);
        }
        Ok(all)
    }

    pub(crate) fn has_result(&self, job: Job) -> bool {
        self.result(job).exists()
    }

    /// Writes the result of a job, where there is none; whether it did.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn write_result(&self, job: Job, outcome: &Outcome) -> Result<bool> {
        let path = self.result(job);
        let bytes = serde_json::to_vec_pretty(outcome)?;
        create_whole(&path, &bytes).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Of each job that was claimed, how often it was taken over.
    pub(crate) fn claims(&self) -> Result<HashMap<Job, u32>> {
        let mut all = HashMap::new();
        for name in self.names("claims")? {
            let Some((job, number)) = name.split_once('.') else { continue };
            let (Some(job), Ok(number)) = (job_of(job), number.parse::<u32>()) else { continue };
            let last = all.entry(job).or_insert(number);
            *last = number.max(*last);
        }
        Ok(all)
    }

    /// Claims a job; whether nobody was faster.
    pub(crate) fn write_claim(&self, job: Job, number: u32, owner: &Owner) -> Result<bool> {
        let path = self.claim(job, number);
        let bytes = serde_json::to_vec(owner)?;
        create_whole(&path, &bytes).with_context(|| format!("cannot write {}", path.display()))
    }

    pub(crate) fn owner(&self, job: Job, number: u32) -> Result<Owner> {
        let path = self.claim(job, number);
        let text = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_slice(&text)
            .with_context(|| format!("{} is damaged; remove it, and the job is claimed again", path.display()))
    }

    /// Whether a later claim of the job is there.
    pub(crate) fn is_taken_over(&self, job: Job, number: u32) -> bool {
        self.claim(job, number + 1).exists()
    }

    /// The events of all workers, in the order of their names.
    ///
    /// # Errors
    /// Where a journal cannot be read.
    pub fn events(&self) -> Result<Vec<(String, Vec<Event>)>> {
        let of = |name: String| {
            let id = name.strip_suffix(".jsonl").unwrap_or(&name).to_owned();
            Ok((id, journal::events(&self.path.join("journal").join(&name))?))
        };
        self.names("journal")?.into_iter().map(of).collect()
    }
}

/// `0007-0` as a job.
fn job_of(name: &str) -> Option<Job> {
    let (trial, rung) = name.split_once('-')?;
    Some(Job { trial: trial.parse().ok()?, rung: rung.parse().ok()? })
}
