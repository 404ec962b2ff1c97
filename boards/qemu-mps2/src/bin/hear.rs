//! Runs the audio front end in QEMU: reads parameters and samples from `input.bin` and writes features and the
//! instructions of each part to `output.bin` (elman_board::hear has the protocol).
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

#[path = "../files.rs"]
mod files;
#[path = "../systick.rs"]
mod systick;

use files::{Input, Output};
use semihosting::{eprintln, process};
use static_cell::ConstStaticCell;
use systick::SysTickClock;

/// Words of the front end's memory: the largest there is needs 1578.
const MEMORY_WORDS: usize = 1600;

static MEMORY: ConstStaticCell<[u32; MEMORY_WORDS]> = ConstStaticCell::new([0; MEMORY_WORDS]);

fn give_up(what: &str, why: &dyn core::fmt::Debug) -> ! {
    eprintln!("{}: {:?}", what, why);
    process::exit(1)
}

#[cortex_m_rt::entry]
fn main() -> ! {
    let Some(peripherals) = cortex_m::Peripherals::take() else { process::exit(1) };
    let clock = SysTickClock::start(peripherals.SYST);
    let mut input = Input::open(c"input.bin").unwrap_or_else(|e| give_up("input.bin", &e));
    let mut output = Output::create(c"output.bin").unwrap_or_else(|e| give_up("output.bin", &e));
    match elman_board::hear(MEMORY.take(), &mut input, &mut output, &clock) {
        Ok(_) => process::exit(0),
        Err(e) => give_up("the session ended early", &e),
    }
}
