//! A command as a process: begun, interrupted, and what it prints.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::error::Fault;
use crate::project::Project;

/// Lines of a log that are shown.
const LINES: usize = 200;
/// Bytes of a log that are looked at for them.
const TAIL: u64 = 64 << 10;

/// The last lines of a file.
pub(super) fn tail(path: &Path) -> Vec<String> {
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
        let mut bytes = Vec::new();
        file.take(TAIL).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let text = String::from_utf8_lossy(&read().unwrap_or_default()).into_owned();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LINES)..].iter().map(|line| (*line).to_owned()).collect()
}

/// Asks a process to end between two steps, as Ctrl-C does.
///
/// # Errors
/// Where it cannot be asked.
#[cfg(unix)]
pub fn interrupt(pid: u32) -> Result<(), Fault> {
    use nix::sys::signal::{Signal, kill};
    use nix::unistd::Pid;
    let pid = i32::try_from(pid).map_err(anyhow::Error::from)?;
    kill(Pid::from_raw(pid), Signal::SIGTERM)
        .map_err(|e| Fault::conflict("gone", format!("the process has ended ({e})")))
}

/// Other systems have no such signal: the process is ended by its handle, and goes on from its checkpoint.
///
/// # Errors
/// Always.
#[cfg(not(unix))]
pub fn interrupt(_pid: u32) -> Result<(), Fault> {
    Err(Fault::conflict("unsupported", "this system cannot interrupt another process; end it where it was started"))
}

/// Begins a command of `exe` in the project folder; its process, and the files of what it prints: the result, and the log.
pub(super) fn spawn(exe: &Path, project: &Project, id: u64, args: &[String]) -> Result<(Child, [PathBuf; 2]), Fault> {
    let files = ["out", "log"].map(|end| Path::new("jobs").join(format!("{id}.{end}")));
    let [out, log] = [project.own(&files[0])?, project.own(&files[1])?];
    let mut command = Command::new(exe);
    command.args(args).arg("--json").current_dir(project.root()).stdin(Stdio::null());
    command.stdout(File::create(&out)?).stderr(File::create(&log)?);
    // Ctrl-C in the terminal ends the server, and the server asks its children in its own time.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    Ok((command.spawn()?, [out, log]))
}

/// The count of a line such as `epoch 3/40: ...`.
pub(super) fn counted(line: &str) -> Option<(u64, u64)> {
    let (done, total) = line.split_whitespace().find_map(|word| word.trim_end_matches([':', ',']).split_once('/'))?;
    Some((done.parse().ok()?, total.parse().ok()?))
}

/// A command as it is typed.
pub(super) fn shown(args: &[String]) -> String {
    let plain = |arg: &String| arg.chars().all(|c| c.is_alphanumeric() || "-_./=:,".contains(c)) && !arg.is_empty();
    let quoted = |arg: &String| if plain(arg) { arg.clone() } else { format!("'{}'", arg.replace('\'', "'\\''")) };
    std::iter::once("elman".to_owned()).chain(args.iter().map(quoted)).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_can_be_typed_and_counts_are_read() {
        assert_eq!(shown(&["train".into(), "a b's".into()]), r"elman train 'a b'\''s'");
        assert_eq!(counted("epoch 3/40: loss 1.2"), Some((3, 40)));
        assert_eq!(counted("a/b 1.5 steps/s"), None);
    }
}
