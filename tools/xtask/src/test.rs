//! `test`: all that CI checks, in stages, each timed, two at a time.

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
      --serial     One stage after the other, with the processor time of each
      --list       List the stages and stop";

/// Sets up, runs every stage and sums up; failure where one failed or could not run.
///
/// # Errors
/// Where a flag is wrong or the table of cores cannot be read.
pub fn run(mut flags: Flags) -> Result<ExitCode> {
    let (mut only, mut consent, mut serial) = (String::new(), Consent::default(), false);
    while let Some(name) = flags.next()? {
        match name.as_str() {
            "yes" | "y" => consent.yes = true,
            "only" => only = flags.value()?,
            "serial" => serial = true,
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
    let missing = missing.first().map(ToString::to_string);
    let one = |stage: &&Stage| done(stage, missing.as_deref());
    let before = of_children()?;
    // Two lanes: what one leaves of the processors the other takes.
    let lane = |second: bool| stages.iter().filter(move |s| s.second_lane == second);
    let mut lines: Vec<Line> = match serial {
        true => stages.iter().map(one).collect(),
        false => std::thread::scope(|scope| {
            let second = scope.spawn(|| lane(true).map(one).collect::<Vec<Line>>());
            let first: Vec<Line> = lane(false).map(one).collect();
            // A stage that panicked has said so.
            first.into_iter().chain(second.join().unwrap_or_default()).collect()
        }),
    };
    lines.sort_by_key(|line| STAGES.iter().position(|s| s.name == line.name));
    let failed = stages.len() - lines.iter().filter(|line| line.error.is_none()).count();
    println!("\n{:<24}{:>9}", "stage", "time");
    for Line { name, wall, cpu, error } in &lines {
        let cpu = if serial { format!("{cpu:>7.1} s of processor time") } else { String::new() };
        let verdict =
            error.as_ref().map_or("ok".to_owned(), |e| format!("FAILED: {}", e.lines().next().unwrap_or_default()));
        println!("{name:<24}{wall:>7.1} s {cpu}  {verdict}");
    }
    lines
        .iter()
        .filter_map(|line| Some((line.name, line.error.as_ref()?)))
        .for_each(|(name, e)| println!("\n{name}: {e}"));
    let verdict = if failed == 0 { "all green".to_owned() } else { format!("{failed} failed") };
    let (wall, cpu) = (start.elapsed().as_secs_f64(), of_children()? - before);
    println!("{} stages in {wall:.0} s, {cpu:.0} s of processor time: {verdict}", stages.len());
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What the summary says of a stage.
struct Line {
    name: &'static str,
    wall: f64,
    /// Of all that ran meanwhile.
    cpu: f64,
    error: Option<String>,
}

/// Runs a stage; `missing` is what the cores need and this machine does not have.
fn done(stage: &Stage, missing: Option<&str>) -> Line {
    println!("== {}", stage.name);
    let (begun, before) = (Instant::now(), of_children());
    let outcome = match (stage.on_cores, missing) {
        (true, Some(what)) => Err(anyhow::anyhow!("not run, {what}")),
        _ => (stage.run)(),
    };
    let error = outcome.err().map(|e| format!("{e:#}"));
    error.iter().for_each(|e| eprintln!("{}: {e}", stage.name));
    let cpu = of_children().and_then(|now| Ok(now - before?)).unwrap_or(0.0);
    Line { name: stage.name, wall: begun.elapsed().as_secs_f64(), cpu, error }
}
