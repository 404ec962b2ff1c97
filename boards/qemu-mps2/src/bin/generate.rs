//! Serves generation in QEMU: reads a prompt from `input.bin` and writes symbols to `output.bin`
//! (elman_board::generate has the protocol). The model is `model.elman` in QEMU's working directory.
#![no_std]
#![no_main]
#![deny(unsafe_code)]

#[path = "../board/mod.rs"]
mod board;

use board::files::{Input, Output};
use board::{BLOB_WORDS, MEMORY_WORDS, give_up};
use elman::Model;
use semihosting::process;
use static_cell::ConstStaticCell;

/// A language model of many symbols is larger than other models, and nothing else needs much room here.
const WORDS: usize = BLOB_WORDS / 4 * 7;

static BLOB: ConstStaticCell<[u32; WORDS]> = ConstStaticCell::new([0; WORDS]);
static MEMORY: ConstStaticCell<[u32; MEMORY_WORDS]> = ConstStaticCell::new([0; MEMORY_WORDS]);

/// From here on.
#[board::entry]
fn main() -> ! {
    let clock = board::clock();
    let model =
        Model::load(board::blob(BLOB.take())).unwrap_or_else(|e| give_up("the blob is refused", &format_args!("{e}")));
    let mut input = Input::open(c"input.bin").unwrap_or_else(|e| give_up("input.bin", &e));
    let mut output = Output::create(c"output.bin").unwrap_or_else(|e| give_up("output.bin", &e));
    match elman_board::generate(&model, MEMORY.take(), &mut input, &mut output, &clock) {
        Ok(_) => process::exit(0),
        Err(e) => give_up("the generation ended early", &e),
    }
}
