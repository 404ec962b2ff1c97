//! Listens in QEMU beside the host: reads blocks of samples from `input.bin` and writes every stage of every frame to
//! `output.bin` (elman_board::listening has the protocol). The model is built in, or `model.elman` in QEMU's working
//! directory.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

#[path = "../files.rs"]
mod files;
#[path = "../systick.rs"]
mod systick;

use elman::{Blob, Model};
use elman_board::listening::{Room, serve};
use files::{BlobFile, Input, Output};
use semihosting::{eprintln, process};
use static_cell::ConstStaticCell;
use systick::SysTickClock;

static BLOB: Blob<'static> = elman::include_blob!(concat!(env!("OUT_DIR"), "/model.elman"));

/// Words of a blob that is read, of a listener twice, and of a record; samples of a block.
const BLOB_WORDS: usize = 400_000;
const MEMORY_WORDS: usize = 64 * 1024;
const RECORD_WORDS: usize = 1024;
const BLOCK: usize = 2048;

static BLOB_FILE: ConstStaticCell<[u32; BLOB_WORDS]> = ConstStaticCell::new([0; BLOB_WORDS]);
static MEMORY: ConstStaticCell<[u32; MEMORY_WORDS]> = ConstStaticCell::new([0; MEMORY_WORDS]);
static RECORD: ConstStaticCell<[u32; RECORD_WORDS]> = ConstStaticCell::new([0; RECORD_WORDS]);
static SAMPLES: ConstStaticCell<[i16; BLOCK]> = ConstStaticCell::new([0; BLOCK]);

fn give_up(what: &str, why: &dyn core::fmt::Debug) -> ! {
    eprintln!("{}: {:?}", what, why);
    process::exit(1)
}

#[cortex_m_rt::entry]
fn main() -> ! {
    let Some(peripherals) = cortex_m::Peripherals::take() else { process::exit(1) };
    let clock = SysTickClock::start(peripherals.SYST);
    let blob = if BLOB.words().is_empty() {
        match BlobFile::read(c"model.elman", BLOB_FILE.take()) {
            Ok(words) => Blob::new(words),
            Err(e) => give_up("model.elman (no blob was built in: ELMAN_BLOB was not set)", &e),
        }
    } else {
        BLOB
    };
    let model = Model::load(blob).unwrap_or_else(|e| give_up("the blob is refused", &e));
    let mut input = Input::open(c"input.bin").unwrap_or_else(|e| give_up("input.bin", &e));
    let mut output = Output::create(c"output.bin").unwrap_or_else(|e| give_up("output.bin", &e));
    let room = Room { memory: MEMORY.take(), samples: SAMPLES.take(), record: RECORD.take() };
    match serve(&model, room, &mut input, &mut output, &clock) {
        Ok(_) => process::exit(0),
        Err(e) => give_up("the session ended early", &e),
    }
}
