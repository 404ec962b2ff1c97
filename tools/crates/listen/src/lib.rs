//! Listening for hours: long recordings with the words said in them, the events that a detector reports, and the choice of its
//! operating point.
//!
//! A [`Recording`] is mixed from clips and background ([`Mix`]), or a user's file with a label file; what is said in it is its
//! [`Transcript`]. [`play()`] runs the device's integer chain over one and keeps every step's probabilities, not the samples;
//! [`sweep`] tries operating points on these; [`DetectionCounts`] counts misses and false accepts. A [`Track`] is a short
//! recording in memory, to train on.
#![forbid(unsafe_code)]

mod bed;
mod budget;
mod calibration;
mod candidates;
mod extent;
mod interval;
mod labels;
mod microphone;
mod mix;
mod noise;
mod play;
mod point;
mod recipe;
mod recording;
mod scene;
mod score;
mod vary;

pub use budget::{Budget, Cost};
pub use calibration::{Calibrated, at_played, at_point, find, listener_setup, play_all};
pub use extent::extent;
pub use interval::{poisson, share};
pub use labels::{check_labels, check_spelling, read_labels, write_labels};
pub use microphone::Microphone;
pub use mix::{Mix, MixOptions, MixedRecording, SILENCE, Spoken, Track, UNKNOWN};
pub use noise::{Noise, shaped};
pub use play::{StreamScores, count_resets, play, replay};
pub use point::{
    CalibrationSet, OperatingPoint, OperatingTarget, SILENCE_RESET_S, SMOOTH, calibrate, curve, silence_reset, sweep,
};
pub use recipe::{StreamRecipe, check_outputs, keywords};
pub use recording::{Recording, Transcript, transcripts};
pub use scene::{Scene, scenes};
pub use score::{Alarm, Details, DetectionCounts, TOLERANCE_S, score_events};
pub use vary::Variation;
