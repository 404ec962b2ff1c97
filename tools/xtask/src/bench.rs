//! The verbs of `elman-bench`.

use anyhow::{Context, Result};
use elman_figures::root;
use std::process::{Command, ExitCode};

/// Cargo, as it runs this program.
pub fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()))
}

/// Builds `elman-bench`, with cargo's own progress, and runs it with these words.
///
/// # Errors
/// Where cargo does not start.
pub fn run(words: &[impl AsRef<std::ffi::OsStr>]) -> Result<ExitCode> {
    program(&["--package", "elman-bench"], words)
}

/// Builds a program of the workspace, which `select` says, and runs it with these words.
///
/// # Errors
/// Where cargo does not start.
pub fn program(select: &[&str], words: &[impl AsRef<std::ffi::OsStr>]) -> Result<ExitCode> {
    let mut command = cargo();
    command.args(["run", "--release"]).args(select).arg("--manifest-path").arg(root().join("Cargo.toml"));
    let status = command.arg("--").args(words).status().context("cargo does not start")?;
    Ok(status.code().map_or(ExitCode::FAILURE, |code| ExitCode::from(u8::try_from(code).unwrap_or(1))))
}
