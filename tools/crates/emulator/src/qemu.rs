//! Runs firmware in QEMU.

use anyhow::{Context, Result, bail, ensure};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::{Firmware, Machine};

/// QEMU for a machine.
#[derive(Clone, Debug)]
pub struct Qemu {
    program: PathBuf,
}

/// A finished session of the firmware `qemu-mps2`; its files go when it is dropped.
#[derive(Debug)]
pub struct Session {
    folder: tempfile::TempDir,
}

impl Session {
    /// Before the firmware runs; `blob` is what it loads where none is built in.
    ///
    /// # Errors
    /// Where there is no room for its files.
    pub fn new(blob: Option<&[u8]>) -> Result<Self> {
        let folder = tempfile::tempdir().context("a temporary folder for the session")?;
        if let Some(blob) = blob {
            std::fs::write(folder.path().join("model.elman"), blob).context("a temporary file for the blob")?;
        }
        Ok(Session { folder })
    }

    /// Where the firmware runs.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What the firmware reads.
    pub fn input(&self) -> PathBuf {
        self.folder.path().join("input.bin")
    }

    /// What the firmware wrote.
    pub fn output(&self) -> PathBuf {
        self.folder.path().join("output.bin")
    }
}

impl Qemu {
    /// The program, for a run with arguments of its own.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// The program at a path, taken as it is.
    pub fn at(program: impl Into<PathBuf>) -> Self {
        Qemu { program: program.into() }
    }

    /// Where `cargo xtask setup` unpacks QEMU if it cannot be installed: `elman/qemu` in the user's cache.
    pub fn unpacked() -> PathBuf {
        let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|p| p.is_absolute());
        let home = || std::env::home_dir().unwrap_or_else(std::env::temp_dir).join(".cache");
        cache.unwrap_or_else(home).join("elman/qemu")
    }

    /// QEMU on the path, else in [`Qemu::unpacked`].
    ///
    /// # Errors
    /// Where there is none.
    pub fn find(machine: &Machine) -> Result<Self> {
        let unpacked = Self::unpacked().join("usr/bin").join(&machine.program);
        for program in [PathBuf::from(&machine.program), unpacked] {
            match Command::new(&program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status() {
                Ok(status) if status.success() => return Ok(Qemu { program }),
                _ => {}
            }
        }
        bail!("{} is not installed: run `cargo xtask setup`", machine.program)
    }

    /// Runs `firmware` in `folder` to its end; what it printed. Instructions take 64 ns each, so that timers
    /// count them.
    ///
    /// # Errors
    /// Where it exits with failure; the message has what it printed.
    pub fn run(&self, machine: &Machine, firmware: &Firmware, folder: &Path) -> Result<String> {
        let lies = machine.blob_at.filter(|_| folder.join("model.elman").is_file());
        let loader = lies.map(|at| format!("loader,file=model.elman,addr={at:#x},force-raw=on"));
        let output = Command::new(&self.program)
            .args(["-machine", &machine.machine, "-cpu", machine.qemu_cpu.as_ref().unwrap_or(&machine.cpu)])
            .args(["-nographic", "-monitor", "none"])
            .args(["-serial", "none", "-semihosting-config", "enable=on,target=native"])
            .args(["-icount", "shift=6", "-kernel"])
            .arg(&firmware.elf)
            .args(&machine.options)
            .args(loader.iter().flat_map(|l| ["-device", l]))
            .current_dir(folder)
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("{} does not start", self.program.display()))?;
        let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "the firmware on {} failed ({}): {text}", machine.name, output.status);
        Ok(text.into_owned())
    }
}
