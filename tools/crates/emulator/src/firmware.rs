//! Builds firmware for a core.

use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Machine, Machines};

/// A built firmware.
#[derive(Clone, Debug)]
pub struct Firmware {
    /// The ELF file.
    pub elf: PathBuf,
}

/// How a thumb target is compiled here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Toolchain {
    /// The compiler in use has the target's core library.
    Installed,
    /// Debian's compiler with its sources: core is built along, rustup's rust-lld links.
    Debian,
}

impl Toolchain {
    /// The toolchain for `target`, or none.
    pub fn find(target: &str) -> Option<Self> {
        if sysroot().is_some_and(|s| s.join("lib/rustlib").join(target).is_dir()) {
            return Some(Toolchain::Installed);
        }
        let debian = Path::new("/usr/bin/rustc").is_file()
            && Path::new("/usr/bin/cargo").is_file()
            && Path::new("/usr/lib/rustlib/src/rust/library/core").is_dir();
        (debian && linker().is_some()).then_some(Toolchain::Debian)
    }

    /// A cargo command for `machine`, in the folder `directory`, with a target folder of its own for each core, and a build folder for
    /// each lane.
    ///
    /// # Errors
    /// Where there is no toolchain for the target.
    pub fn cargo(machine: &Machine, core: &str, directory: &Path, verb: &str) -> Result<Command> {
        let Some(toolchain) = Toolchain::find(&machine.target) else {
            bail!(
                "no toolchain for {}: run `rustup target add {}`, or `cargo xtask setup`",
                machine.target,
                machine.target
            );
        };
        // v0 names say which instance of a generic function a symbol is.
        let mut flags = format!("-Ctarget-cpu={} -Csymbol-mangling-version=v0", machine.cpu);
        let mut command = match toolchain {
            Toolchain::Installed => Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into())),
            Toolchain::Debian => {
                let linker = linker().context("rust-lld is not in the compiler's folder")?;
                flags += &format!(" -Clinker={} -Clinker-flavor=ld.lld", linker.display());
                let mut command = Command::new("/usr/bin/cargo");
                command.env("RUSTC", "/usr/bin/rustc").env("RUSTC_BOOTSTRAP", "1").env_remove("RUSTUP_TOOLCHAIN");
                command
            }
        };
        command.arg(verb).args(["--target", &machine.target]).current_dir(directory);
        if toolchain == Toolchain::Debian {
            command.arg("-Zbuild-std=core");
        }
        command.env("RUSTFLAGS", flags).env_remove("CARGO_ENCODED_RUSTFLAGS").env("ELMAN_CORE", core);
        command.env("CARGO_BUILD_BUILD_DIR", build_directory(directory, machine.lane));
        command.env("CARGO_TARGET_DIR", target_directory(directory).join(core));
        Ok(command)
    }
}

fn sysroot() -> Option<PathBuf> {
    let rustc = std::env::var_os("RUSTC").unwrap_or("rustc".into());
    let output = Command::new(rustc).args(["--print", "sysroot"]).output().ok()?;
    output.status.success().then(|| PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
}

fn linker() -> Option<PathBuf> {
    let path = sysroot()?.join("lib/rustlib/x86_64-unknown-linux-gnu/bin/rust-lld");
    path.is_file().then_some(path)
}

/// Where cargo keeps what it builds on the way to firmware of the workspace in `boards`. Macros and build scripts are the same for all
/// cores, and most packages for all features: a folder for each core and set of features would build them again.
pub fn build_directory(boards: &Path, lane: usize) -> PathBuf {
    target_directory(boards).join(format!("build-{lane}"))
}

/// Where firmware is built: `boards` in the target folder in use.
fn target_directory(boards: &Path) -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(path) => std::path::absolute(&path).unwrap_or(path.into()).join("boards"),
        None => boards.ancestors().find(|a| a.join("Cargo.lock").is_file()).unwrap_or(boards).join("target"),
    }
}

impl Firmware {
    /// Builds the program `bin` of the package in boards/ that has it, for `core`, with `blob` built in; `more`
    /// are arguments to cargo.
    ///
    /// # Errors
    /// Where there is no toolchain or the build fails; the message ends with what the compiler said.
    pub fn build(machines: &Machines, core: &str, bin: &str, blob: Option<&Path>, more: &[&str]) -> Result<Self> {
        let machine = machines.get(core)?;
        let mut command = Toolchain::cargo(machine, core, machines.boards(), "build")?;
        // Programs with other features have a folder of their own: else one would replace the other.
        let folder = target_directory(machines.boards()).join(match more {
            ["--features", features] if features.contains("int4") => format!("{core}-{}", features.replace(',', "-")),
            _ => core.to_owned(),
        });
        command.env("CARGO_TARGET_DIR", &folder);
        command.args(["--quiet", "--release", "--bin", bin]).args(more);
        match blob {
            Some(path) => command.env("ELMAN_BLOB", path),
            None => command.env_remove("ELMAN_BLOB"),
        };
        let output = command.output().with_context(|| format!("{:?} does not start", command.get_program()))?;
        if !output.status.success() {
            bail!("firmware `{bin}` for {core} does not build:\n{}", String::from_utf8_lossy(&output.stderr));
        }
        let elf = folder.join(&machine.target).join("release").join(bin);
        Ok(Firmware { elf })
    }
}
