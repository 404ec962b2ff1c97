//! A firmware that classifies frames and does nothing else. Links only if no panic can be reached, like the firmware next to it;
//! bindings/c/tests/flash.c is the same in C.
#![no_std]
#![no_main]

#[path = "../operations.rs"]
mod operations;

#[cfg(not(target_has_atomic = "8"))]
use cortex_m as _;

use core::hint::black_box;
use elman::{Blob, Error, Model};
use static_cell::ConstStaticCell;

unsafe extern "C" {
    fn a_panic_is_reachable() -> !;
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    // SAFETY: nothing defines the function, so a firmware that could call it does not link.
    unsafe { a_panic_is_reachable() }
}

static BLOB: Blob<'static> = elman::include_blob!(concat!(env!("OUT_DIR"), "/model.elman"));
static MEMORY: ConstStaticCell<[u32; BLOB.memory_words()]> = ConstStaticCell::new([0; BLOB.memory_words()]);

/// With its error, as the function of C has it: a firmware that drops it works out none of its numbers and is smaller.
#[inline(never)]
fn load(blob: Blob<'static>) -> Result<Model<'static>, Error> {
    Ok(Model::load_with(&operations::OPERATIONS, blob)?)
}

fn run(memory: &'static mut [u32]) -> Result<(), Error> {
    let model = load(black_box(BLOB))?;
    let mut stream = model.stream(memory)?;
    loop {
        black_box(stream.try_step(black_box(&[0; 32]))?.argmax());
    }
}

#[cortex_m_rt::entry]
fn main() -> ! {
    // A second run finds the memory taken and ends at once.
    loop {
        if let Some(memory) = MEMORY.try_take() {
            let _ = black_box(run(memory));
        }
    }
}
