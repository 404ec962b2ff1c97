//! `coverage`: regions of the core that the fuzz corpus and the seeds run, counted by the compiler.

use anyhow::{Context, Result, ensure};
use elman_figures::reliability::Record;
use elman_figures::root;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use crate::bench::cargo;
use crate::flags::{Flags, unknown};
use crate::fuzz::targets;

/// Flags of `coverage`.
pub const FLAGS: &str = "  \
      --only PART    Inputs of targets with this in their names alone
      --gaps         Print the regions that no input runs
      --write-docs   Write the figure to docs/reliability.md";

/// What is counted.
const PARTS: [&str; 4] = ["src/blob/", "src/net/", "src/audio/", "src/detect.rs"];

/// What llvm-cov says of all files.
#[derive(Deserialize)]
struct Export {
    data: Vec<Data>,
}

#[derive(Deserialize)]
struct Data {
    files: Vec<File>,
}

#[derive(Deserialize)]
struct File {
    filename: PathBuf,
    summary: Summary,
    /// Line, column, count, whether there is a count, whether a region begins, whether it is a gap.
    #[serde(default)]
    segments: Vec<(usize, usize, u64, bool, bool, bool)>,
}

#[derive(Deserialize)]
struct Summary {
    regions: Regions,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
struct Regions {
    count: u64,
    covered: u64,
}

impl Regions {
    fn share(self) -> f64 {
        100.0 * self.covered as f64 / self.count.max(1) as f64
    }
}

/// Builds the targets with counters, runs seeds and corpus, and prints what was reached.
///
/// # Errors
/// Where a flag is wrong, llvm-tools are missing, or an input finds something.
pub fn run(mut flags: Flags) -> Result<ExitCode> {
    let (mut only, mut gaps, mut write_docs) = (String::new(), false, false);
    while let Some(name) = flags.next()? {
        match name.as_str() {
            "only" => only = flags.value()?,
            "gaps" => gaps = true,
            "write-docs" => write_docs = true,
            _ => return Err(unknown(&name)),
        }
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    let target = std::path::absolute(target)?.join("coverage");
    let program = build(&target)?;
    let profiles = tempfile::tempdir()?;
    let inputs = replay(&program, profiles.path(), &only)?;
    let export = export(&program, profiles.path())?;
    let folder = root().canonicalize()?;
    let mut parts = BTreeMap::<&str, Regions>::new();
    for file in export.data.iter().flat_map(|d| &d.files) {
        let Ok(name) = file.filename.strip_prefix(&folder) else { continue };
        let name = name.to_string_lossy();
        let Some(part) = PARTS.iter().find(|part| name.starts_with(**part)) else { continue };
        let sum = parts.entry(part).or_default();
        sum.count += file.summary.regions.count;
        sum.covered += file.summary.regions.covered;
        if gaps && file.summary.regions.covered < file.summary.regions.count {
            let Regions { count, covered } = file.summary.regions;
            println!("{name}: {covered} of {count}; {}", missed(&file.segments));
        }
    }
    let mut said = Vec::new();
    for (part, regions) in &parts {
        println!("{part:<14} {:>5} of {:>5} regions, {:.1} %", regions.covered, regions.count, regions.share());
        said.push(format!("{} {:.1} %", part.trim_end_matches('/'), regions.share()));
    }
    ensure!(parts.len() == PARTS.len(), "llvm-cov says nothing of some of {PARTS:?}");
    println!("{inputs} inputs");
    if write_docs {
        ensure!(only.is_empty(), "only the inputs of all targets are written");
        Record::of("coverage", &["src", "tests/fuzz/src"])?
            .write(&format!("{}, by {inputs} inputs", said.join(", ")))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The program that runs inputs, with counters in it.
fn build(target: &Path) -> Result<PathBuf> {
    let mut command = cargo();
    command.args(["build", "--release", "--package", "elman-fuzz", "--bin", "replay", "--manifest-path"]);
    command.arg(root().join("Cargo.toml")).env("RUSTFLAGS", "-C instrument-coverage").env("CARGO_TARGET_DIR", target);
    // Build scripts count too.
    command.env("LLVM_PROFILE_FILE", "/dev/null");
    ensure!(command.status().context("cargo does not start")?.success(), "the targets do not build");
    Ok(target.join("release/replay"))
}

/// Runs every target on its inputs; how many there were.
fn replay(program: &Path, profiles: &Path, only: &str) -> Result<u64> {
    let folder = root().join("tests/fuzz");
    let mut inputs = 0;
    for target in targets(&folder, only)? {
        let places = ["seeds", "corpus"].map(|kind| folder.join(kind).join(&target));
        let mut command = Command::new(program);
        command.arg(&target).args(places.iter().filter(|p| p.is_dir()));
        command.env("LLVM_PROFILE_FILE", profiles.join(format!("{target}.profraw")));
        let output = command.stderr(Stdio::inherit()).output().context("the targets do not start")?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        ensure!(output.status.success(), "an input of {target} finds something");
        inputs += said.split(' ').next().and_then(|n| n.parse::<u64>().ok()).context(said)?;
    }
    Ok(inputs)
}

/// What llvm-cov says of the profiles.
fn export(program: &Path, profiles: &Path) -> Result<Export> {
    let merged = profiles.join("all.profdata");
    let mut merge = tool("llvm-profdata")?;
    merge.args(["merge", "-sparse", "-o"]).arg(&merged);
    for entry in std::fs::read_dir(profiles)? {
        merge.arg(entry?.path());
    }
    ensure!(merge.status()?.success(), "llvm-profdata failed");
    let mut command = tool("llvm-cov")?;
    command.arg("export").arg(program).arg(format!("-instr-profile={}", merged.display())).arg("-skip-functions");
    let output = command.arg(root().join("src")).stderr(Stdio::inherit()).output()?;
    ensure!(output.status.success(), "llvm-cov failed");
    serde_json::from_slice(&output.stdout).context("what llvm-cov exports")
}

/// A program of rustup's component `llvm-tools`.
pub fn tool(name: &str) -> Result<Command> {
    let output = Command::new("rustc").args(["--print", "sysroot"]).output().context("rustc")?;
    let sysroot = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    let path = sysroot.join("lib/rustlib").join(host()?).join("bin").join(name);
    ensure!(path.is_file(), "{name} is not installed: run `rustup component add llvm-tools`");
    Ok(Command::new(path))
}

/// The target of this machine.
fn host() -> Result<String> {
    let output = Command::new("rustc").arg("-vV").output().context("rustc")?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let host = said.lines().find_map(|l| l.strip_prefix("host: ")).context("rustc does not say its host")?;
    Ok(host.to_owned())
}

/// Lines and columns at which regions begin that nothing ran.
fn missed(segments: &[(usize, usize, u64, bool, bool, bool)]) -> String {
    let starts = segments.iter().filter(|s| s.2 == 0 && s.3 && s.4 && !s.5);
    starts.map(|s| format!("{}:{}", s.0, s.1)).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_without_a_count_are_listed() {
        let segments = [
            (1, 2, 3, true, true, false),
            (4, 5, 0, true, true, false),
            (6, 7, 0, true, true, true),
            (8, 9, 0, false, false, false),
        ];
        assert_eq!(missed(&segments), "4:5");
        assert_eq!(Regions { count: 8, covered: 6 }.share(), 75.0);
        assert_eq!(Regions::default().share(), 0.0);
    }
}
