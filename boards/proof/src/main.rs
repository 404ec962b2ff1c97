//! Links only if no panic can be reached from loading a blob, the audio front end, steps, outputs, snapshots:
//! the panic handler calls a function that nothing defines, and the linker drops it only where no code refers
//! to it. What is linked is an inference firmware and nothing else, so its size is measured too.
#![no_std]
#![no_main]

use core::hint::black_box;
use elman::audio::FrontEnd;
use elman::{Blob, Model};
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
static AUDIO: ConstStaticCell<[u32; BLOB.audio_words()]> = ConstStaticCell::new([0; BLOB.audio_words()]);

/// Everything that inference needs, on data that the compiler cannot know.
fn inference() -> Option<usize> {
    let memory = black_box(MEMORY.try_take()?);
    let model = Model::load(black_box(BLOB)).ok()?;
    let mut stream = model.stream(memory).ok()?;
    let mut heard = 0;
    if let Some(config) = model.audio() {
        let mut front_end = FrontEnd::new(*config, black_box(AUDIO.try_take()?)).ok()?;
        loop {
            let samples = black_box([0i16; 64]);
            if samples[0] == 1 {
                front_end.reset();
                break;
            }
            front_end.push(&samples, |frame| {
                black_box(stream.step(frame).argmax());
            });
            heard += 1;
        }
    }
    let mut snapshot = black_box([0u32; 256]);
    stream.snapshot(&mut snapshot).ok()?;
    loop {
        let frame = black_box([0i16; 64]);
        stream.advance(&frame);
        let output = stream.step(&frame);
        let mut p = [0; 16];
        output.softmax(&mut p);
        let best = output.argmax();
        #[cfg(feature = "planted")]
        black_box(frame[best]);
        if black_box((best, p)).0 == 1 {
            stream.reset();
            stream.restore(&snapshot).ok()?;
            black_box((stream.hidden(best), stream.long(best), model.label(best)));
        }
        if black_box(heard) == 7 {
            return Some(heard);
        }
    }
}

#[cortex_m_rt::entry]
fn main() -> ! {
    black_box(inference());
    loop {}
}
