//! What workers did.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::time::SystemTime;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

/// An event of a worker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Seconds since 1970, by the worker's clock.
    pub time: f64,
    /// What happened.
    pub what: Kind,
    /// To which job, as in `0007-0`; empty where it is to none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub job: String,
    /// From whom a job was taken over, or why it failed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The worker began.
    Began,
    /// It claimed a job.
    Claimed,
    /// It claimed a job of a worker that is dead.
    TookOver,
    /// It went on with a run that was begun.
    Resumed,
    /// A job has its result.
    Done,
    /// A job has a failure as its result.
    Failed,
    /// The worker ended by itself.
    Ended,
}

/// A worker's own file, to which it only appends: no two processes write to one file.
#[derive(Debug)]
pub(crate) struct Journal(File);

impl Journal {
    pub(crate) fn create(path: &Path) -> Result<Self> {
        let file = OpenOptions::new().append(true).create_new(true).open(path);
        file.map(Journal).with_context(|| format!("cannot create {}", path.display()))
    }

    /// Adds a line, by one write.
    pub(crate) fn add(&mut self, what: Kind, job: String, note: String) -> Result<()> {
        let time = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0.0, |t| t.as_secs_f64());
        let mut line = serde_json::to_string(&Event { time, what, job, note })?;
        line.push('\n');
        self.0.write_all(line.as_bytes()).context("cannot append to the journal")
    }
}

/// The events of a file. A last line without its end is that of a worker that was killed, and is no event.
pub(crate) fn events(path: &Path) -> Result<Vec<Event>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let line = |(n, line): (usize, &str)| {
        serde_json::from_str(line).with_context(|| format!("{}:{} is damaged; remove the line", path.display(), n + 1))
    };
    whole.lines().enumerate().map(line).collect()
}
