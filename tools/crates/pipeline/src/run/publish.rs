//! A new run takes the place of an earlier one in the same folder, whole or not at all.
//!
//! The new run's files are written to a folder inside, [`NEW`]. When its first epoch is done, the old files go to [`OLD`], which
//! then becomes [`DONE`], and the new ones take their place. Each step is one rename. A process that ends in between leaves
//! folders that say how far it came, and the next one that opens the run goes on from there: before [`OLD`] exists, nothing has
//! changed; from then on, the new run is whole in [`NEW`].

use std::path::Path;

use anyhow::{Context, Result};

/// Where a new run is written until its first epoch is done.
pub const NEW: &str = ".new";
/// Where the earlier run's files go.
const OLD: &str = ".old";
/// The same, once they are all there.
const DONE: &str = ".done";

/// Makes the folder for a new run's files, empty.
///
/// # Errors
/// Where it cannot be made.
pub fn prepare(folder: &Path) -> Result<()> {
    let new = folder.join(NEW);
    remove(&new)?;
    std::fs::create_dir_all(&new).with_context(|| format!("cannot create {}", new.display()))
}

/// Puts the new run in the place of the earlier one. `files` are the names of a run's files; the first makes a folder a run.
///
/// # Errors
/// Where a file cannot be moved; the next call goes on.
pub fn publish(folder: &Path, files: &[&str]) -> Result<()> {
    let mut all = usize::MAX;
    steps(folder, files, &mut all)
}

/// Goes on where an earlier process was ended during [`publish`].
///
/// # Errors
/// As [`publish`].
pub fn recover(folder: &Path, files: &[&str]) -> Result<()> {
    if unfinished(folder) { publish(folder, files) } else { Ok(()) }
}

/// Whether a process was ended during [`publish`], or is in it.
pub fn unfinished(folder: &Path) -> bool {
    folder.join(OLD).exists() || folder.join(DONE).exists()
}

/// At most `count` steps; what is done already is none.
fn steps(folder: &Path, files: &[&str], count: &mut usize) -> Result<()> {
    let [new, old, done] = [NEW, OLD, DONE].map(|name| folder.join(name));
    if !done.exists() {
        if !old.exists() {
            let make = || std::fs::create_dir(&old).with_context(|| format!("cannot create {}", old.display()));
            step(count, make)?;
        }
        // The file that makes a folder a run goes first and comes last.
        for file in files {
            rename(&folder.join(file), &old.join(file), count)?;
        }
        rename(&old, &done, count)?;
    }
    for file in files.iter().rev() {
        rename(&new.join(file), &folder.join(file), count)?;
    }
    step(count, || remove(&new))?;
    step(count, || remove(&done))
}

fn step(count: &mut usize, change: impl FnOnce() -> Result<()>) -> Result<()> {
    match count.checked_sub(1) {
        Some(rest) => {
            *count = rest;
            change()
        }
        None => Ok(()),
    }
}

/// Moves what is there.
fn rename(from: &Path, to: &Path, count: &mut usize) -> Result<()> {
    if from.symlink_metadata().is_err() {
        return Ok(());
    }
    step(count, || {
        std::fs::rename(from, to).with_context(|| format!("cannot move {} to {}", from.display(), to.display()))
    })
}

/// Removes a folder of ours, if it is there.
fn remove(path: &Path) -> Result<()> {
    match std::fs::remove_dir_all(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            Err(e).with_context(|| format!("cannot remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILES: &[&str] = &["recipe", "weights", "scenes"];

    /// An earlier run with scenes and a file of the user's, and a new run without scenes.
    fn folder() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        prepare(dir.path()).unwrap();
        for (name, text) in [("recipe", "old"), ("weights", "old"), ("scenes", "old"), ("notes.txt", "mine")] {
            std::fs::write(dir.path().join(name), text).unwrap();
        }
        for name in ["recipe", "weights"] {
            std::fs::write(dir.path().join(NEW).join(name), "new").unwrap();
        }
        dir
    }

    /// Names and content, sorted.
    fn content(dir: &Path) -> Vec<(String, String)> {
        let mut found: Vec<_> = std::fs::read_dir(dir)
            .unwrap()
            .map(|e| e.unwrap())
            .map(|e| {
                let name = e.file_name().into_string().unwrap();
                (name, std::fs::read_to_string(e.path()).unwrap_or_default())
            })
            .collect();
        found.sort();
        found
    }

    #[test]
    fn ended_after_any_step_it_is_the_new_run_once_opened_again() {
        let whole = [("notes.txt", "mine"), ("recipe", "new"), ("weights", "new")].map(|(a, b)| (a.into(), b.into()));
        let mut most = 0;
        for ended in 1..=12 {
            let dir = folder();
            let mut count = ended;
            steps(dir.path(), FILES, &mut count).unwrap();
            if count == 0 {
                most = ended;
            }
            recover(dir.path(), FILES).unwrap();
            assert_eq!(content(dir.path()), whole, "ended after {ended} steps");
        }
        // Two folders made and removed, five files and a folder moved.
        assert_eq!(most, 9);
    }

    #[test]
    fn before_the_first_step_the_earlier_run_is_as_it_was() {
        let dir = folder();
        recover(dir.path(), FILES).unwrap();
        assert_eq!(std::fs::read_to_string(dir.path().join("weights")).unwrap(), "old");
        prepare(dir.path()).unwrap();
        assert_eq!(content(&dir.path().join(NEW)), []);
    }
}
