//! Training: batches, optimizers, schedules, early stopping, checkpoints.
//!
//! A [`Trainer`] owns the network and everything that changes while it learns. All randomness is derived from the
//! seed, the epoch and the batch, and gradients are added in the order of fixed shards, so the same seed gives the
//! same bits for any number of threads, and a run resumed from a checkpoint the same as one that never stopped.
#![forbid(unsafe_code)]

mod aware;
mod checkpoint;
mod config;
mod dataset;
mod error;
mod evaluate;
mod forecast;
mod integer;
mod learner;
pub mod limits;
mod optimizer;
mod ranks;
mod schedule;
mod shard;
mod trainer;

pub use config::{Optimizer, Schedule, TrainConfig, Watch};
pub use dataset::{Dataset, Sequence};
pub use error::TrainError;
pub use evaluate::{evaluate, outputs};
pub use forecast::{Forecast, Spent, forecast};
pub use integer::{IntegerNetwork, QuantizationAware, Quantizer};
pub use learner::{Learner, Memory, Request, Step};
pub use ranks::{Alone, Ranks};
pub use trainer::{Control, EpochMetrics, Outcome, Progress, Trainer};
