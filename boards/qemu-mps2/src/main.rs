//! Serves `elman verify` in QEMU through semihosting: reads frames from `input.bin` and writes records to
//! `output.bin` in QEMU's working directory (elman_board has the protocol).
//!
//! The model is the blob that ELMAN_BLOB named when the firmware was built; a firmware built without one
//! loads `model.elman` from the working directory.
#![no_std]
#![no_main]
#![deny(unsafe_code)]

mod board;

#[cfg(feature = "defmt")]
use defmt_semihosting as _;

use board::files::{Input, Output};
use board::{BLOB_WORDS, FRAME_ELEMENTS, MEMORY_WORDS, NODES, RECORD_WORDS, give_up};
use elman::kernel::word;
use elman::net::Node;
use elman::{Blob, Model};
use elman_board::{Buffers, Clock};
use semihosting::process;
use static_cell::ConstStaticCell;

static BLOB: Blob<'static> = elman::include_blob!(concat!(env!("OUT_DIR"), "/model.elman"));

static BLOB_FILE: ConstStaticCell<[u32; BLOB_WORDS]> = ConstStaticCell::new([0; BLOB_WORDS]);
static MEMORY: ConstStaticCell<[u32; MEMORY_WORDS]> = ConstStaticCell::new([0; MEMORY_WORDS]);
static RECORD: ConstStaticCell<[u32; RECORD_WORDS]> = ConstStaticCell::new([0; RECORD_WORDS]);
static FRAMES: ConstStaticCell<[u32; FRAME_ELEMENTS / 2]> = ConstStaticCell::new([0; FRAME_ELEMENTS / 2]);
static OFFSETS: ConstStaticCell<[u32; NODES + 1]> = ConstStaticCell::new([0; NODES + 1]);
static NEIGHBOURS: ConstStaticCell<[u16; NODES]> = ConstStaticCell::new([0; NODES]);
static NODE_LIST: ConstStaticCell<[Node; NODES]> = ConstStaticCell::new([Node::Leaf(0); NODES]);

/// From here on.
#[board::entry]
fn main() -> ! {
    let clock = board::clock();
    let blob = if BLOB.words().is_empty() { board::blob(BLOB_FILE.take()) } else { BLOB };
    let start = clock.now();
    let loaded = Model::load(blob);
    let load_ticks = clock.now().wrapping_sub(start);
    let model = loaded.unwrap_or_else(|e| give_up("the blob is refused", &format_args!("{e}")));
    #[cfg(feature = "defmt")]
    defmt::info!("{=str}: {=usize} inputs, {=usize} outputs", model.name(), model.inputs(), model.outputs());
    let mut input = Input::open(c"input.bin").unwrap_or_else(|e| give_up("input.bin", &e));
    let mut output = Output::create(c"output.bin").unwrap_or_else(|e| give_up("output.bin", &e));
    let buffers = Buffers {
        load_ticks,
        memory: MEMORY.take(),
        frames: word::halves_mut(FRAMES.take()),
        nodes: NODE_LIST.take(),
        offsets: OFFSETS.take(),
        neighbours: NEIGHBOURS.take(),
        record: RECORD.take(),
    };
    match elman_board::serve(&model, buffers, &mut input, &mut output, &clock) {
        Ok(_steps) => {
            #[cfg(feature = "defmt")]
            defmt::info!("{=u32} steps", _steps);
            process::exit(0)
        }
        Err(e) => give_up("the session ended early", &e),
    }
}
