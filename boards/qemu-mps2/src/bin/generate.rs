//! Serves generation in QEMU: reads a prompt from `input.bin` and writes symbols to `output.bin`
//! (elman_board::generate has the protocol). The model is `model.elman` in QEMU's working directory.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

#[path = "../files.rs"]
mod files;
#[path = "../systick.rs"]
mod systick;

use elman::{Blob, Model};
use files::{BlobFile, Input, Output};
use semihosting::{eprintln, process};
use static_cell::ConstStaticCell;
use systick::SysTickClock;

/// Words of a blob and of its states.
const BLOB_WORDS: usize = 700_000;
const MEMORY_WORDS: usize = 64 * 1024;

static BLOB: ConstStaticCell<[u32; BLOB_WORDS]> = ConstStaticCell::new([0; BLOB_WORDS]);
static MEMORY: ConstStaticCell<[u32; MEMORY_WORDS]> = ConstStaticCell::new([0; MEMORY_WORDS]);

fn give_up(what: &str, why: &dyn core::fmt::Debug) -> ! {
    eprintln!("{}: {:?}", what, why);
    process::exit(1)
}

#[cortex_m_rt::entry]
fn main() -> ! {
    let Some(peripherals) = cortex_m::Peripherals::take() else { process::exit(1) };
    let clock = SysTickClock::start(peripherals.SYST);
    let words = BlobFile::read(c"model.elman", BLOB.take()).unwrap_or_else(|e| give_up("model.elman", &e));
    let model = Model::load(Blob::new(words)).unwrap_or_else(|e| give_up("the blob is refused", &e));
    let mut input = Input::open(c"input.bin").unwrap_or_else(|e| give_up("input.bin", &e));
    let mut output = Output::create(c"output.bin").unwrap_or_else(|e| give_up("output.bin", &e));
    match elman_board::generate(&model, MEMORY.take(), &mut input, &mut output, &clock) {
        Ok(_) => process::exit(0),
        Err(e) => give_up("the generation ended early", &e),
    }
}
