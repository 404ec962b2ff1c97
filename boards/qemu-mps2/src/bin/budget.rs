//! What a listener takes of memory: prints the bytes of its states, of the loaded model and of the stack that loading and
//! listening reach. The stack is painted first, and what is no longer paint was used. The model is the built-in one.
#![no_std]
#![no_main]

use elman::{Blob, Listener, Model};
use semihosting::{eprintln, println, process};
use static_cell::ConstStaticCell;

static BLOB: Blob<'static> = elman::include_blob!(concat!(env!("OUT_DIR"), "/model.elman"));
static MEMORY: ConstStaticCell<[u32; BLOB.listener_words()]> = ConstStaticCell::new([0; BLOB.listener_words()]);

const PAINT: u32 = 0xA5A5_5A5A;
/// Blocks of 64 samples that the listener gets.
const BLOCKS: usize = 2000;

unsafe extern "C" {
    /// Where statics end, by the linker script.
    static mut __sheap: u32;
}

/// The first word after the statics.
fn bottom() -> *mut u32 {
    &raw mut __sheap
}

/// Fills what is free of the stack.
#[inline(never)]
fn paint() {
    let top = (cortex_m::register::msp::read() as usize).saturating_sub(256) as *mut u32;
    let mut at = bottom();
    while at < top {
        // SAFETY: between the end of the statics and 256 bytes below the stack pointer there is only free memory.
        unsafe {
            at.write_volatile(PAINT);
            at = at.add(1);
        }
    }
}

/// Bytes of the stack, counted from `top` down, that are paint no more.
#[inline(never)]
fn used(top: usize) -> usize {
    let mut at = bottom();
    // SAFETY: as in `paint`; memory up to `top` exists and every bit pattern is a word.
    while (at as usize) < top && unsafe { at.read_volatile() } == PAINT {
        // SAFETY: stays below `top`.
        at = unsafe { at.add(1) };
    }
    top.saturating_sub(at as usize)
}

/// Loads and listens, as a firmware does at the bottom of its stack.
#[inline(never)]
fn work() -> Option<usize> {
    let model = Model::load(BLOB).ok()?;
    let mut listener = Listener::new(&model, MEMORY.try_take()?).ok()?;
    let (mut seed, mut events) = (1u32, 0usize);
    for _ in 0..BLOCKS {
        let mut block = [0i16; 64];
        for x in &mut block {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *x = (seed >> 18) as i16;
        }
        events += usize::from(listener.push(&block).is_some());
    }
    Some(events)
}

#[cortex_m_rt::entry]
fn main() -> ! {
    let top = cortex_m::register::msp::read() as usize;
    paint();
    match work() {
        Some(_) => {
            let model = core::mem::size_of::<Model<'static>>();
            println!("{} {} {}", BLOB.listener_words() * 4, model, used(top));
            process::exit(0)
        }
        None => {
            eprintln!("the built-in model does not load or cannot listen");
            process::exit(1)
        }
    }
}
