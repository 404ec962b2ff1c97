//! Recurrent networks in fixed point for microcontrollers.
#![cfg_attr(not(test), no_std)]
#![deny(unsafe_code)]

pub mod arith;
pub mod audio;
pub mod blob;
pub mod cell;
pub mod kernel;
pub mod layer;
pub mod net;

pub use blob::{Blob, Model};
pub use net::Stream;
