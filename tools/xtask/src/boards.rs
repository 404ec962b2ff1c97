//! `boards`: firmware of every board, built for its own target.

use anyhow::{Context, Result, ensure};
use elman_figures::root;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use crate::bench::cargo;
use crate::flags::{Flags, unknown};

/// What boards/NAME/.cargo/config.toml says.
#[derive(Deserialize)]
struct Config {
    build: Build,
}

#[derive(Deserialize)]
struct Build {
    target: String,
}

/// Flags of `boards`.
pub const FLAGS: &str = "  --only PART   Only boards with this in their names\n  --model BLOB  Model to build in; by default boards/listens.elman";

/// Folders of boards: those with a target of their own.
fn boards(folder: &Path) -> Result<Vec<(String, String)>> {
    let mut boards = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        let config = path.join(".cargo/config.toml");
        if !config.is_file() {
            continue;
        }
        let text = std::fs::read_to_string(&config).with_context(|| config.display().to_string())?;
        let config: Config = toml::from_str(&text).with_context(|| config.display().to_string())?;
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        boards.push((name, config.build.target));
    }
    boards.sort();
    Ok(boards)
}

/// Builds them; failure where one does not.
///
/// # Errors
/// Where a flag is wrong, the folder cannot be read or cargo does not start.
pub fn run(mut flags: Flags) -> Result<ExitCode> {
    let (mut only, mut model) = (String::new(), None);
    while let Some(name) = flags.next()? {
        match name.as_str() {
            "only" => only = flags.value()?,
            "model" => model = Some(flags.value::<PathBuf>()?),
            _ => return Err(unknown(&name)),
        }
    }
    build(&only, model.as_deref())
}

/// Builds the boards with `only` in their names.
///
/// # Errors
/// Where the folder cannot be read or cargo does not start.
pub fn build(only: &str, model: Option<&Path>) -> Result<ExitCode> {
    let folder = root().join("boards");
    let target = match std::env::var_os("CARGO_TARGET_DIR") {
        Some(path) => std::path::absolute(&path).unwrap_or(path.into()).join("boards/hardware"),
        None => root().join("target/boards/hardware"),
    };
    let boards: Vec<_> = boards(&folder)?.into_iter().filter(|(name, _)| name.contains(only)).collect();
    ensure!(!boards.is_empty(), "no board has {:?} in its name", only);
    let mut failed = 0;
    for (name, triple) in &boards {
        let begun = Instant::now();
        let mut command = cargo();
        command.current_dir(folder.join(name)).args(["build", "--quiet", "--release", "--target", triple]);
        command.env("CARGO_TARGET_DIR", &target).env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
        match model {
            Some(path) => command.env("ELMAN_BLOB", std::path::absolute(path)?),
            None => command.env_remove("ELMAN_BLOB"),
        };
        let status = command.status().context("cargo does not start")?;
        let verdict = if status.success() { "built" } else { "FAILED" };
        failed += u32::from(!status.success());
        println!("{name:<20} {triple:<28} {verdict} in {:.0} s", begun.elapsed().as_secs_f64());
    }
    println!("{} boards, {failed} failed; none was run: that takes the board", boards.len());
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
