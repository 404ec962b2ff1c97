//! A firmware that listens and does nothing else: blocks of samples in, the last event out. Links only if no panic can be
//! reached, like the firmware next to it; its size is what listening takes.
#![no_std]
#![no_main]

#[path = "../operations.rs"]
mod operations;

use core::hint::black_box;
use elman::detect::Event;
use elman::{Blob, Listener, Model};
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
static LISTENING: ConstStaticCell<[u32; BLOB.listener_words()]> = ConstStaticCell::new([0; BLOB.listener_words()]);

#[inline(never)]
fn load(blob: Blob<'static>) -> Option<Model<'static>> {
    Model::load_with(&operations::OPERATIONS, blob).ok()
}

#[inline(never)]
fn process(listener: &mut Listener<'_, '_>, block: &[i16]) -> Option<Event> {
    listener.push(block)
}

fn run() -> Option<()> {
    let model = load(black_box(BLOB))?;
    let mut listener = Listener::new(&model, LISTENING.try_take()?).ok()?;
    loop {
        if let Some(event) = process(&mut listener, &black_box([0; 64])) {
            black_box((model.label(event.class), listener.milliseconds(&event)));
        }
    }
}

#[cortex_m_rt::entry]
fn main() -> ! {
    // A second run finds the memory taken and ends at once.
    loop {
        black_box(run());
    }
}
