//! Float network to integers: calibration over examples, formats between chains of layers, and each layer's own rounding.
//! What a model in integers is stands in `elman_integer`, all of which is here too.
#![forbid(unsafe_code)]

pub mod aware;
mod chain_formats;
pub mod network;

pub use elman_integer::*;
