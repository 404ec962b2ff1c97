//! `demo`: sets up, then hands over to `elman demo`.

use anyhow::{Context, Result};
use std::process::{Command, ExitCode};

use crate::report::root;
use crate::setup::{self, prepare};

/// Arguments of `demo`.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    setup: setup::Args,
    /// Arguments to `elman demo`
    #[arg(last = true)]
    rest: Vec<String>,
}

/// Runs the demo. Without QEMU or a thumb toolchain it still trains, quantizes and evaluates, and says what is
/// missing.
///
/// # Errors
/// Where cargo does not start.
pub fn run(args: &Args) -> Result<ExitCode> {
    for line in prepare(&args.setup)? {
        println!("without the emulated board: {line}");
    }
    let status = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()))
        .current_dir(root())
        .args(["run", "--quiet", "--release", "--package", "elman-tools", "--", "demo"])
        .args(&args.rest)
        .status()
        .context("cargo does not start")?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
