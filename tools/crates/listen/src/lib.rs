//! Listening for hours: long recordings with the words said in them, what a detector makes of them, and at which point it
//! should work.
//!
//! A [`Track`] is samples and the words in them: mixed from clips and background ([`Mix`]), or a user's recording with a
//! label file. [`play()`] runs the device's integer chain over one and keeps every step's scores; [`sweep`] tries operating
//! points on these; [`Tally`] counts misses and false accepts.
#![forbid(unsafe_code)]

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

pub use calibration::{Calibrated, ears, find, play_all};
pub use extent::extent;
pub use labels::{check_labels, read_labels, write_labels};
pub use microphone::Microphone;
pub use mix::{Mix, MixOptions, SILENCE, Spoken, Track, UNKNOWN};
pub use noise::{Noise, shaped};
pub use play::{Played, play, replay, rests};
pub use point::{Found, Point, REST_S, SMOOTH, Wish, calibrate, curve, rest, sweep};
pub use recipe::{StreamRecipe, check_outputs, keywords};
pub use scene::{Scene, scenes};
pub use score::{Alarm, Details, TOLERANCE_S, Tally, judge};
pub use vary::Variation;
