//! A command with the time that it takes.

use anyhow::{Context, Result};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::Instant;

/// Time, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spent {
    /// From start to end.
    pub wall: f64,
    /// Of all processors, with that of all children.
    pub cpu: f64,
    /// Until the first line on stdout; all of it where there was none.
    pub first_line: f64,
}

/// Processor time of the children that have ended, and of theirs, in seconds.
///
/// # Errors
/// Where the system does not say.
pub fn of_children() -> Result<f64> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).context("getrusage")?;
    let seconds = |t: TimeVal| t.tv_sec() as f64 + t.tv_usec() as f64 / 1e6;
    Ok(seconds(usage.user_time()) + seconds(usage.system_time()))
}

/// Runs a command to its end, with what it prints in `log`; whether it succeeded, and what it took.
///
/// # Errors
/// Where it does not start.
pub fn timed(command: &mut Command, log: &File) -> Result<(bool, Spent)> {
    let (begun, before) = (Instant::now(), of_children()?);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log.try_clone()?);
    let mut child = command.spawn().with_context(|| format!("{:?} does not start", command.get_program()))?;
    let (mut first, mut file) = (None, log.try_clone()?);
    for line in child.stdout.take().map(BufReader::new).into_iter().flat_map(BufReader::lines) {
        first.get_or_insert_with(|| begun.elapsed().as_secs_f64());
        writeln!(file, "{}", line?)?;
    }
    let status = child.wait()?;
    let wall = begun.elapsed().as_secs_f64();
    Ok((status.success(), Spent { wall, cpu: of_children()? - before, first_line: first.unwrap_or(wall) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wall_time_processor_time_and_the_first_line() {
        let log = tempfile::tempfile().unwrap();
        let script = "sleep 0.2; echo one; i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done";
        let (success, spent) = timed(Command::new("sh").args(["-c", script]), &log).unwrap();
        assert!(success);
        assert!(spent.first_line >= 0.2 && spent.wall >= spent.first_line, "{spent:?}");
        assert!(spent.cpu > 0.0, "{spent:?}");
        assert!(!timed(Command::new("sh").args(["-c", "exit 1"]), &log).unwrap().0);
    }
}
