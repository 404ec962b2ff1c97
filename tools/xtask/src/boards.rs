//! `boards`: firmware of every board, built for its own target.

use anyhow::{Context, Result, ensure};
use elman_emulator::build_directory;
use elman_figures::root;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

use crate::bench::cargo;
use crate::flags::{Flags, unknown};
use crate::rp2040;

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
pub const FLAGS: &str = "  --only PART   Only boards with this in their names\n  --model BLOB  Model to build in; by default boards/listens.elman\n  --firmware    Firmware without a model, for `elman flash`, into target/firmware\n  --run pico    Run the Pico's firmware in the emulator rp2040js: its light against the host, and a model over USB\n  --seconds N   Seconds of sound for --run, 60 by default\n  --cuts N      Cuts of the supply in the flash's operations for --run, 20 by default";

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
    let (mut only, mut model, mut firmware) = (String::new(), None, false);
    let (mut run, mut seconds, mut cuts) = (None::<String>, 60, 20);
    while let Some(name) = flags.next()? {
        match name.as_str() {
            "only" => only = flags.value()?,
            "model" => model = Some(flags.value::<PathBuf>()?),
            "firmware" => firmware = true,
            "run" => run = Some(flags.value()?),
            "seconds" => seconds = flags.value()?,
            "cuts" => cuts = flags.value()?,
            _ => return Err(unknown(&name)),
        }
    }
    if let Some(name) = run {
        ensure!(name == "pico", "there is no emulator for {name}: pico alone has one");
        let built = for_flash("pico")?;
        ensure!(built == ExitCode::SUCCESS, "the firmware does not build");
        return rp2040::run(&target().join("rp2040"), &target().join("firmware/pico.bin"), seconds, cuts);
    }
    if firmware {
        return for_flash(&only);
    }
    build(&only, model.as_deref())
}

/// The target folder in use.
fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(path) => std::path::absolute(&path).unwrap_or(path.into()),
        None => root().join("target"),
    }
}

/// Builds the firmware of boards whose models are in slots, without one, and writes what it loads into flash where `elman flash` looks.
fn for_flash(only: &str) -> Result<ExitCode> {
    let folder = root().join("boards");
    let out = target().join("firmware");
    std::fs::create_dir_all(&out).with_context(|| out.display().to_string())?;
    let commit = commit()?;
    let with_slots = |name: &str| {
        std::fs::read_to_string(folder.join(name).join("memory.x")).is_ok_and(|text| text.contains("MODELS :"))
    };
    let boards: Vec<_> =
        boards(&folder)?.into_iter().filter(|(name, _)| name.contains(only) && with_slots(name)).collect();
    ensure!(!boards.is_empty(), "no board with slots has {:?} in its name", only);
    for (name, triple) in &boards {
        let status = command(&folder, name, triple).env("ELMAN_BLOB", "").env("ELMAN_COMMIT", &commit).status()?;
        ensure!(status.success(), "the firmware of {name} does not build");
        let elf = target().join("boards/hardware").join(triple).join("release").join(name);
        let mut join = cargo();
        join.args(["run", "--quiet", "--release", "--package", "elman-flash", "--bin", "firmware", "--manifest-path"]);
        join.arg(root().join("Cargo.toml")).arg("--").args([name]).args([&elf, &out.join(format!("{name}.bin"))]);
        ensure!(join.status()?.success(), "the firmware of {name} is none that `elman flash` takes");
    }
    println!("{} boards in {}: `elman flash MODEL --board NAME` joins them with a model", boards.len(), out.display());
    Ok(ExitCode::SUCCESS)
}

/// The commit, with a mark where files differ from it.
fn commit() -> Result<String> {
    let git = |arguments: &[&str]| -> Result<String> {
        let output = Command::new("git").current_dir(root()).args(arguments).output().context("git does not start")?;
        ensure!(
            output.status.success(),
            "`git {}` failed: {}",
            arguments.join(" "),
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let changed = !git(&["status", "--porcelain", "--untracked-files=no"])?.is_empty();
    Ok(git(&["rev-parse", "HEAD"])? + if changed { "-dirty" } else { "" })
}

/// Cargo, building one board.
fn command(folder: &Path, name: &str, triple: &str) -> Command {
    let mut command = cargo();
    command.current_dir(folder.join(name)).args(["build", "--quiet", "--release", "--target", triple]);
    command.env("CARGO_BUILD_BUILD_DIR", build_directory(folder, 0));
    command.env("CARGO_TARGET_DIR", target().join("boards/hardware"));
    command.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
    command
}

/// Builds the boards with `only` in their names.
///
/// # Errors
/// Where the folder cannot be read or cargo does not start.
pub fn build(only: &str, model: Option<&Path>) -> Result<ExitCode> {
    let folder = root().join("boards");
    let boards: Vec<_> = boards(&folder)?.into_iter().filter(|(name, _)| name.contains(only)).collect();
    ensure!(!boards.is_empty(), "no board has {:?} in its name", only);
    let mut failed = 0;
    for (name, triple) in &boards {
        let begun = Instant::now();
        let mut command = command(&folder, name, triple);
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
