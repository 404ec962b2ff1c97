//! Runs a model on a device, an emulated core or a board on a serial line, and compares every bit with the host.
//!
//! [`Device`] is what answers; [`compare()`], [`compare_examples`], [`generate()`], [`replay()`] and [`front_end()`] are what is
//! asked of it, by the messages of `elman_messages` (docs/protocol.md).
#![forbid(unsafe_code)]

mod audio;
mod compare;
pub mod cost;
mod device;
mod emulated;
mod examples;
mod generate;
mod port;
mod replay;
mod send;
pub mod turing;

pub use audio::{FrontEndReport, STAGES, front_end};
pub use compare::{Mismatch, Part};
pub use device::{Channel, Device, Script};
pub use emulated::Emulated;
pub use generate::{GenerateReport, Generation, generate, generate_on_host};
pub use port::{Patience, Port, Serial};
pub use replay::{Difference, ReplayReport, Spent, Stage, replay};
pub use send::Sent;

pub use elman_messages::Status;

use anyhow::{Context, Result, ensure};
use elman::Model;
use elman::audio::Config;
use elman::blob::{Blob, Structure};
use elman::kernel::WeightFormat;
use elman_emulator::{Firmware, Machine, Machines, Qemu, Session};
use serde::Serialize;
use std::path::PathBuf;
use std::sync::OnceLock;

use elman_pipeline::Example;
use elman_quant::synthetic::sound;
use elman_quant::{repack, words_of};

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
    /// Name of the core, or the serial port of the board.
    pub core: String,
    /// Whether it is a board: then `instructions`, `range` and `load_instructions` are ticks of its clock.
    pub board: bool,
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
    /// The largest share that an example took of the instructions that one of its size does not exceed
    /// ([`cost::example::most`]); `None` for streams and boards.
    pub share_of_bound: Option<f64>,
}

impl VerifyReport {
    /// Whether no step differs.
    pub fn bit_exact(&self) -> bool {
        self.mismatches == 0
    }
}

/// Builds the firmware with the blob `model`, packed for `core` (a name in boards/qemu-mps2/machines.toml), runs `inputs`
/// through it in QEMU and compares hidden states, carried states and outputs of every step with the host's; of a model that
/// runs whole sequences, the outputs of every step. Each of `inputs` is a sequence of frames, [`Model::inputs`] elements a
/// frame; states are reset before each.
///
/// # Errors
/// Where the blob does not load, a sequence is no whole number of frames or too long, QEMU or the toolchain for the core
/// is missing, or the firmware fails. A difference in bits is no error, but stated in the report.
pub fn run(model: &[u8], core: &str, inputs: &[Vec<i16>], options: &Options) -> Result<VerifyReport> {
    let blob = repack::for_core(model, core)?;
    let words = words_of(&blob)?;
    let bench = Bench::new(options, core, Some(&blob))?;
    let inputs = Inputs { sequences: inputs, closed_from: options.closed_from };
    compare(&mut bench.device(None), &load(&words)?, &inputs)
}

/// As [`run`], over examples of what the model's structure takes.
///
/// # Errors
/// As [`run`].
pub fn examples(model: &[u8], core: &str, examples: &[Example], options: &Options) -> Result<VerifyReport> {
    let blob = repack::for_core(model, core)?;
    let words = words_of(&blob)?;
    let bench = Bench::new(options, core, Some(&blob))?;
    compare_examples(&mut bench.device(None), &load(&words)?, examples, options.closed_from)
}

/// The model in a blob.
fn load(words: &[u32]) -> Result<Model<'_>> {
    Model::load(Blob::new(words)).map_err(|e| anyhow::anyhow!("the blob does not load: {e}"))
}

/// Runs `inputs` on a device that runs the model, and on the host, and compares every bit.
///
/// # Errors
/// Where a sequence is no whole number of frames or too long, or the device does not answer.
pub fn compare(device: &mut dyn Device, model: &Model<'_>, inputs: &Inputs<'_>) -> Result<VerifyReport> {
    inputs.check(model)?;
    match model.structure() {
        Structure::Seq2seq { .. } => examples::written(device, model, inputs),
        Structure::Sequence if model.max_steps() > 0 => examples::sequences(device, model, inputs),
        _ => compare::streams(device, model, inputs),
    }
}

/// As [`compare()`], over examples of what the model's structure takes.
///
/// # Errors
/// As [`compare()`].
pub fn compare_examples(
    device: &mut dyn Device,
    model: &Model<'_>,
    examples: &[Example],
    closed_from: Option<usize>,
) -> Result<VerifyReport> {
    if let Structure::Tree { .. } | Structure::Graph { .. } = model.structure() {
        return examples::structures(device, model, examples);
    }
    let inputs = model.inputs();
    let sequences: Vec<Vec<i16>> = examples.iter().map(|e| e.frames[..e.steps(inputs) * inputs].to_vec()).collect();
    compare(device, model, &Inputs { sequences: &sequences, closed_from })
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

    /// That a model takes them.
    fn check(&self, model: &Model<'_>) -> Result<()> {
        for (k, sequence) in self.sequences.iter().enumerate() {
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
            self.closed_from.is_none() || model.feedback() > 0,
            "the model does not feed its output back, so that there is no closed loop"
        );
        Ok(())
    }

    /// The elements of step `step`, whose whole frame is `frame`, that the model is given.
    fn given<'f>(&self, model: &Model<'_>, step: usize, frame: &'f [i16]) -> &'f [i16] {
        let closed = self.closed_from.is_some_and(|from| step >= from);
        if closed { &frame[..frame.len() - model.feedback()] } else { frame }
    }
}

