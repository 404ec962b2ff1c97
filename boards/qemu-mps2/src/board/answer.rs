//! Answers a PC, over whatever line: the tasks that a program has.
//!
//! The model is the blob that ELMAN_BLOB named when the firmware was built; a firmware built without one loads `model.elman`
//! from the working directory, or from where it is stored in flash.

#[cfg(feature = "defmt")]
use defmt_semihosting as _;

use elman::net::Node;
use elman::{Blob, LoadError, Model};
use elman_board::{Clock, Workspace, serve};
use embedded_io::{Read, Write};
use semihosting::process;
use static_cell::ConstStaticCell;

use super::files::{Input, Output};
use super::{FRAME_BYTES, NODES, WORDS, fatal};

static BLOB: Blob<'static> = elman::include_blob!(concat!(env!("OUT_DIR"), "/model.elman"));

static MEMORY: ConstStaticCell<[u32; WORDS]> = ConstStaticCell::new([0; WORDS]);
static NODE_LIST: ConstStaticCell<[Node; NODES]> = ConstStaticCell::new([Node::Leaf(0); NODES]);
static RECEIVED: ConstStaticCell<[u8; FRAME_BYTES]> = ConstStaticCell::new([0; FRAME_BYTES]);
static SENT: ConstStaticCell<[u8; FRAME_BYTES]> = ConstStaticCell::new([0; FRAME_BYTES]);

/// Not inlined, so that the stack that loading takes is free again afterwards.
#[inline(never)]
fn load(blob: Blob<'static>) -> Result<Model<'static>, LoadError> {
    Model::load(blob)
}

/// Answers over files: reads requests from `input.bin` and writes replies to `output.bin` in QEMU's working directory.
pub fn over_files<const TASKS: u8>() -> ! {
    let input = Input::open(c"input.bin").unwrap_or_else(|e| fatal("input.bin", &e));
    let output = Output::create(c"output.bin").unwrap_or_else(|e| fatal("output.bin", &e));
    run::<TASKS>(input, output)
}

/// Answers every task by the model in the slots, or waits for one, to the end of input, and ends.
#[cfg(feature = "slots")]
pub fn with_models<F: embedded_storage::nor_flash::NorFlash>(
    mut models: elman_board::Models<F>,
    mut input: impl Read,
    mut output: impl Write,
) -> ! {
    let clock = super::clock();
    let nodes = NODE_LIST.take();
    let workspace = Workspace { words: MEMORY.take(), nodes, received: RECEIVED.take(), sent: SENT.take() };
    let blob = models.blob();
    let start = clock.now();
    let loaded = blob.map(load);
    let load_ticks = clock.now().wrapping_sub(start);
    let line = (&mut input, &mut output);
    // A model of another version is as good as none: it is not confirmed, and another can be sent.
    let ended = match &loaded {
        Some(Ok(model)) => elman_board::serve_with::<{ elman_board::tasks::ALL }, _, _>(
            model,
            load_ticks,
            workspace,
            &mut models,
            line,
            &clock,
        ),
        _ => elman_board::receive(workspace, &mut models, line),
    };
    match ended {
        Ok(_) => process::exit(0),
        Err(e) => fatal("the session ended early", &e),
    }
}

/// Answers to the end of input, and ends.
pub fn run<const TASKS: u8>(mut input: impl Read, mut output: impl Write) -> ! {
    let clock = super::clock();
    let memory = MEMORY.take();
    let (blob, words) = if BLOB.words().is_empty() { super::blob(memory) } else { (BLOB, &mut memory[..]) };
    let start = clock.now();
    let loaded = load(blob);
    let load_ticks = clock.now().wrapping_sub(start);
    // Borrowed: a second copy of it would be too much for the smallest stack.
    let model = match &loaded {
        Ok(model) => model,
        Err(e) => fatal("the blob does not load", &format_args!("{e}")),
    };
    #[cfg(feature = "defmt")]
    defmt::info!("{=str}: {=usize} inputs, {=usize} outputs", model.name(), model.inputs(), model.outputs());
    let workspace = Workspace { words, nodes: NODE_LIST.take(), received: RECEIVED.take(), sent: SENT.take() };
    match serve::<TASKS, _, _>(model, load_ticks, workspace, &mut input, &mut output, &clock) {
        Ok(_requests) => {
            #[cfg(feature = "defmt")]
            defmt::info!("{=u32} requests", _requests);
            process::exit(0)
        }
        Err(e) => fatal("the session ended early", &e),
    }
}
