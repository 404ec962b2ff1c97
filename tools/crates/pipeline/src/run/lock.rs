//! One process at a time changes a run.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// Holds the run folder for this process until it is dropped. The operating system gives it up when the process ends, however
/// that happens, so that no lock outlives its owner.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "it is held, not read")] File);

/// The file that is locked. It holds the owner's process number.
const LOCK: &str = "lock";

/// An owner that was killed just now may still have children that share its files and are about to end.
const PATIENCE: Duration = Duration::from_millis(500);

impl Lock {
    /// Takes the lock of a run folder that exists.
    ///
    /// # Errors
    /// Where another process has it, with that process's number; where the file cannot be written.
    pub fn take(folder: &Path) -> Result<Self> {
        let path = folder.join(LOCK);
        let open = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = open.with_context(|| format!("cannot open {}", path.display()))?;
        let begun = Instant::now();
        let mut locked = file.try_lock();
        while matches!(locked, Err(TryLockError::WouldBlock)) && begun.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(20));
            locked = file.try_lock();
        }
        match locked {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut owner = String::new();
                let _ = file.read_to_string(&mut owner);
                let owner = owner.trim().parse::<u32>().map_or(String::new(), |pid| format!(" (process {pid})"));
                bail!(
                    "{} is in use by another elman{owner}; wait until it has ended, or name another folder with --out",
                    folder.display()
                );
            }
            // A file system without locks: one process must do.
            Err(TryLockError::Error(e)) if e.kind() == std::io::ErrorKind::Unsupported => {}
            Err(TryLockError::Error(e)) => return Err(e).with_context(|| format!("cannot lock {}", path.display())),
        }
        let write = |file: &mut File| {
            file.set_len(0)?;
            file.rewind()?;
            writeln!(file, "{}", std::process::id())
        };
        write(&mut file).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Lock(file))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_owner_is_rejected_by_the_number_of_the_first_until_it_has_ended() {
        let dir = tempfile::tempdir().unwrap();
        let first = Lock::take(dir.path()).unwrap();
        let error = Lock::take(dir.path()).unwrap_err().to_string();
        assert!(error.contains(&format!("process {}", std::process::id())), "{error}");
        drop(first);
        Lock::take(dir.path()).unwrap();
        assert!(Lock::take(&dir.path().join("absent")).is_err());
    }
}
