//! `fuzz`: cargo-fuzz over the targets of tests/fuzz, from the seeds next to them; and the ledger of what was executed.

mod ledger;

use anyhow::{Context, Result, ensure};
use elman_figures::root;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use crate::bench::program;
use crate::flags::{Flags, unknown};
use crate::setup::{Consent, ask, available};
use ledger::Line;

/// Flags of `fuzz`.
pub const FLAGS: &str = "  \
      --short        60 seconds a target
      --seconds N    Seconds a target, 600 by default
      --only PART    Only targets with this in their names
      --ledger       Append what was executed to tests/fuzz/ledger.csv, and write the sums to docs/reliability.md
      --minimize     Keep of each corpus what reaches something more than the rest, and stop
      --seeds        Write the seeds again, after a change of the format, and stop
  -y, --yes          Install without asking (so does CI=true)";

/// Bytes of an input at most.
const LONGEST: &str = "-max_len=8192";

/// Fuzzes every target; failure where one finds something.
///
/// # Errors
/// Where a flag is wrong, or cargo-fuzz is missing.
pub fn run(mut flags: Flags) -> Result<ExitCode> {
    let (mut seconds, mut only, mut consent) = (600u32, String::new(), Consent::default());
    let (mut ledger, mut minimize) = (false, false);
    while let Some(name) = flags.next()? {
        match name.as_str() {
            "short" => seconds = 60,
            "seconds" => seconds = flags.value()?,
            "only" => only = flags.value()?,
            "ledger" => ledger = true,
            "minimize" => minimize = true,
            "seeds" => return program(&["--package", "elman-fuzz", "--bin", "seeds"], &[""; 0]),
            "yes" | "y" => consent.yes = true,
            _ => return Err(unknown(&name)),
        }
    }
    if !available("cargo-fuzz") {
        ensure!(ask("run `cargo install cargo-fuzz`", consent)?, "cargo-fuzz is not installed");
        let status = Command::new("cargo").args(["install", "--locked", "cargo-fuzz"]).status()?;
        ensure!(status.success(), "`cargo install cargo-fuzz` failed");
    }
    let folder = root().join("tests/fuzz");
    let targets = targets(&folder, &only)?;
    let mut findings = 0;
    for target in &targets {
        let corpus = folder.join("corpus").join(target);
        std::fs::create_dir_all(&corpus).with_context(|| corpus.display().to_string())?;
        if minimize {
            let status = fuzz(&folder, "cmin", target).arg(&corpus).args(["--", LONGEST]).status()?;
            ensure!(status.success(), "the corpus of {target} is not minimised");
            println!("{target}: {} inputs", files(&corpus)?);
            continue;
        }
        println!("== {target}, {seconds} s");
        let begun = Instant::now();
        let (executions, found) = execute(&folder, target, &corpus, seconds)?;
        // A finding ends a run before its time.
        let seconds = begun.elapsed().as_secs().min(seconds.into());
        findings += u32::from(found);
        if ledger {
            Line::now(target, seconds, executions, files(&corpus)?, found)?.append()?;
        }
    }
    if ledger {
        ledger::render()?;
    }
    println!("{} targets, {findings} with findings", targets.len());
    Ok(if findings == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Writes docs/reliability.md from the ledger and docs/reliability.toml.
///
/// # Errors
/// Where a file cannot be read or written.
pub fn write_docs() -> Result<ExitCode> {
    ledger::render()?;
    elman_figures::reliability::render()?;
    Ok(ExitCode::SUCCESS)
}

/// Targets with `only` in their names.
///
/// # Errors
/// Where there is none.
pub fn targets(folder: &Path, only: &str) -> Result<Vec<String>> {
    let mut targets = Vec::new();
    for entry in std::fs::read_dir(folder.join("fuzz_targets")).context("tests/fuzz/fuzz_targets")? {
        let name = entry?.path().file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        targets.extend(Some(name).filter(|name| name.contains(only)));
    }
    targets.sort();
    ensure!(!targets.is_empty(), "no target has {only:?} in its name");
    Ok(targets)
}

/// cargo-fuzz on a target.
fn fuzz(folder: &Path, verb: &str, target: &str) -> Command {
    let mut command = Command::new("cargo");
    // Sanitizers are not stable; the compiler is.
    command.current_dir(folder).env("RUSTC_BOOTSTRAP", "1");
    command.args(["fuzz", verb, "--fuzz-dir", ".", "--features", "libfuzzer", target]);
    command
}

/// Runs a target for so many seconds; what it executed, and whether it found something.
fn execute(folder: &Path, target: &str, corpus: &Path, seconds: u32) -> Result<(u64, bool)> {
    let mut command = fuzz(folder, "run", target);
    command.args([corpus, &folder.join("seeds").join(target)]);
    command.args(["--", &format!("-max_total_time={seconds}"), LONGEST, "-print_final_stats=1"]);
    let mut child = command.stderr(Stdio::piped()).spawn().context("cargo fuzz does not start")?;
    let said = child.stderr.take().context("what libFuzzer says")?;
    let mut executions = 0;
    for line in BufReader::new(said).split(b'\n') {
        let line = String::from_utf8_lossy(&line?).into_owned();
        executions = executed(&line).unwrap_or(executions);
        eprintln!("{line}");
    }
    let status = child.wait()?;
    Ok((executions, !status.success()))
}

/// The count of a line of libFuzzer: its progress, or the final statistics.
fn executed(line: &str) -> Option<u64> {
    if let Some(count) = line.strip_prefix("stat::number_of_executed_units:") {
        return count.trim().parse().ok();
    }
    let (count, rest) = line.strip_prefix('#')?.split_once('\t')?;
    rest.contains("cov:").then(|| count.trim().parse().ok())?
}

/// How many files a folder has.
fn files(folder: &Path) -> Result<usize> {
    Ok(std::fs::read_dir(folder).with_context(|| folder.display().to_string())?.count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn executions_are_read_from_what_libfuzzer_says() {
        assert_eq!(executed("stat::number_of_executed_units: 1234567"), Some(1_234_567));
        assert_eq!(executed("#4096\tNEW    cov: 12 ft: 34 corp: 5/6b"), Some(4096));
        assert_eq!(executed("#2\tINITED exec/s: 0"), None);
        assert_eq!(executed("INFO: Seed: 1"), None);
    }
}
