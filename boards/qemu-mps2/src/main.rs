//! Answers `elman verify`, `replay` and `generate` in QEMU through semihosting: reads requests from `input.bin` and writes
//! replies to `output.bin` in QEMU's working directory (docs/protocol.md).
#![no_std]
#![no_main]
#![deny(unsafe_code)]

mod board;

use board::fatal;
use board::files::{Input, Output};

/// From here on.
#[board::entry]
fn main() -> ! {
    let input = Input::open(c"input.bin").unwrap_or_else(|e| fatal("input.bin", &e));
    let output = Output::create(c"output.bin").unwrap_or_else(|e| fatal("output.bin", &e));
    board::answer::run(input, output)
}
