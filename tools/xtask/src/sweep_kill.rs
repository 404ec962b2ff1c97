//! `sweep-kill`: kills workers of a sweep at random moments.

use anyhow::{Context, Result};
use elman_figures::root;
use std::process::ExitCode;

use crate::bench::cargo;
use crate::flags::{Flags, unknown};

/// Flags of `sweep-kill`.
pub const FLAGS: &str = "      --kills N  How many workers are killed (200)";

/// Runs the test of `tools/tests/sweep.rs` with more kills than it has among the others; failure where a trial is lost, done twice or
/// other than undisturbed.
///
/// # Errors
/// Where a flag is wrong or cargo does not start.
pub fn run(mut flags: Flags) -> Result<ExitCode> {
    let mut kills = 200usize;
    while let Some(name) = flags.next()? {
        match name.as_str() {
            "kills" => kills = flags.value()?,
            _ => return Err(unknown(&name)),
        }
    }
    let mut command = cargo();
    command.args(["test", "--quiet", "--release", "--package", "elman-tools", "--test", "sweep", "--manifest-path"]);
    command.arg(root().join("Cargo.toml")).args(["--", "--nocapture", "killed_workers"]);
    let status = command.env("ELMAN_SWEEP_KILLS", kills.to_string()).status().context("cargo does not start")?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
