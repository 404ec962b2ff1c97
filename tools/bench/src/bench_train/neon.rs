//! `bench train --neon`: instructions of a training step with NEON, counted in QEMU's emulation of a 64-bit Arm processor.

use anyhow::{Context, Result, ensure};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Case;
use elman_figures::{Figures, root};

const TARGET: &str = "aarch64-unknown-linux-musl";
/// Fewer than those of the time, so that the emulator takes seconds: what a multiply-add takes is the same.
const STEPS: usize = 20;
const BATCH: usize = 32;

/// Counts every case whose name has `only` in it.
///
/// # Errors
/// Where the target, the emulator or a compiler for its plugin is missing: what to install.
pub fn run(only: &str) -> Result<Figures> {
    let mut figures = Figures::new("bench-neon");
    let folder = tempfile::tempdir().context("a temporary folder")?;
    let (program, plugin) = (build()?, plugin(folder.path())?);
    figures.line(format!(
        "Training step with NEON, {STEPS} time steps, {BATCH} sequences: counted in qemu-aarch64, no time of a chip"
    ));
    figures.line("             instructions   multiply-adds of 4   instructions each");
    for case in Case::all().filter(|case| case.name().contains(only)) {
        let [one, three] = [1, 3].map(|steps| count(&program, &plugin, &case, steps));
        let ([a, b], [c, d]) = (one?, three?);
        let (instructions, products) = ((c - a) / 2, (d - b) / 2);
        let each = instructions as f64 / products as f64;
        figures.line(format!("{:<10}{instructions:>15}{products:>21}{each:>20.2}", case.name()));
        figures.add(case.name(), each);
    }
    Ok(figures)
}

/// The program that trains.
fn build() -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or("cargo".into());
    let status = Command::new(cargo)
        .current_dir(root())
        .args(["build", "--quiet", "--release", "--package", "elman-train", "--example", "steps", "--target", TARGET])
        .env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_MUSL_LINKER", "rust-lld")
        .status()?;
    ensure!(status.success(), "it does not build for {TARGET}: `rustup target add {TARGET}` installs its library");
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    Ok(target.join(TARGET).join("release/examples/steps"))
}

/// What counts, for the emulator to load.
fn plugin(folder: &Path) -> Result<PathBuf> {
    let source = root().join("tools/bench/src/bench_train/neon_count.c");
    let made = folder.join("count.so");
    let status = Command::new("cc")
        .args(["-O2", "-shared", "-fPIC", "-fvisibility=hidden", "-o"])
        .args([&made, &source])
        .status()
        .context("cc, a C compiler, is not installed")?;
    ensure!(status.success(), "{} does not compile", source.display());
    Ok(made)
}

/// Instructions and multiply-adds of so many training steps, with all before them.
fn count(program: &Path, plugin: &Path, case: &Case, steps: usize) -> Result<[u64; 2]> {
    let numbers = [case.inputs, case.hidden, STEPS, BATCH, steps].map(|n| n.to_string());
    let output = Command::new("qemu-aarch64")
        .arg("-plugin")
        .args([plugin, program])
        .arg(case.cell)
        .args(numbers)
        .output()
        .context("qemu-aarch64 is not installed; Debian has it in the package qemu-user")?;
    let text = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "the emulated program failed: {text}");
    let counts: Vec<u64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    counts.try_into().ok().with_context(|| format!("the plugin printed `{text}`"))
}
