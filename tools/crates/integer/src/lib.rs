//! Layers and models in integers: how a layer is rounded, how a model is packed into a blob, and models that come from
//! no training.
#![forbid(unsafe_code)]

pub mod channels;
mod cores;
mod detector;
mod foreign;
mod integer;
pub mod model;
pub mod ptq;
pub mod repack;
mod row_block;
pub mod scaling;
pub mod synthetic;
pub mod trace;

pub use cores::layout_of;
pub use detector::with_detector;
pub use integer::{IntegerGate, IntegerLayer, IntegerModel, words_of};
