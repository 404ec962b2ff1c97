//! Steps of a setup: asked for, a line each, with what their programs print in a file.

use anyhow::{Context, Result};
use elman_figures::root;
use std::fs::File;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// What a user has agreed to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Consent {
    /// Install without asking.
    pub yes: bool,
}

/// Whether `what` may be done: said, and asked where somebody can answer.
///
/// # Errors
/// Where the answer cannot be read.
pub fn ask(what: &str, consent: Consent) -> Result<bool> {
    if consent.yes || std::env::var("CI").is_ok_and(|v| v == "true") {
        println!("setup: {what}");
        return Ok(true);
    }
    if !std::io::stdin().is_terminal() {
        println!("setup: would run `{what}`; give --yes to allow it");
        return Ok(false);
    }
    print!("setup: {what}? [Y/n] ");
    std::io::stdout().flush()?;
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).context("no answer")?;
    Ok(matches!(line.trim().to_lowercase().as_str(), "" | "y" | "yes"))
}

/// Whether a program can be run at all.
pub fn available(program: &str) -> bool {
    Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

/// The file with what package managers print. It is made when the first of them runs.
#[derive(Debug)]
pub struct Log(PathBuf);

impl std::fmt::Display for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0.display())
    }
}

impl Log {
    /// `setup.log` in the target folder in use.
    ///
    /// # Errors
    /// Where the folder cannot be made.
    pub fn new() -> Result<Self> {
        let folder = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
        std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        Ok(Log(folder.join("setup.log")))
    }

    fn open(&self) -> std::io::Result<File> {
        File::options().create(true).append(true).open(&self.0)
    }
}

/// Runs a command with its output in the log; whether it succeeds.
pub fn succeeds(command: &mut Command, log: &Log) -> bool {
    let mut run = || -> std::io::Result<bool> {
        let mut file = log.open()?;
        writeln!(file, "$ {command:?}")?;
        let status = command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file).status()?;
        Ok(status.success())
    };
    run().unwrap_or(false)
}
