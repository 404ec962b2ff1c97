//! Runs a blob on an emulated core and compares every bit of every step with the host.
#![forbid(unsafe_code)]

mod compare;
pub mod cost;
mod generate;
mod graph;
mod hear;
mod listening;
mod port;
mod session;
mod tree;
pub mod turing;

pub use compare::{Mismatch, Part};
pub use generate::{GenerateReport, Generation, generate, generate_on_host};
pub use graph::graphs;
pub use hear::{HearReport, PARTS, hear};
pub use listening::{Difference, Ear, ReplayReport, Spent, Stage};
pub use port::Port;
pub use tree::trees;

use anyhow::{Context, Result, ensure};
use elman::Model;
use elman::blob::{Blob, Structure};
use elman_emulator::{Firmware, Machine, Machines, Qemu};
use serde::Serialize;
use std::path::PathBuf;

use elman_pipeline::Example;
use elman_quant::{relay, words_of};

/// How [`run`] works.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The repository's folder `boards`; by default the one next to this package's sources.
    pub boards: Option<PathBuf>,
    /// For a model that feeds its output back: the first step of each sequence in closed loop; until then, and
    /// without it always, the outputs are read from the frames.
    pub closed_from: Option<usize>,
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
    /// Executed instructions of the step that took the fewest and of that which took the most; of whole sequences, where
    /// the model runs those.
    pub range: [f64; 2],
    /// Executed instructions of loading the model.
    pub load_instructions: f64,
}

impl VerifyReport {
    /// Whether no step differs.
    pub fn bit_exact(&self) -> bool {
        self.mismatches == 0
    }
}

/// Builds the firmware with the blob `model`, packed for `core` (a name in boards/qemu-mps2/machines.toml), runs `inputs` through it in QEMU and compares hidden states, long states and outputs of every step
/// with the host's; of a model that runs whole sequences, the outputs of every step. Each of `inputs` is a sequence of
/// frames, [`Model::inputs`] elements a frame; states are reset before each.
///
/// # Errors
/// Where the blob does not load, a sequence is no whole number of frames or too long, QEMU or the toolchain for the core
/// is missing, or the firmware fails. A difference in bits is no error, but is in the report.
pub fn run(model: &[u8], core: &str, inputs: &[Vec<i16>], options: &Options) -> Result<VerifyReport> {
    let model = relay::for_core(model, core)?;
    let words = words_of(&model)?;
    let loaded = Model::load(Blob::new(&words)).map_err(|e| anyhow::anyhow!("the blob does not load: {e}"))?;
    let bench = Bench::new(options, core, Some(&model))?;
    bench.session(&loaded, &Inputs { sequences: inputs, closed_from: options.closed_from }, None)
}

/// As [`run`], over examples of what the model's structure takes.
///
/// # Errors
/// As [`run`].
pub fn examples(model: &[u8], core: &str, examples: &[Example], options: &Options) -> Result<VerifyReport> {
    let words = words_of(model)?;
    let loaded = Model::load(Blob::new(&words)).map_err(|e| anyhow::anyhow!("the blob does not load: {e}"))?;
    match loaded.structure() {
        Structure::Tree { .. } => return trees(model, core, examples, options),
        Structure::Graph { .. } => return graphs(model, core, examples, options),
        Structure::Sequence | Structure::Seq2seq { .. } => {}
    }
    let inputs = loaded.inputs();
    let frames = |e: &Example| e.frames[..e.steps(inputs) * inputs].to_vec();
    run(model, core, &examples.iter().map(frames).collect::<Vec<_>>(), options)
}

/// Sequences of frames to run.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a> {
    /// The frames of each sequence, one after the other.
    pub sequences: &'a [Vec<i16>],
    /// The first step of each in closed loop.
    pub closed_from: Option<usize>,
}

impl<'a> Inputs<'a> {
    /// Sequences whose frames are read whole.
    pub fn of(sequences: &'a [Vec<i16>]) -> Self {
        Inputs { sequences, closed_from: None }
    }

    /// The elements of step `step`, whose whole frame is `frame`, that the model is given.
    fn given<'f>(&self, model: &Model<'_>, step: usize, frame: &'f [i16]) -> &'f [i16] {
        let closed = self.closed_from.is_some_and(|from| step >= from);
        if closed { &frame[..frame.len() - model.feedback()] } else { frame }
    }
}

/// An emulated core with the firmware that answers `verify`.
#[derive(Clone, Debug)]
pub struct Bench {
    core: String,
    machine: Machine,
    qemu: Qemu,
    firmware: Firmware,
}

impl Bench {
    /// Builds the firmware for `core`, with `blob` built in where there is one.
    ///
    /// # Errors
    /// Where QEMU or the toolchain for the core is missing, or the firmware does not build.
    pub fn new(options: &Options, core: &str, blob: Option<&[u8]>) -> Result<Self> {
        let machines = Machines::find(options.boards.as_deref())?;
        let machine = machines.get(core)?.clone();
        let qemu = Qemu::find(&machine)?;
        let file = tempfile::Builder::new().suffix(".elman").tempfile().context("a temporary file for the blob")?;
        let path = blob.map(|blob| std::fs::write(file.path(), blob).map(|()| file.path()));
        let path = path.transpose().context("a temporary file for the blob")?;
        let firmware = Firmware::build(&machines, core, "qemu-mps2", path, &[])?;
        Ok(Bench { core: core.to_owned(), machine, qemu, firmware })
    }

    /// The emulated core.
    pub fn machine(&self) -> &Machine {
        &self.machine
    }

    /// Runs `inputs` and compares; `blob` is what the firmware loads where none is built in.
    ///
    /// # Errors
    /// As [`run`].
    pub fn session(&self, model: &Model<'_>, inputs: &Inputs<'_>, blob: Option<&[u8]>) -> Result<VerifyReport> {
        for (k, sequence) in inputs.sequences.iter().enumerate() {
            ensure!(
                !sequence.is_empty() && sequence.len().is_multiple_of(model.inputs().max(1)),
                "sequence {k} has {} elements, not a whole number of frames of {}",
                sequence.len(),
                model.inputs()
            );
            let (steps, most) = (sequence.len() / model.inputs().max(1), model.max_steps());
            ensure!(most == 0 || steps <= most, "sequence {k} has {steps} steps, and the model takes {most}");
        }
        ensure!(
            inputs.closed_from.is_none() || model.feedback() > 0,
            "the model does not feed its output back, so that there is no closed loop"
        );
        let session = session::session(&self.qemu, &self.machine, &self.firmware, model, inputs, blob)?;
        compare::compare(model, &self.core, &self.machine, inputs, session)
    }
}
