//! The firmware boards/proof, which links only without reachable panics, and what is measured on it.

use anyhow::{Context, Result};
use elman::audio::Config;
use elman_tools::quant::synthetic;
use elman_tools::verify::{Firmware, Machines};

/// How the firmware is optimised.
pub const LEVELS: [&str; 2] = ["3", "s"];

/// A keyword GRU with front end and detector: 64 units, 10 outputs.
pub fn blob(core: &str) -> Result<Vec<u8>> {
    let mut model = synthetic::sound::listener(Config::HZ_16000, 64, 10, 5);
    model.name = "proof".into();
    model.to_blob_for(core)
}

/// Builds the firmware for `core` at an optimisation level.
///
/// # Errors
/// Where it does not compile or link.
pub fn build(machines: &Machines, core: &str, level: &str, more: &[&str]) -> Result<Firmware> {
    let file = tempfile::Builder::new().suffix(".elman").tempfile().context("a temporary file for the blob")?;
    std::fs::write(file.path(), blob(core)?).context("a temporary file for the blob")?;
    let level = format!("profile.release.opt-level={}", if level == "s" { "\"s\"" } else { level });
    let arguments: Vec<&str> =
        ["--package", "proof", "--config", &level].into_iter().chain(more.iter().copied()).collect();
    Firmware::build(machines, core, "proof", Some(file.path()), &arguments)
}
