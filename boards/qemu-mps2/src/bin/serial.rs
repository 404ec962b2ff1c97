//! Answers `elman verify --port` and its like over the first serial port (docs/protocol.md): every task.
#![no_std]
#![no_main]

#[path = "../board/mod.rs"]
mod board;
#[path = "../uart.rs"]
mod uart;

/// From here on.
#[board::entry]
fn main() -> ! {
    let (receiver, sender) = uart::start();
    board::answer::run::<{ elman_board::tasks::ALL }>(receiver, sender)
}
