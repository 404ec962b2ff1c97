//! A firmware that keeps models in slots, receives them and does nothing else: what slots and signatures take of flash.
//!
//! ed25519-compact and its SHA-512 check bounds that no input reaches, which a linker cannot know; so this firmware has a handler of
//! panics, unlike those next to it.
#![no_std]
#![no_main]

#[cfg(not(target_has_atomic = "8"))]
use cortex_m as _;

use core::convert::Infallible;
use core::hint::black_box;
use elman_slots::{HEADER_BYTES, PublicKey, Region, Rollback, Slots, Trust};
use embedded_storage::nor_flash::{ErrorType, NorFlash, ReadNorFlash};

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

/// A flash that the compiler cannot know.
struct Chip;

impl ErrorType for Chip {
    type Error = Infallible;
}

impl ReadNorFlash for Chip {
    const READ_SIZE: usize = 1;

    fn read(&mut self, _: u32, to: &mut [u8]) -> Result<(), Infallible> {
        to.iter_mut().for_each(|byte| *byte = black_box(0));
        Ok(())
    }

    fn capacity(&self) -> usize {
        black_box(1 << 20)
    }
}

impl NorFlash for Chip {
    const WRITE_SIZE: usize = 4;
    const ERASE_SIZE: usize = 4096;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), Infallible> {
        black_box((from, to));
        Ok(())
    }

    fn write(&mut self, at: u32, bytes: &[u8]) -> Result<(), Infallible> {
        black_box((at, bytes));
        Ok(())
    }
}

/// All that a device does with its slots.
#[inline(never)]
fn run(trust: impl Trust) -> Option<()> {
    let region = Region { start: black_box(0), slot_bytes: black_box(1 << 16) };
    let mut slots = Slots::start(Chip, region, trust, black_box(Rollback::WhereDamaged)).ok()?;
    black_box((slots.active(), slots.blob(), slots.status()));
    black_box(slots.begin(&black_box([0; HEADER_BYTES])).ok());
    black_box(slots.write(black_box(0), black_box(&[0; 100])).ok());
    black_box((slots.finish().ok(), slots.confirm().ok(), slots.revert().ok()));
    slots.cancel();
    Some(())
}

#[cortex_m_rt::entry]
fn main() -> ! {
    loop {
        #[cfg(feature = "signed")]
        black_box(run(elman_slots::Signed([PublicKey(black_box([0; 32]))])));
        #[cfg(not(feature = "signed"))]
        black_box(run(elman_slots::Unsigned));
        #[cfg(not(feature = "signed"))]
        black_box(PublicKey([0; 32]));
    }
}
