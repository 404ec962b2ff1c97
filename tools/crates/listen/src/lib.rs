//! Listening for hours: long recordings with the words said in them, the events that a detector reports, and the choice of its
//! operating point.
//!
//! A [`Track`] is samples and the words in them: mixed from clips and background ([`Mix`]), or a user's recording with a
//! label file. [`play()`] runs the device's integer chain over one and keeps every step's logits; [`sweep`] tries operating
//! points on these; [`DetectionCounts`] counts misses and false accepts.
#![forbid(unsafe_code)]

mod budget;
mod calibration;
mod extent;
mod labels;
mod microphone;
mod mix;
mod noise;
mod play;
mod point;
mod recipe;
mod scene;
mod score;
mod vary;

pub use budget::{Budget, Cost};
pub use calibration::{Calibrated, find, listener_setup, play_all};
pub use extent::extent;
pub use labels::{check_labels, read_labels, write_labels};
pub use microphone::Microphone;
pub use mix::{Mix, MixOptions, SILENCE, Spoken, Track, UNKNOWN};
pub use noise::{Noise, shaped};
pub use play::{StreamScores, count_resets, play, replay};
pub use point::{
    CalibrationSet, OperatingPoint, OperatingTarget, SILENCE_RESET_S, SMOOTH, calibrate, curve, silence_reset, sweep,
};
pub use recipe::{StreamRecipe, check_outputs, keywords};
pub use scene::{Scene, scenes};
pub use score::{Alarm, Details, DetectionCounts, TOLERANCE_S, score_events};
pub use vary::Variation;
