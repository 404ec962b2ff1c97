//! `kills` and `sweep-kill`: kill commands, and workers of a sweep, at random moments.

use anyhow::{Context, Result};
use elman_figures::root;
use std::process::ExitCode;

use crate::bench::cargo;
use crate::flags::{Flags, unknown};

/// Flags of both.
pub const FLAGS: &str = "      --kills N  How many processes are killed (200)";

/// Runs the test of `tools/tests/sweep.rs` with more kills than it has among the others; failure where a trial is lost, done twice or
/// other than undisturbed.
///
/// # Errors
/// Where a flag is wrong or cargo does not start.
pub fn sweep(flags: Flags) -> Result<ExitCode> {
    kill(flags, "killed_workers", "ELMAN_SWEEP_KILLS")
}

/// Runs the test of `tools/tests/resume.rs` that kills training, quantizing and calibrating; failure where what comes out differs from an
/// undisturbed run.
///
/// # Errors
/// Where a flag is wrong or cargo does not start.
pub fn commands(flags: Flags) -> Result<ExitCode> {
    kill(flags, "killed_at_any_moment", "ELMAN_KILLS")
}

fn kill(mut flags: Flags, test: &str, variable: &str) -> Result<ExitCode> {
    let mut kills = 200usize;
    while let Some(name) = flags.next()? {
        match name.as_str() {
            "kills" => kills = flags.value()?,
            _ => return Err(unknown(&name)),
        }
    }
    let mut command = cargo();
    command.args(["test", "--quiet", "--release", "--package", "elman-tools", "--test", "all", "--manifest-path"]);
    command.arg(root().join("Cargo.toml")).args(["--", "--nocapture", test]);
    let status = command.env(variable, kills.to_string()).status().context("cargo does not start")?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
