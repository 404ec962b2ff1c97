//! Answers a PC, over whatever line.
//!
//! The model is the blob that ELMAN_BLOB named when the firmware was built; a firmware built without one loads `model.elman`
//! from the working directory, or from where it is stored in flash.

#[cfg(feature = "defmt")]
use defmt_semihosting as _;

use elman::net::Node;
use elman::{Blob, Model};
use elman_board::{Clock, Workspace, serve};
use embedded_io::{Read, Write};
use semihosting::process;
use static_cell::ConstStaticCell;

use super::{FRAME_BYTES, NODES, WORDS, fatal};

static BLOB: Blob<'static> = elman::include_blob!(concat!(env!("OUT_DIR"), "/model.elman"));

static MEMORY: ConstStaticCell<[u32; WORDS]> = ConstStaticCell::new([0; WORDS]);
static NODE_LIST: ConstStaticCell<[Node; NODES]> = ConstStaticCell::new([Node::Leaf(0); NODES]);
static RECEIVED: ConstStaticCell<[u8; FRAME_BYTES]> = ConstStaticCell::new([0; FRAME_BYTES]);
static SENT: ConstStaticCell<[u8; FRAME_BYTES]> = ConstStaticCell::new([0; FRAME_BYTES]);

/// Answers to the end of input, and ends.
pub fn run(mut input: impl Read, mut output: impl Write) -> ! {
    let clock = super::clock();
    let memory = MEMORY.take();
    let (blob, words) = if BLOB.words().is_empty() { super::blob(memory) } else { (BLOB, &mut memory[..]) };
    let start = clock.now();
    let loaded = Model::load(blob);
    let load_ticks = clock.now().wrapping_sub(start);
    let model = loaded.unwrap_or_else(|e| fatal("the blob is rejected", &format_args!("{e}")));
    #[cfg(feature = "defmt")]
    defmt::info!("{=str}: {=usize} inputs, {=usize} outputs", model.name(), model.inputs(), model.outputs());
    let workspace = Workspace { words, nodes: NODE_LIST.take(), received: RECEIVED.take(), sent: SENT.take() };
    match serve(&model, load_ticks, workspace, &mut input, &mut output, &clock) {
        Ok(_requests) => {
            #[cfg(feature = "defmt")]
            defmt::info!("{=u32} requests", _requests);
            process::exit(0)
        }
        Err(e) => fatal("the session ended early", &e),
    }
}
