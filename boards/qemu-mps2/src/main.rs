//! Answers `elman verify` in QEMU through semihosting (docs/protocol.md): steps of a stream, and whole examples. Other tasks have
//! programs of their own, so that each is compiled as in a firmware that does nothing else.
#![no_std]
#![no_main]
#![deny(unsafe_code)]

mod board;

use elman_board::tasks;

/// From here on.
#[board::entry]
fn main() -> ! {
    board::answer::over_files::<{ tasks::STREAM | tasks::EXAMPLES }>()
}
