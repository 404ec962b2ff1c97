//! The command line `elman`: one file a subcommand, over the libraries in `crates/`.
#![forbid(unsafe_code)]

pub mod cmd;
pub mod interrupt;
#[cfg(feature = "mpi")]
pub mod mpi;
pub mod ranks;
pub mod ui;
