//! A device whose model comes over the first serial port into slots in flash (docs/updates.md): it answers `elman send --port`, and
//! with a model `elman verify --port` and its like. This machine's memory stands for the flash; it keeps what it has over a restart.
#![no_std]
#![no_main]

#[path = "../board/mod.rs"]
mod board;
#[path = "../memory_flash.rs"]
mod memory_flash;
#[path = "../uart.rs"]
mod uart;

use elman_board::Models;
use elman_slots::{INFO_BYTES, Info};
use memory_flash::{AT, MemoryFlash, SLOT_BYTES};

/// What this firmware says of itself; the board's memory has no clock that counts.
static INFO: [u8; INFO_BYTES] =
    Info { slots_at: AT, slot_bytes: SLOT_BYTES, words: board::WORDS as u32, clock: 25_000_000 }
        .block("qemu-mps2", env!("ELMAN_COMMIT"));

/// From here on.
#[board::entry]
fn main() -> ! {
    let (receiver, sender) = uart::start();
    // SAFETY: taken once. QEMU's memory is readable at this address, the linker puts nothing there, and nothing else writes there.
    let models = unsafe { Models::start(MemoryFlash::take(), AT, &INFO, || cortex_m::peripheral::SCB::sys_reset()) };
    match models {
        Ok(models) => board::answer::with_models(models, receiver, sender),
        Err(e) => board::fatal("the slots do not fit", &format_args!("{e}")),
    }
}
