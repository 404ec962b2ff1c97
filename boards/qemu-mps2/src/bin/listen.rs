//! Listens in QEMU beside the host: reads blocks of samples from `input.bin` and writes every stage of every frame to
//! `output.bin` (elman_board::listening has the protocol). The model is built in, or `model.elman` in QEMU's working
//! directory.
#![no_std]
#![no_main]
#![deny(unsafe_code)]

#[path = "../board/mod.rs"]
mod board;

use board::files::{Input, Output};
use board::{BLOB_WORDS, give_up};
use elman::{Blob, Model};
use elman_board::listening::{Room, serve};
use semihosting::process;
use static_cell::ConstStaticCell;

static BLOB: Blob<'static> = elman::include_blob!(concat!(env!("OUT_DIR"), "/model.elman"));

/// Where blobs lie in flash, RAM is little: it holds one listener, and its parts are not measured by themselves.
const SMALL: bool = board::BLOB_AT.is_some();
/// Words of states and sums, of a record, samples of a block.
const MEMORY_WORDS: usize = if SMALL { 1300 } else { board::MEMORY_WORDS };
const RECORD_WORDS: usize = if SMALL { 96 } else { 1024 };
const BLOCK: usize = if SMALL { 512 } else { 1024 };

static BLOB_FILE: ConstStaticCell<[u32; BLOB_WORDS]> = ConstStaticCell::new([0; BLOB_WORDS]);
static MEMORY: ConstStaticCell<[u32; MEMORY_WORDS]> = ConstStaticCell::new([0; MEMORY_WORDS]);
static RECORD: ConstStaticCell<[u32; RECORD_WORDS]> = ConstStaticCell::new([0; RECORD_WORDS]);
static SAMPLES: ConstStaticCell<[i16; BLOCK]> = ConstStaticCell::new([0; BLOCK]);

/// From here on.
#[board::entry]
fn main() -> ! {
    let clock = board::clock();
    let blob = if BLOB.words().is_empty() { board::blob(BLOB_FILE.take()) } else { BLOB };
    let model = Model::load(blob).unwrap_or_else(|e| give_up("the blob is refused", &e));
    let mut input = Input::open(c"input.bin").unwrap_or_else(|e| give_up("input.bin", &e));
    let mut output = Output::create(c"output.bin").unwrap_or_else(|e| give_up("output.bin", &e));
    let room = Room { memory: MEMORY.take(), samples: SAMPLES.take(), record: RECORD.take() };
    match serve(&model, room, &mut input, &mut output, &clock) {
        Ok(_) => process::exit(0),
        Err(e) => give_up("the session ended early", &e),
    }
}
