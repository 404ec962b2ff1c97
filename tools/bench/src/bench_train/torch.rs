//! PyTorch's side: a Python process that steps on request, in a virtual environment of its own.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::Case;
use elman_figures::root;

/// Settings that keep glibc from giving memory back between steps; PyTorch is up to 1.6 times as fast with them.
const ALLOCATOR: [(&str, &str); 3] = [
    ("MALLOC_MMAP_THRESHOLD_", "4294967296"),
    ("MALLOC_TRIM_THRESHOLD_", "8589934592"),
    ("MALLOC_TOP_PAD_", "134217728"),
];

/// A running Python process.
pub struct Torch {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    version: String,
    tuned: bool,
}

#[derive(Deserialize)]
struct Hello {
    version: String,
}

#[derive(Deserialize)]
struct Times {
    median: f64,
}

/// The virtual environment's Python, installed if it is missing.
pub fn python() -> Result<PathBuf> {
    let folder = std::env::var_os("ELMAN_VENV").map_or_else(|| root().join("target/bench-venv"), PathBuf::from);
    let python = folder.join("bin/python");
    let has_torch = || {
        let mut import = Command::new(&python);
        import.args(["-c", "import torch"]).env("CUDA_VISIBLE_DEVICES", "").stderr(Stdio::null());
        import.status().is_ok_and(|status| status.success())
    };
    if !has_torch() {
        eprintln!("installing PyTorch into {} (about 4.5 GB; ELMAN_VENV chooses another place)", folder.display());
        let run = |command: &mut Command, what: &str| -> Result<()> {
            let status = command.stdout(Stdio::null()).status().with_context(|| format!("no {what}"))?;
            ensure!(status.success(), "{what} failed");
            Ok(())
        };
        run(Command::new("python3").args(["-m", "venv"]).arg(&folder), "python3 with its venv module")?;
        run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "torch", "numpy"]), "pip install torch")?;
        ensure!(has_torch(), "the installed PyTorch cannot be imported");
    }
    Ok(python)
}

impl Torch {
    /// Starts PyTorch as installed, or tuned.
    pub fn start(tuned: bool) -> Result<Self> {
        let script = root().join("tools/bench/assets/bench_torch.py");
        let mut command = Command::new(python()?);
        command.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped());
        if tuned {
            command.envs(ALLOCATOR);
        }
        let mut child = command.spawn().context("cannot start Python")?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let (input, output) = input.zip(output).context("Python has no pipes")?;
        let mut torch = Self { child, input, output: BufReader::new(output), version: String::new(), tuned };
        torch.version = torch.answer::<Hello>()?.version;
        Ok(torch)
    }

    /// PyTorch's version.
    pub fn version(&self) -> &str {
        &self.version
    }

    fn answer<T: DeserializeOwned>(&mut self) -> Result<T> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        serde_json::from_str(&line).context("the PyTorch process ended early")
    }

    /// Median time of a step in ms, over this many seconds.
    pub fn measure(&mut self, case: &Case, threads: usize, seconds: f64) -> Result<f64> {
        let Case { cell, inputs, hidden, steps, batch, .. } = case;
        let fused = u8::from(self.tuned);
        writeln!(self.input, "{cell} {inputs} {hidden} {steps} {batch} {threads} {fused} {seconds}")?;
        Ok(self.answer::<Times>()?.median)
    }
}

impl Drop for Torch {
    fn drop(&mut self) {
        // It ends by itself where this fails: its input is closed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
