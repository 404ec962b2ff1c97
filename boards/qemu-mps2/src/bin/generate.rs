//! Answers `elman generate` in QEMU through semihosting (docs/protocol.md).
#![no_std]
#![no_main]
#![deny(unsafe_code)]

#[path = "../board/mod.rs"]
mod board;

use elman_board::tasks;

/// From here on.
#[board::entry]
fn main() -> ! {
    board::answer::over_files::<{ tasks::TEXT }>()
}
