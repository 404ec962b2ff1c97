//! Float network to integers: calibration, quantization, packing, and the error.
#![forbid(unsafe_code)]

mod detector;
mod integer;
mod joints;
pub mod model;
pub mod network;
mod pass;
pub mod ptq;
pub mod relay;
pub mod scaling;
pub mod synthetic;

pub use detector::with_detector;
pub use integer::{IntegerGate, IntegerLayer, IntegerModel, words_of};
