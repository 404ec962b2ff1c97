//! What is known of a job.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::process::shown;

/// How far a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Another one is before it.
    Waiting,
    /// It runs.
    Running,
    /// It has ended well.
    Done,
    /// It has ended with an error.
    Failed,
    /// It was ended.
    Cancelled,
}

/// What a command is for.
#[derive(Clone, Debug)]
pub struct Task {
    /// train, quantize, eval, calibrate, synth or play.
    pub kind: &'static str,
    /// The run that it changes.
    pub run: Option<String>,
    /// Arguments of `elman`.
    pub args: Vec<String>,
}

/// How far work in this process is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Progress {
    /// What is done.
    pub done: u64,
    /// Of how much.
    pub total: u64,
    /// The last line that was printed.
    pub text: String,
    /// An estimate.
    pub seconds_left: Option<f64>,
}

/// A job as the page gets it.
#[derive(Clone, Debug, Serialize)]
pub struct Job {
    /// Its number.
    pub id: u64,
    /// As in [`Task`].
    pub kind: &'static str,
    /// As in [`Task`].
    pub run: Option<String>,
    /// What one would type.
    pub command: String,
    /// How far it is.
    pub state: State,
    /// When it began, in seconds since 1970.
    pub started: u64,
    /// When it ended.
    pub ended: Option<u64>,
    /// Its last sentence, where it failed.
    pub error: Option<String>,
    /// What it printed as JSON.
    pub result: Option<Box<RawValue>>,
    /// Its last lines.
    pub log: Vec<String>,
    /// How far it is, where it says so.
    pub progress: Option<Progress>,
    /// Whether it shall end.
    #[serde(skip)]
    pub(super) ending: bool,
}

impl Job {
    pub(super) fn new(id: u64, task: &Task) -> Job {
        Job {
            id,
            kind: task.kind,
            run: task.run.clone(),
            command: shown(&task.args),
            state: State::Waiting,
            started: now(),
            ended: None,
            error: None,
            result: None,
            log: Vec::new(),
            progress: None,
            ending: false,
        }
    }
}

/// Seconds since 1970.
pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |t| t.as_secs())
}

/// Whether a job is not over.
pub(super) fn active(job: &Job) -> bool {
    matches!(job.state, State::Waiting | State::Running)
}
