//! Runs firmware in QEMU.

use anyhow::{Context, Result, bail, ensure};
use elman::Model;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{Firmware, Inputs, Machine};

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
    /// None, for tests of what comes after it.
    #[cfg(test)]
    pub(super) fn nowhere() -> Self {
        Qemu { program: PathBuf::new() }
    }

    /// QEMU on the path.
    ///
    /// # Errors
    /// Where there is none.
    pub fn find(machine: &Machine) -> Result<Self> {
        let program = PathBuf::from(&machine.program);
        match Command::new(&program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status() {
            Ok(status) if status.success() => Ok(Qemu { program }),
            _ => bail!("{} is not installed: run `cargo xtask setup`", program.display()),
        }
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

    /// Runs `inputs` through the firmware `qemu-mps2`, whose protocol boards/common describes.
    ///
    /// # Errors
    /// Where files cannot be written or the firmware fails.
    pub fn session(
        &self,
        machine: &Machine,
        firmware: &Firmware,
        model: &Model<'_>,
        inputs: &Inputs<'_>,
        file: Option<&[u8]>,
    ) -> Result<Session> {
        let session = Session::new(file)?;
        write_input(&session.input(), model, inputs).context("a temporary file of frames")?;
        self.run(machine, firmware, session.folder())?;
        Ok(session)
    }
}

/// Bit of a count of frames: they lack what the model feeds back.
const CLOSED: u32 = 1 << 31;

fn write_input(path: &Path, model: &Model<'_>, inputs: &Inputs<'_>) -> std::io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    for sequence in inputs.sequences {
        let frames: Vec<&[i16]> = sequence.chunks_exact(model.inputs().max(1)).collect();
        let (open, closed) = frames.split_at(inputs.closed_from.unwrap_or(frames.len()).min(frames.len()));
        if model.max_steps() == 0 {
            file.write_all(&0u32.to_le_bytes())?;
        }
        for (frames, first, flag) in [(open, 0, 0), (closed, open.len(), CLOSED)] {
            if frames.is_empty() {
                continue;
            }
            file.write_all(&(frames.len() as u32 | flag).to_le_bytes())?;
            for (k, frame) in frames.iter().enumerate() {
                for x in inputs.given(model, first + k, frame) {
                    file.write_all(&x.to_le_bytes())?;
                }
            }
        }
    }
    file.flush()
}
