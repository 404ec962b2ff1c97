//! `release`: what stands before a release: licences and sources of all dependencies, what those of the device crate may do, bills of
//! materials, packages that could be published, and firmware that is the same bytes wherever it is built.

mod dependencies;
mod firmware;
mod sbom;

use anyhow::{Context, Result, ensure};
use elman_figures::reliability::Record;
use elman_figures::{root, write_part};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use crate::bench::cargo;
use crate::flags::{Flags, unknown};
use crate::setup::{Consent, ask, available};
use dependencies::Metadata;

/// Flags of `release`.
pub const FLAGS: &str = "  \
      --only PART    Only parts with this in their names: deny, dependencies, sbom, publish, semver, firmware
      --core CORE    The core whose firmware is built twice (m4)
      --write-docs   Write the list of dependencies to SECURITY.md, and the figure to docs/reliability.md
  -y, --yes          Install cargo-deny and cargo-semver-checks without asking (so does CI=true)";

/// A package, and the folder of its workspace.
const PUBLISHED: [(&str, &str); 2] = [("elman", ""), ("elman-slots", "boards")];

/// Does all parts; failure where one fails.
///
/// # Errors
/// Where a flag is wrong.
pub fn run(mut flags: Flags) -> Result<ExitCode> {
    let (mut only, mut core, mut write_docs, mut consent) = (String::new(), "m4".to_owned(), false, Consent::default());
    while let Some(name) = flags.next()? {
        match name.as_str() {
            "only" => only = flags.value()?,
            "core" => core = flags.value()?,
            "write-docs" => write_docs = true,
            "yes" | "y" => consent.yes = true,
            _ => return Err(unknown(&name)),
        }
    }
    let (mut done, mut failed) = (Vec::new(), 0);
    let mut part = |name: &str, work: &dyn Fn() -> Result<String>| {
        if !name.contains(&only) {
            return;
        }
        match work() {
            Ok(said) => {
                println!("{name}: {said}");
                done.push(format!("{name}: {said}"));
            }
            Err(e) => {
                failed += 1;
                eprintln!("{name}: FAILED: {e:#}");
            }
        }
    };
    part("deny", &|| deny(consent));
    part("dependencies", &|| {
        let list = dependencies::of_core(&Metadata::read("")?)?;
        if write_docs {
            write_part("SECURITY.md", "dependencies", &dependencies::table(&list))?;
        }
        print!("{}", dependencies::table(&list));
        Ok(format!("{} packages in the device crate", list.len()))
    });
    part("sbom", &bills);
    part("publish", &|| {
        PUBLISHED.iter().try_for_each(|(package, folder)| publish(package, folder))?;
        Ok(format!("{} could be published", PUBLISHED.map(|(package, _)| package).join(" and ")))
    });
    part("semver", &|| semver(consent));
    part("firmware", &|| firmware::twice(&core));
    ensure!(!done.is_empty() || failed > 0, "no part has {only:?} in its name");
    if write_docs && only.is_empty() && failed == 0 {
        Record::of("supply", &["Cargo.toml", "Cargo.lock", "boards/Cargo.lock"])?.write(&done.join("; "))?;
    }
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A subcommand of cargo, installed where somebody agrees.
fn installed(name: &str, consent: Consent) -> Result<()> {
    if !available(name) {
        ensure!(ask(&format!("run `cargo install {name}`"), consent)?, "{name} is not installed");
        let status = cargo().args(["install", "--locked", name]).status()?;
        ensure!(status.success(), "`cargo install {name}` failed");
    }
    Ok(())
}

/// Licences, sources and duplicates of both workspaces, by deny.toml.
fn deny(consent: Consent) -> Result<String> {
    installed("cargo-deny", consent)?;
    for folder in ["", "boards"] {
        let mut command = cargo();
        command.current_dir(root().join(folder)).args(["deny", "--log-level", "error", "check", "--config"]);
        command.arg(root().join("deny.toml")).args(["licenses", "bans", "sources"]);
        ensure!(command.status()?.success(), "cargo deny rejects a dependency of {}", root().join(folder).display());
    }
    Ok("licences and sources of both workspaces are those of deny.toml".to_owned())
}

/// Bills of materials in the target folder.
fn bills() -> Result<String> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    let target = target.join("sbom");
    std::fs::create_dir_all(&target).with_context(|| target.display().to_string())?;
    let mut said = Vec::new();
    for (package, folder) in [("elman", ""), ("elman-slots", "boards"), ("elman-tools", "")] {
        let (text, count) = sbom::of(&Metadata::read(folder)?, package)?;
        let path = target.join(format!("{package}.cdx.json"));
        std::fs::write(&path, text).with_context(|| path.display().to_string())?;
        said.push(format!("{package} {count}"));
    }
    Ok(format!("packages: {}", said.join(", ")))
}

/// Packs a package, and builds what was packed.
fn publish(package: &str, folder: &str) -> Result<()> {
    let mut command = cargo();
    command.current_dir(root().join(folder));
    command.args(["publish", "--dry-run", "--allow-dirty", "--quiet", "--package", package]);
    ensure!(command.status()?.success(), "{package} could not be published");
    Ok(())
}

/// The device crate's interface next to that of the last tag.
fn semver(consent: Consent) -> Result<String> {
    let output = Command::new("git").args(["describe", "--tags", "--abbrev=0"]).current_dir(root()).output()?;
    let tag = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if tag.is_empty() {
        return Ok("no release has a tag yet, so there is nothing to compare with".to_owned());
    }
    installed("cargo-semver-checks", consent)?;
    let mut command = cargo();
    command.current_dir(root()).args(["semver-checks", "--package", "elman", "--baseline-rev", &tag]);
    ensure!(command.status()?.success(), "the interface has changed since {tag} by more than the version says");
    Ok(format!("the interface is that of {tag}, or the version says more"))
}

/// Runs a program to its end; what it printed.
fn said(command: &mut Command) -> Result<Vec<u8>> {
    let output = command.output().with_context(|| format!("{:?} does not start", command.get_program()))?;
    let program = Path::new(command.get_program()).display().to_string();
    ensure!(output.status.success(), "{program} failed: {}", String::from_utf8_lossy(&output.stderr));
    Ok(output.stdout)
}
