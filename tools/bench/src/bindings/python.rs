//! The wheel for Python: built, installed into a virtual environment of its own, and tested with cases that the core computed.

use anyhow::{Context, Result};
use elman_export::{CModel, Core};
use elman_figures::{Figures, root};
use elman_integer::synthetic::{self, Drive};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::work;

/// What the environment has. Versions are those of the day; the wheel is for Python 3.9 and later, and NumPy 1.23 and later.
const PACKAGES: [&str; 3] = ["maturin>=1.7,<2", "numpy", "pytest"];

pub fn check(figures: &mut Figures) -> Result<()> {
    if !work::there("python3") {
        figures.line("python3 is not installed: nothing of Python was checked");
        return Ok(());
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    let target = std::path::absolute(target)?;
    let (venv, wheels) = (target.join("python-venv"), tempfile::tempdir().context("a temporary folder")?);
    let bin = venv.join("bin");
    if !bin.join("pytest").is_file() || !bin.join("maturin").is_file() {
        work::run(Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
        work::run(Command::new(bin.join("pip")).args(["install", "--quiet"]).args(PACKAGES))?;
    }
    let folder = root().join("bindings/python");
    let mut maturin = Command::new(bin.join("maturin"));
    maturin
        .current_dir(&folder)
        .args(["build", "--release", "--quiet", "--out"])
        .arg(wheels.path())
        .arg("--interpreter");
    work::run(maturin.arg(bin.join("python")).env("CARGO_TARGET_DIR", target.join("python")))?;
    let wheel = std::fs::read_dir(wheels.path())?.flatten().next().context("maturin wrote no wheel")?;
    let mut pip = Command::new(bin.join("pip"));
    work::run(pip.args(["install", "--quiet", "--force-reinstall", "--no-deps"]).arg(wheel.path()))?;
    cases(wheels.path())?;
    let mut pytest = Command::new(bin.join("pytest"));
    let printed = work::run(pytest.current_dir(&folder).args(["-q", "-s"]).env("ELMAN_CASES", wheels.path()))?;
    let name = wheel.file_name().to_string_lossy().into_owned();
    figures.line(format!("Python: {name}, {} bytes", wheel.metadata()?.len()));
    for line in printed.lines().filter(|l| l.contains("steps a second") || l.contains(" passed")) {
        figures.line(format!("Python: {}", line.trim_start_matches('.').trim()));
    }
    let speed =
        printed.lines().find_map(|l| l.split_once("dense: ")?.1.split(' ').next()?.replace(',', "").parse().ok());
    figures.add("python-steps-a-second", speed.context("the test says how fast it was")?);
    Ok(())
}

/// Frames and logits of golden models, and a keyword spotter's network.
fn cases(folder: &Path) -> Result<()> {
    let mut cases = Vec::new();
    for path in std::fs::read_dir(root().join("tests/golden"))?.flatten().map(|f| f.path()) {
        let (Some(name), Ok(blob)) = (path.file_stem(), std::fs::read(&path)) else { continue };
        // Encoder-decoders, trees and graphs are not of this kind.
        let Ok(model) = CModel::with_test(&blob, Core::find("m4")?, 200) else { continue };
        let (frames, logits) = (model.test_frames(), model.test_logits());
        cases.push(serde_json::json!({"model": name.to_string_lossy(), "frames": frames, "logits": logits}));
    }
    std::fs::write(folder.join("bits.json"), serde_json::to_string(&cases)?)?;
    let network = synthetic::model("gru", 32, 64, 10, Drive::Ordinary, 7);
    std::fs::write(folder.join("gru-32x64.elman"), network.to_blob()?)?;
    Ok(())
}