/// The programs of boards/qemu-mps2 that answer, each for tasks of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Program {
    Steps,
    Listen,
    FrontEnd,
    Generate,
}

impl Program {
    /// Its name.
    fn name(self) -> &'static str {
        ["qemu-mps2", "listen", "front_end", "generate"][self as usize]
    }
}

/// The features of a firmware with every format of weights.
const FORMATS: &str = "int4,int2";

/// Whether a blob has weights of fewer bits than int8, which the firmware is built without otherwise.
fn has_few_bits(blob: &[u8]) -> bool {
    let words = words_of(blob).unwrap_or_default();
    let format = |l: &elman::cell::LayerView<'_>| l.packing().format;
    load(&words).is_ok_and(|model| model.layers().iter().any(|l| format(l) != WeightFormat::Int8))
}

/// An emulated core with the firmware that answers, which is built when it is first needed.
#[derive(Debug)]
pub struct Bench {
    core: String,
    machines: Machines,
    machine: Machine,
    qemu: Qemu,
    /// Built in, where there is one.
    blob: Option<Vec<u8>>,
    /// With int8 alone, and with every format of weights.
    built: [[OnceLock<Firmware>; 4]; 2],
}

impl Bench {
    /// For `core`, with `blob` built into the firmware where there is one.
    ///
    /// # Errors
    /// Where there is no such core, or no QEMU for it.
    pub fn new(options: &Options, core: &str, blob: Option<&[u8]>) -> Result<Self> {
        let machines = Machines::find(options.boards.as_deref())?;
        let machine = machines.get(core)?.clone();
        let qemu = Qemu::find(&machine)?;
        let blob = blob.map(<[u8]>::to_vec);
        Ok(Bench { core: core.to_owned(), machines, machine, qemu, blob, built: Default::default() })
    }

    /// The firmware of a program, with every format of weights where `several`.
    fn firmware(&self, program: Program, several: bool) -> Result<&Firmware> {
        let built = &self.built[usize::from(several)][program as usize];
        if let Some(firmware) = built.get() {
            return Ok(firmware);
        }
        let file = tempfile::Builder::new().suffix(".elman").tempfile().context("a temporary file for the blob")?;
        let path = self.blob.as_ref().map(|blob| std::fs::write(file.path(), blob).map(|()| file.path()));
        let path = path.transpose().context("a temporary file for the blob")?;
        let features: &[&str] = if several { &["--features", FORMATS] } else { &[] };
        let firmware = Firmware::build(&self.machines, &self.core, program.name(), path, features)?;
        Ok(built.get_or_init(|| firmware))
    }

    /// Name of the core.
    pub fn core(&self) -> &str {
        &self.core
    }

    /// The emulated core.
    pub fn machine(&self) -> &Machine {
        &self.machine
    }

    /// The core as a device that runs streams and examples; `blob` is what the firmware loads where none is built in.
    pub fn device<'b>(&'b self, blob: Option<&'b [u8]>) -> Emulated<'b> {
        Emulated::new(self, Program::Steps, blob)
    }

    /// Runs a program to the end of its input; `blob` is what it loads where none is built in.
    fn run(&self, program: Program, blob: Option<&[u8]>, session: &Session) -> Result<String> {
        let several = blob.or(self.blob.as_deref()).is_some_and(has_few_bits);
        self.qemu.run(&self.machine, self.firmware(program, several)?, session.folder())
    }

    /// Whether the core has memory for a blob that is not built in, of `bytes` bytes, and sequences of `steps` steps.
    pub fn has_memory(&self, model: &Model<'_>, bytes: usize, steps: usize) -> bool {
        let words = self.machine.buffers.words as usize;
        let numbers = match model.structure() {
            Structure::Seq2seq { max_outputs, .. } => steps * model.inputs() + usize::from(max_outputs),
            _ if model.max_steps() > 0 => steps * (model.inputs() + model.outputs()),
            _ => model.inputs() + 2 * (model.memory_words() + 1),
        };
        let (blob, flash) = match self.machine.blob_at {
            Some(_) => (0, bytes <= 96 * 1024),
            None => (bytes.div_ceil(4), true),
        };
        flash && blob + model.memory_words() + numbers.div_ceil(2) < words
    }

    /// Generates with `model`, packed for this core, on it and on the host; see [`generate()`].
    ///
    /// # Errors
    /// Where the blob does not load or does not generate, or the firmware fails.
    pub fn generate(&self, model: &[u8], generation: &Generation) -> Result<GenerateReport> {
        let blob = repack::for_core(model, &self.core)?;
        generate(&mut Emulated::new(self, Program::Generate, Some(&blob)), &load(&words_of(&blob)?)?, generation)
    }

    /// Plays samples through `model`, packed for this core, on it and on the host; see [`replay()`].
    ///
    /// # Errors
    /// Where the blob does not load or cannot listen, or the firmware fails.
    pub fn replay(&self, model: &[u8], samples: &[i16], block: usize) -> Result<ReplayReport> {
        let blob = repack::for_core(model, &self.core)?;
        replay(&mut Emulated::new(self, Program::Listen, Some(&blob)), &load(&words_of(&blob)?)?, samples, block)
    }

    /// Runs a front end by itself on this core and on the host; see [`front_end()`].
    ///
    /// # Errors
    /// Where the parameters are rejected, or the firmware fails.
    pub fn front_end(&self, config: &Config, samples: &[i16]) -> Result<FrontEndReport> {
        // The firmware takes the parameters from a blob.
        let blob = sound::listener(*config, 4, 3, 1).to_blob_for(&self.core)?;
        front_end(&mut Emulated::new(self, Program::FrontEnd, Some(&blob)), &load(&words_of(&blob)?)?, samples)
    }
}
