//! Host side of elman: data, float networks with full BPTT, quantization, reports.
#![forbid(unsafe_code)]
pub mod data;
pub mod nn;
pub mod quant;
pub mod train;
pub mod verify;
