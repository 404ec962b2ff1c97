//! Runs a blob on an emulated core and compares every bit of every step with the host.

mod compare;
mod firmware;
mod machine;
mod qemu;

pub use compare::{Mismatch, Part};
pub use firmware::{Firmware, Toolchain};
pub use machine::{Machine, Machines};
pub use qemu::{Qemu, Session};

use anyhow::{Context, Result, ensure};
use elman::Model;
use elman::blob::Blob;
use serde::Serialize;
use std::path::PathBuf;

use crate::quant::words_of;

/// How [`run`] works.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The repository's folder `boards`; by default the one beside this package's sources.
    pub boards: Option<PathBuf>,
}

/// What [`run`] found.
#[derive(Clone, Debug, Serialize)]
pub struct VerifyReport {
    /// Name of the core.
    pub core: String,
    /// Steps run and compared.
    pub steps: u64,
    /// Steps whose states or outputs differ from the host's.
    pub mismatches: u64,
    /// The first of them.
    pub first: Option<Mismatch>,
    /// Executed instructions per step, the mean over all steps; every step takes the same path.
    pub instructions: f64,
}

impl VerifyReport {
    /// Whether no step differs.
    pub fn bit_exact(&self) -> bool {
        self.mismatches == 0
    }
}

/// Builds the firmware with the blob `model` for `core` (a name in boards/qemu-mps2/machines.toml: m3, m4, m7,
/// m33), runs `inputs` through it in QEMU and compares hidden states, long states and outputs of every step
/// with the host's. Each of `inputs` is a sequence of frames, [`Model::inputs`] elements a frame; states are
/// reset before each.
///
/// # Errors
/// Where the blob is refused, a sequence is no whole number of frames, QEMU or the toolchain for the core is
/// missing, or the firmware fails. A difference in bits is no error, but said in the report.
pub fn run(model: &[u8], core: &str, inputs: &[Vec<i16>], options: &Options) -> Result<VerifyReport> {
    let words = words_of(model)?;
    let loaded = Model::load(Blob::new(&words)).map_err(|e| anyhow::anyhow!("the blob is refused: {e}"))?;
    let machines = Machines::find(options.boards.as_deref())?;
    let machine = machines.get(core)?;
    let qemu = Qemu::find()?;
    let blob = tempfile::Builder::new().suffix(".elman").tempfile().context("a temporary file for the blob")?;
    std::fs::write(blob.path(), model).context("a temporary file for the blob")?;
    let firmware = Firmware::build(&machines, core, "qemu-mps2", Some(blob.path()), &[])?;
    session(&loaded, core, machine, &qemu, &firmware, inputs, None)
}

/// [`run`] with a firmware that is built already; `file` is the blob that it loads where none is built in.
///
/// # Errors
/// As [`run`].
pub fn session(
    model: &Model<'_>,
    core: &str,
    machine: &Machine,
    qemu: &Qemu,
    firmware: &Firmware,
    inputs: &[Vec<i16>],
    file: Option<&[u8]>,
) -> Result<VerifyReport> {
    for (k, sequence) in inputs.iter().enumerate() {
        ensure!(
            !sequence.is_empty() && sequence.len().is_multiple_of(model.inputs().max(1)),
            "sequence {k} has {} elements, not a whole number of frames of {}",
            sequence.len(),
            model.inputs()
        );
    }
    let session = qemu.session(machine, firmware, model.inputs(), inputs, file)?;
    compare::compare(model, core, machine, inputs, session)
}
