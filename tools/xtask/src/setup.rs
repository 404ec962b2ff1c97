//! `setup`: what firmware needs on this machine. It says what it does, asks first, and skips what is there.

use anyhow::{Context, Result, bail};
use elman_emulator::{Machine, Machines, Qemu, Toolchain};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use crate::flags::{Flags, unknown};

/// Flags of `setup`.
pub const FLAGS: &str = "  -y, --yes  Install without asking (so does CI=true)";

/// What a user has agreed to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Consent {
    /// Install without asking.
    pub yes: bool,
}

/// Debian's packages for targets of firmware, where rustup has none to give.
const DEBIAN_RUST: &[&str] = &["rustc-web", "cargo-web", "rust-web-src"];

/// Sets up, and fails where something is still missing.
///
/// # Errors
/// Where the table of cores cannot be read.
pub fn run(mut flags: Flags) -> Result<ExitCode> {
    let mut consent = Consent::default();
    while let Some(name) = flags.next()? {
        match name.as_str() {
            "yes" | "y" => consent.yes = true,
            _ => return Err(unknown(&name)),
        }
    }
    let missing = prepare(consent)?;
    for line in &missing {
        println!("missing: {line}");
    }
    Ok(if missing.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Installs what is missing; what still is, a line each.
///
/// # Errors
/// Where the table of cores cannot be read.
pub fn prepare(consent: Consent) -> Result<Vec<String>> {
    let machines = Machines::find(None)?;
    let targets: BTreeSet<&str> = machines.iter().map(|(_, m)| m.target.as_str()).collect();
    let mut missing = Vec::new();
    for target in targets {
        if let Err(e) = thumb(target, consent) {
            missing.push(format!("{target}: {e:#}"));
        }
    }
    let programs: BTreeMap<&str, &Machine> = machines.iter().map(|(_, m)| (m.program.as_str(), m)).collect();
    for (program, machine) in programs {
        if Qemu::find(machine).is_ok() {
            println!("{program}: is there");
        } else if let Err(e) = packages(&[package(program)], consent) {
            missing.push(format!("{program}: {e:#}"));
        }
    }
    Ok(missing)
}

/// Debian's package with a program of QEMU.
fn package(program: &str) -> &str {
    if program == "qemu-system-arm" { program } else { "qemu-system-misc" }
}

fn thumb(target: &str, consent: Consent) -> Result<()> {
    match Toolchain::find(target) {
        Some(Toolchain::Installed) => {
            println!("{target}: is there");
            return Ok(());
        }
        Some(Toolchain::Debian) => {
            println!("{target}: is there, by Debian's compiler and sources");
            return Ok(());
        }
        None => {}
    }
    if available("rustup") && ask(&format!("run `rustup target add {target}`"), consent)? {
        if succeeds(Command::new("rustup").args(["target", "add", target])) && Toolchain::find(target).is_some() {
            println!("{target}: installed by rustup");
            return Ok(());
        }
        println!("{target}: rustup could not install it; trying Debian's compiler");
    }
    packages(DEBIAN_RUST, consent)?;
    if Toolchain::find(target).is_none() {
        bail!("neither rustup nor Debian's packages gave a toolchain for it");
    }
    println!("{target}: by Debian's compiler and sources");
    Ok(())
}

/// Installs packages of Debian or Ubuntu.
fn packages(names: &[&str], consent: Consent) -> Result<()> {
    let list = names.join(" ");
    if !Path::new("/etc/debian_version").exists() || !available("apt-get") {
        bail!("install it with your system's package manager (on Debian and Ubuntu: {list})");
    }
    let root = Command::new("id").arg("-u").output().is_ok_and(|o| o.stdout.trim_ascii() == b"0");
    let apt = |arguments: &[&str]| {
        let mut command = if root { Command::new("apt-get") } else { Command::new("sudo") };
        if !root {
            command.arg("apt-get");
        }
        command.env("DEBIAN_FRONTEND", "noninteractive").args(arguments);
        succeeds(&mut command)
    };
    if !ask(&format!("run `apt-get install {list}`"), consent)? {
        bail!("not installed: run `apt-get install {list}`");
    }
    let install: Vec<&str> = ["install", "-y", "--no-install-recommends"].into_iter().chain(names.to_vec()).collect();
    // The lists may be too old, or not there at all.
    if apt(&install) || (apt(&["update"]) && apt(&install)) {
        println!("{list}: installed");
        return Ok(());
    }
    bail!("`apt-get install {list}` failed")
}

/// Whether `what` may be done: said, and asked where somebody can answer.
pub fn ask(what: &str, consent: Consent) -> Result<bool> {
    if consent.yes || std::env::var("CI").is_ok_and(|v| v == "true") {
        println!("setup: {what}");
        return Ok(true);
    }
    if !std::io::stdin().is_terminal() {
        println!("setup: would {what}; give --yes to allow it");
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

fn succeeds(command: &mut Command) -> bool {
    command.stdin(Stdio::null()).status().is_ok_and(|s| s.success())
}
