//! `test`: all that CI checks, in stages, each timed.

use anyhow::{Result, ensure};
use std::process::ExitCode;
use std::time::Instant;

use crate::build::of_children;
use crate::flags::{Flags, unknown};
use crate::setup::{Consent, prepare};
use crate::stages::{STAGES, Stage};

/// Flags of `test`.
pub const FLAGS: &str = "  \
  -y, --yes        Install without asking (so does CI=true)
      --only PART  Only stages with this in their names
      --list       List the stages and stop";

/// Sets up, runs every stage and sums up; failure where one failed or could not run.
///
/// # Errors
/// Where a flag is wrong or the table of cores cannot be read.
pub fn run(mut flags: Flags) -> Result<ExitCode> {
    let (mut only, mut consent) = (String::new(), Consent::default());
    while let Some(name) = flags.next()? {
        match name.as_str() {
            "yes" | "y" => consent.yes = true,
            "only" => only = flags.value()?,
            "list" => {
                STAGES.iter().for_each(|stage| println!("{}", stage.name));
                return Ok(ExitCode::SUCCESS);
            }
            _ => return Err(unknown(&name)),
        }
    }
    let stages: Vec<&Stage> = STAGES.iter().filter(|s| s.name.contains(&only)).collect();
    ensure!(!stages.is_empty(), "no stage has {only:?} in its name; `--list` lists them");
    let start = Instant::now();
    let missing = if stages.iter().any(|s| s.on_cores) { prepare(consent)? } else { Vec::new() };
    let mut lines = Vec::new();
    let mut failed = 0;
    for stage in &stages {
        println!("== {}", stage.name);
        let (begun, before) = (Instant::now(), of_children()?);
        let outcome = match (stage.on_cores, missing.first()) {
            (true, Some(what)) => Err(anyhow::anyhow!("not run, {what}")),
            _ => (stage.run)(),
        };
        let verdict = match outcome {
            Ok(()) => "ok".to_owned(),
            Err(e) => {
                failed += 1;
                eprintln!("{e:#}");
                format!("FAILED: {}", e.to_string().lines().next().unwrap_or_default())
            }
        };
        let (wall, cpu) = (begun.elapsed().as_secs_f64(), of_children()? - before);
        lines.push(format!("{:<24}{wall:>7.1} s {cpu:>7.1} s  {verdict}", stage.name));
    }
    println!("\n{:<24}{:>9} {:>9}\n{}", "stage", "time", "processor", lines.join("\n"));
    let verdict = if failed == 0 { "all green".to_owned() } else { format!("{failed} failed") };
    println!("{} stages in {:.0} s: {verdict}", stages.len(), start.elapsed().as_secs_f64());
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
