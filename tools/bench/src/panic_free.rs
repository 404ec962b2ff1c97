//! The firmware boards/panic-free, which links only without reachable panics, and what is measured on it.

use anyhow::{Context, Result};
use elman::audio::{Config, FEATURE_FRAC};
use elman_emulator::{Firmware, Machines};
use elman_quant::synthetic::{self, Drive};

/// How the firmware is optimised.
pub const LEVELS: [&str; 2] = ["3", "s"];

/// A keyword network with front end and detector: 64 units of a cell, 10 outputs.
pub fn blob(core: &str, cell: &str) -> Result<Vec<u8>> {
    let audio = Config::HZ_16000;
    let mut model = synthetic::sound::listener(audio, 64, 10, 5);
    model.name = "proof".into();
    model.layers[0] = synthetic::layer(cell, audio.channels.into(), 64, FEATURE_FRAC as u8, Drive::Ordinary, 5);
    model.to_blob_for(core)
}

/// Builds the firmware with a network of `cell` for `core` at an optimisation level.
///
/// # Errors
/// Where it does not compile or link.
pub fn build(machines: &Machines, core: &str, cell: &str, level: &str, more: &[&str]) -> Result<Firmware> {
    let file = tempfile::Builder::new().suffix(".elman").tempfile().context("a temporary file for the blob")?;
    std::fs::write(file.path(), blob(core, cell)?).context("a temporary file for the blob")?;
    let level = format!("profile.release.opt-level={}", if level == "s" { "\"s\"" } else { level });
    let arguments: Vec<&str> =
        ["--package", "panic-free", "--config", &level].into_iter().chain(more.iter().copied()).collect();
    Firmware::build(machines, core, "panic-free", Some(file.path()), &arguments)
}
