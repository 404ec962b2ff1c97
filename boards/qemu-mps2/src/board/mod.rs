//! What the programs of this board share: files of the host, the clock, the blob, answers to a PC, the end.
#![allow(dead_code)] // No program uses all of it.

pub mod answer;
pub mod files;
#[cfg(target_arch = "riscv32")]
mod minstret;
#[cfg(target_arch = "arm")]
mod systick;

#[cfg(target_arch = "arm")]
pub use cortex_m_rt::entry;
#[cfg(target_arch = "riscv32")]
pub use minstret::MinstretClock as BoardClock;
#[cfg(target_arch = "riscv32")]
pub use riscv_rt::entry;
#[cfg(target_arch = "arm")]
pub use systick::SysTickClock as BoardClock;

use elman::Blob;
use semihosting::{eprintln, process};

include!(concat!(env!("OUT_DIR"), "/sizes.rs"));

/// Says what failed and ends.
pub fn fatal(what: &str, why: &dyn core::fmt::Debug) -> ! {
    eprintln!("{}: {:?}", what, why);
    process::exit(1)
}

/// The running clock.
pub fn clock() -> BoardClock {
    match BoardClock::start() {
        Some(clock) => clock,
        None => process::exit(1),
    }
}

/// The blob `model.elman`, from where it is stored in flash or from the working directory, and the words of `memory` that
/// it leaves.
pub fn blob(memory: &'static mut [u32]) -> (Blob<'static>, &'static mut [u32]) {
    match BLOB_AT {
        Some(at) => (in_flash(at), memory),
        None => match files::read_words(c"model.elman", memory) {
            Ok((blob, rest)) => (Blob::new(blob), rest),
            Err(e) => fatal("model.elman (no blob was built in: ELMAN_BLOB was not set)", &e),
        },
    }
}

/// A blob that was put into flash at `at`; its third word says how long it is.
#[allow(unsafe_code)]
fn in_flash(at: usize) -> Blob<'static> {
    let frame = core::ptr::without_provenance::<u32>(at);
    // SAFETY: machines.toml says that flash goes on after what is linked, and a blob is there; the words are aligned, and
    // nothing writes to flash. A length beyond the 96 KB that are left is cut.
    let words = unsafe {
        let bytes = frame.add(2).read_volatile() as usize;
        core::slice::from_raw_parts(frame, (bytes / 4).min(96 * 1024 / 4))
    };
    Blob::new(words)
}
