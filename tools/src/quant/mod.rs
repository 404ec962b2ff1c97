//! Float network to integers: calibration, rounding, packing, and what it cost.

pub mod compare;
mod detector;
mod integer;
mod joints;
pub mod network;
pub mod ptq;
pub mod scaling;
pub mod synthetic;

pub use detector::with_detector;
pub use integer::{IntegerGate, IntegerLayer, IntegerModel, words_of};
