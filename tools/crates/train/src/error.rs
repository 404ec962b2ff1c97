//! Why training stops before its end.

use std::path::PathBuf;

use elman_nn::{SpecError, WeightsError};

/// Why training, resuming or evaluating failed.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// The recipe describes no network.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// A value of the configuration is invalid.
    #[error("'{key}' must be {wanted}")]
    Config {
        /// Its key.
        key: &'static str,
        /// What it must be.
        wanted: String,
    },
    /// No training data, or no validation data.
    #[error(
        "there are no {0} sequences; add some to the data, and see data.valid_share, or train.watch = \"last\" where none \
         are to validate on"
    )]
    NoData(&'static str),
    /// An example that does not fit the network.
    #[error("{set} sequence {index}: {reason}")]
    Sequence {
        /// Which data.
        set: &'static str,
        /// Place in the data.
        index: usize,
        /// What is wrong.
        reason: String,
    },
    /// Loss or gradient is not finite.
    #[error(
        "training diverged in epoch {epoch}, batch {batch}: the {what} is {value}; try a lower learning rate or a smaller \
         clip, and look for values in the data that are not finite"
    )]
    Diverged {
        /// From 1.
        epoch: usize,
        /// From 1.
        batch: usize,
        /// Loss or gradient norm.
        what: &'static str,
        /// Its value.
        value: f64,
    },
    /// A file could not be written; its old content is untouched.
    #[error("cannot write {path}: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file could not be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file is no checkpoint of this version.
    #[error("{path} is not a checkpoint that can be resumed: {reason}")]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The network in integers could not be made.
    #[error("quantization-aware training: {0}")]
    Quantization(String),
    /// Another process of the same training is gone.
    #[error("{0}; the checkpoint of the last epoch is kept")]
    Ranks(String),
    /// Weights do not fit.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The threads could not be started.
    #[error("cannot start the training threads: {0}")]
    Threads(#[from] rayon::ThreadPoolBuildError),
}
