//! Any bytes as an ONNX graph: an error, or a network whose weights are finite.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../imported.rs"]
mod imported;

fuzz_target!(|data: &[u8]| imported::read(data));
