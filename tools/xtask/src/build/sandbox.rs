//! A copy of the repository, as a user gets it who has nothing yet.

use anyhow::{Context, Result, ensure};
use elman_figures::root;
use std::fs::File;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

use super::timed::{Spent, timed};

/// The copy with a cargo home and a target folder of its own; all of it goes when it is dropped.
#[derive(Debug)]
pub struct Sandbox {
    folder: TempDir,
}

impl Sandbox {
    /// Copies the files that git knows, with their changes, and those that it would take.
    ///
    /// # Errors
    /// Where this is no repository of git or the copy fails.
    pub fn new() -> Result<Self> {
        let folder = tempfile::tempdir().context("a temporary folder for the copy")?;
        let list = Command::new("git")
            .current_dir(root())
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .output()
            .context("git does not start")?;
        ensure!(list.status.success(), "git ls-files: {}", String::from_utf8_lossy(&list.stderr).trim());
        let text = String::from_utf8(list.stdout).context("a name of a file is no UTF-8")?;
        // A file that was removed but not yet committed is listed, too.
        for name in text.split('\0').filter(|name| root().join(name).is_file()) {
            let to = folder.path().join("elman").join(name);
            if let Some(parent) = to.parent() {
                std::fs::create_dir_all(parent).with_context(|| parent.display().to_string())?;
            }
            std::fs::copy(root().join(name), &to).with_context(|| to.display().to_string())?;
        }
        Ok(Sandbox { folder })
    }

    /// Runs cargo in the copy.
    ///
    /// # Errors
    /// Where it fails; the message ends with what it printed last.
    pub fn cargo(&self, words: &[&str]) -> Result<Spent> {
        eprintln!("bench build: cargo {}", words.join(" "));
        let path = self.folder.path().join("log");
        let mut command = Command::new("cargo");
        // What the cargo that runs this program has set would reach the one that is measured.
        for (name, _) in std::env::vars_os() {
            let begins = |prefixes: &[&str]| name.to_str().is_some_and(|n| prefixes.iter().any(|p| n.starts_with(p)));
            // How the network is reached stays.
            if begins(&["CARGO", "RUSTC", "RUSTDOC", "RUSTFLAGS", "ELMAN_"]) && !begins(&["CARGO_HTTP_", "CARGO_NET_"])
            {
                command.env_remove(&name);
            }
        }
        command.current_dir(self.folder.path().join("elman")).args(words);
        command.env("CARGO_HOME", self.folder.path().join("cargo"));
        command.env("CARGO_TARGET_DIR", self.folder.path().join("target"));
        let (success, spent) = timed(&mut command, &File::create(&path).context("a log")?)?;
        ensure!(success, "`cargo {}` failed:\n{}", words.join(" "), tail(&path));
        Ok(spent)
    }

    /// Changes a file of the copy.
    ///
    /// # Errors
    /// Where it is not there, or stays as it was.
    pub fn change(&self, file: &str, change: fn(&str) -> String) -> Result<()> {
        let path = self.folder.path().join("elman").join(file);
        let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let changed = change(&text);
        ensure!(changed != text, "{file} has nothing that could be changed");
        std::fs::write(&path, changed).with_context(|| path.display().to_string())
    }
}

/// The last lines of a log.
fn tail(path: &Path) -> String {
    let text = std::fs::read(path).map(|b| String::from_utf8_lossy(&b).into_owned()).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(40)..].join("\n")
}
