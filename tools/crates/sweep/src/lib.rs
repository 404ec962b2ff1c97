//! Sweeps: many training runs that differ in keys of the recipe, by any number of workers in a shared folder.
//!
//! | file | content |
//! |---|---|
//! | sweep.json | the plan: settings, seeds, rungs; written by the first worker, the same for all |
//! | claims/0007-0.0 | the worker that has claimed trial 7, rung 0; the last number counts take-overs |
//! | results/0007-0.json | what became of it; written once |
//! | workers/ID | a worker's heartbeat: a number that changes, in a file that it holds locked |
//! | journal/ID.jsonl | what a worker did, a line an event, only appended to |
//! | trials/0007/ | the run folder |
//!
//! A claim and a result are files that are created whole and only where they are not there: the file system decides between
//! two workers, and no clocks are compared. A worker is dead where its file is gone, where it is on the same machine and its
//! lock is free, or where its heartbeat has not changed for a while by the clock of the one who looks.
#![forbid(unsafe_code)]

mod axis;
mod claim;
mod folder;
mod journal;
mod plan;
mod rank;
mod report;
mod worker;

pub use axis::{Axis, Values};
pub use claim::{Claim, Next, Owner};
pub use folder::SweepFolder;
pub use journal::{Event, Kind};
pub use plan::{Job, Plan, Search, Sweep, Trial};
pub use rank::{Standing, standing};
pub use report::{Row, Spread, rows};
pub use worker::{Beats, Worker};

use serde::{Deserialize, Serialize};

#[cfg(test)]
mod tests;

/// What became of a trial up to a rung.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The trial.
    pub trial: usize,
    /// The rung, from 0.
    pub rung: usize,
    /// Epochs done.
    pub epochs: usize,
    /// The best of them, from 1.
    pub best_epoch: usize,
    /// By what trials are compared: smaller is better. `None` where it failed.
    pub score: Option<f64>,
    /// Name of the figure; empty before the last rung.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub figure: String,
    /// Whether it is a share, of which more is better; else less is.
    #[serde(default)]
    pub share: bool,
    /// The figure of the float network and of the integers on the validation split, and of the integers on the test split.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub float: Option<f64>,
    /// Of the integers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub integer: Option<f64>,
    /// Of the integers on the test split.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<f64>,
    /// What the model takes, at the last rung.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Cost>,
    /// CRC-32C of weights.safetensors, at the last rung.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<u32>,
    /// Why it failed: it diverged, or the network does not fit the data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
}

/// What a model takes on a device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// Bytes of the blob in flash.
    pub flash_bytes: usize,
    /// Bytes of a stream's memory.
    pub ram_bytes: usize,
    /// Estimated instructions of a step on a Cortex-M4.
    pub instructions: u64,
}
