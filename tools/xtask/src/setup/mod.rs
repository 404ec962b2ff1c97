//! `setup`: what firmware needs on this machine. It says what it does, asks first, skips what is there, and takes nothing
//! away.

mod apt;
mod steps;

use anyhow::{Result, bail, ensure};
use elman_emulator::{Machine, Machines, Qemu, Toolchain};
use std::collections::{BTreeMap, BTreeSet};
use std::process::{Command, ExitCode};

use crate::flags::{Flags, unknown};
pub use steps::{Consent, ask, available};
use steps::{Log, succeeds};

/// Flags of `setup`.
pub const FLAGS: &str = "  -y, --yes  Install without asking (so does CI=true)";

/// Debian's packages for targets of firmware, where rustup has none to give.
const DEBIAN_RUST: &[&str] = &["rustc-web", "cargo-web", "rust-web-src"];

/// Sets up, and fails where something is still missing.
///
/// # Errors
/// Where a flag is wrong or the table of cores cannot be read.
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
    let log = Log::new()?;
    let targets: BTreeSet<&str> = machines.iter().map(|(_, m)| m.target.as_str()).collect();
    let mut missing = toolchains(&targets, consent, &log);
    let programs: BTreeMap<&str, &Machine> = machines.iter().map(|(_, m)| (m.program.as_str(), m)).collect();
    let mut there = Vec::new();
    for (program, machine) in programs {
        if Qemu::find(machine).is_ok() {
            there.push(program);
        } else if let Err(e) = emulator(program, machine, consent, &log) {
            missing.push(format!("{program}: {e:#}"));
        }
    }
    if !there.is_empty() {
        println!("setup: {} there", there.join(", "));
    }
    // The bindings for C are linked by it; without it they are checked on this machine alone.
    if !available(GCC)
        && let Err(e) = apt::install(&["gcc-arm-none-eabi"], consent, &log)
    {
        println!("setup: {GCC} is not there, nothing of C runs on emulated cores: {e:#}");
    }
    Ok(missing)
}

/// The compiler of C for Arm's cores.
const GCC: &str = "arm-none-eabi-gcc";

/// The targets for which there is no toolchain.
fn without<'t>(targets: &BTreeSet<&'t str>) -> Vec<&'t str> {
    targets.iter().filter(|target| Toolchain::find(target).is_none()).copied().collect()
}

/// Toolchains for all targets, by rustup, else by Debian; what is still missing, a line each.
fn toolchains(targets: &BTreeSet<&str>, consent: Consent, log: &Log) -> Vec<String> {
    let absent = without(targets);
    if absent.is_empty() {
        println!("setup: {} targets for firmware there", targets.len());
        return Vec::new();
    }
    if let Err(e) = by_rustup(&absent, consent, log) {
        println!("setup: {e:#}; trying Debian's compiler");
        if let Err(e) = apt::install(DEBIAN_RUST, consent, log) {
            return absent.iter().map(|target| format!("{target}: {e:#}")).collect();
        }
    }
    without(targets).iter().map(|target| format!("{target}: nothing that was installed compiles for it")).collect()
}

fn by_rustup(targets: &[&str], consent: Consent, log: &Log) -> Result<()> {
    let list = targets.join(" ");
    ensure!(available("rustup"), "there is no rustup to add {list}");
    ensure!(ask(&format!("rustup target add {list}"), consent)?, "rustup may not add {list}");
    ensure!(
        succeeds(Command::new("rustup").args(["target", "add"]).args(targets), log),
        "rustup could not add {list}; {log} says why"
    );
    Ok(())
}

/// QEMU's program by the package manager; where a package of the user's is in the way, next to the system.
fn emulator(program: &str, machine: &Machine, consent: Consent, log: &Log) -> Result<()> {
    let package = if program == "qemu-system-arm" { program } else { "qemu-system-misc" };
    if let Err(e) = apt::install(&[package], consent, log) {
        if !e.is::<apt::InTheWay>() {
            return Err(e);
        }
        println!("setup: {e}");
        apt::unpack(package, "qemu-", &Qemu::unpacked(), consent, log)?;
    }
    if let Err(e) = Qemu::find(machine) {
        bail!("{package} is installed, but {e:#}");
    }
    Ok(())
}
