//! `fuzz`: cargo-fuzz over the targets of tests/fuzz, from the seeds next to them.

use anyhow::{Context, Result, ensure};
use elman_figures::root;
use std::process::{Command, ExitCode};

use crate::bench;
use crate::flags::{Flags, unknown};
use crate::setup::{Consent, ask, available};

/// Flags of `fuzz`.
pub const FLAGS: &str = "  \
      --short        60 seconds a target
      --seconds N    Seconds a target, 600 by default
      --only PART    Only targets with this in their names
      --seeds        Write the seeds again, after a change of the format, and stop
  -y, --yes          Install without asking (so does CI=true)";

/// Fuzzes every target; failure where one finds something.
///
/// # Errors
/// Where a flag is wrong, or cargo-fuzz is missing.
pub fn run(mut flags: Flags) -> Result<ExitCode> {
    let (mut seconds, mut only, mut consent) = (600, String::new(), Consent::default());
    while let Some(name) = flags.next()? {
        match name.as_str() {
            "short" => seconds = 60,
            "seconds" => seconds = flags.value()?,
            "only" => only = flags.value()?,
            "seeds" => return bench::run(&["fuzz-seeds"]),
            "yes" | "y" => consent.yes = true,
            _ => return Err(unknown(&name)),
        }
    }
    let folder = root().join("tests/fuzz");
    if !available("cargo-fuzz") {
        ensure!(ask("run `cargo install cargo-fuzz`", consent)?, "cargo-fuzz is not installed");
        let status = Command::new("cargo").args(["install", "--locked", "cargo-fuzz"]).status()?;
        ensure!(status.success(), "`cargo install cargo-fuzz` failed");
    }
    let mut findings = 0;
    let mut targets = Vec::new();
    for entry in std::fs::read_dir(folder.join("fuzz_targets")).context("tests/fuzz/fuzz_targets")? {
        let name = entry?.path().file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        targets.extend(Some(name).filter(|name| name.contains(&only)));
    }
    targets.sort();
    ensure!(!targets.is_empty(), "no target has {:?} in its name", only);
    for target in &targets {
        println!("== {target}, {seconds} s");
        let corpus = folder.join("corpus").join(target);
        std::fs::create_dir_all(&corpus).with_context(|| corpus.display().to_string())?;
        let status = Command::new("cargo")
            .current_dir(&folder)
            // Sanitizers are not stable; the compiler is.
            .env("RUSTC_BOOTSTRAP", "1")
            .args(["fuzz", "run", "--fuzz-dir", ".", "--features", "libfuzzer", target])
            .args([corpus.as_path(), &folder.join("seeds").join(target)])
            .args(["--", &format!("-max_total_time={seconds}"), "-max_len=8192", "-print_final_stats=1"])
            .status()
            .context("cargo fuzz does not start")?;
        findings += u32::from(!status.success());
    }
    println!("{} targets, {findings} with findings", targets.len());
    Ok(if findings == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
