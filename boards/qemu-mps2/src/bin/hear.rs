//! Runs the audio front end in QEMU: reads parameters and samples from `input.bin` and writes features and the
//! instructions of each part to `output.bin` (elman_board::hear has the protocol).
#![no_std]
#![no_main]
#![deny(unsafe_code)]

#[path = "../board/mod.rs"]
mod board;

use board::files::{Input, Output};
use board::give_up;
use semihosting::process;
use static_cell::ConstStaticCell;

/// Words of the front end's memory: the largest there is needs 1578.
const MEMORY_WORDS: usize = 1600;

static MEMORY: ConstStaticCell<[u32; MEMORY_WORDS]> = ConstStaticCell::new([0; MEMORY_WORDS]);

/// From here on.
#[board::entry]
fn main() -> ! {
    let clock = board::clock();
    let mut input = Input::open(c"input.bin").unwrap_or_else(|e| give_up("input.bin", &e));
    let mut output = Output::create(c"output.bin").unwrap_or_else(|e| give_up("output.bin", &e));
    match elman_board::hear(MEMORY.take(), &mut input, &mut output, &clock) {
        Ok(_) => process::exit(0),
        Err(e) => give_up("the session ended early", &e),
    }
}
