//! `demo`: sets up, then hands over to `elman demo`.

use anyhow::{Context, Result};
use elman_figures::root;
use std::process::ExitCode;

use crate::bench::cargo;
use crate::flags::{Flags, unknown};
use crate::setup::{Consent, prepare};

/// Flags of `demo`.
pub const FLAGS: &str = "  -y, --yes  Install without asking (so does CI=true)\n  -- ARGS    Arguments to `elman demo`";

/// Runs the demo. Without QEMU or a thumb toolchain it still trains, quantizes and evaluates, and says what is
/// missing.
///
/// # Errors
/// Where a flag is wrong or cargo does not start.
pub fn run(mut flags: Flags) -> Result<ExitCode> {
    let mut consent = Consent::default();
    while let Some(name) = flags.next()? {
        match name.as_str() {
            "yes" | "y" => consent.yes = true,
            _ => return Err(unknown(&name)),
        }
    }
    for line in prepare(consent)? {
        println!("without the emulated board: {line}");
    }
    println!("building `elman`, then the demo");
    let status = cargo()
        .current_dir(root())
        .args(["run", "--release", "--package", "elman-tools", "--", "demo"])
        .args(flags.rest())
        .status()
        .context("cargo does not start")?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
