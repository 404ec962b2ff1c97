//! Host side of elman: data, float networks with full BPTT, quantization, reports.
#![forbid(unsafe_code)]

pub mod cache;
pub mod cmd;
pub mod cost;
pub mod data;
pub mod embedding;
pub mod evaluate;
pub mod files;
pub mod host;
pub mod listening;
pub mod model;
pub mod monte_carlo;
pub mod nn;
pub mod pipeline;
pub mod quant;
pub mod recipe;
pub mod report;
pub mod run;
pub mod score;
pub mod train;
pub mod turing;
pub mod ui;
pub mod verify;
