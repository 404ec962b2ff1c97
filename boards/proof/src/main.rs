//! Links only if no panic can be reached from loading a blob, the audio front end, steps, outputs, snapshots:
//! the panic handler calls a function that nothing defines, and the linker drops it only where no code refers
//! to it. What is linked is an inference firmware and nothing else, so its size is measured too.
#![no_std]
#![no_main]

use core::hint::black_box;
use elman::audio::FrontEnd;
use elman::{Blob, Model, Stream};
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

/// Not inlined, as [`hear`] and [`infer`], so that each part has its own symbols.
#[inline(never)]
fn load(blob: Blob<'static>) -> Option<Model<'static>> {
    Model::load(blob).ok()
}

#[inline(never)]
fn hear(front_end: &mut FrontEnd<'_>, samples: &[i16], frame: &mut [i16; 64]) {
    front_end.push(samples, |f| {
        for (to, from) in frame.iter_mut().zip(f) {
            *to = *from;
        }
    });
}

/// One step, the greatest output and the probabilities.
#[inline(never)]
fn infer(stream: &mut Stream<'_, '_>, frame: &[i16], p: &mut [u16; 16]) -> usize {
    let output = stream.step(frame);
    output.softmax(p);
    output.argmax()
}

#[inline(never)]
fn states(stream: &mut Stream<'_, '_>, snapshot: &mut [u32; 256], layer: usize) -> Option<()> {
    stream.snapshot(snapshot).ok()?;
    stream.reset();
    stream.restore(black_box(snapshot)).ok()?;
    black_box((stream.hidden(layer), stream.long(layer), stream.model().label(layer)));
    Some(())
}

/// Everything that a classifier does, on data that the compiler cannot know.
fn run() -> Option<usize> {
    let model = load(black_box(BLOB))?;
    let mut stream = model.stream(black_box(MEMORY.try_take()?)).ok()?;
    let mut front_end = FrontEnd::new(*model.audio()?, black_box(AUDIO.try_take()?)).ok()?;
    loop {
        let mut frame = black_box([0; 64]);
        hear(&mut front_end, &black_box([0; 64]), &mut frame);
        let mut p = [0; 16];
        let best = infer(&mut stream, &frame, &mut p);
        #[cfg(feature = "planted")]
        black_box(frame[best]);
        stream.advance(&frame);
        black_box(stream.output());
        states(&mut stream, &mut black_box([0; 256]), best)?;
        if black_box((best, p)).0 == 1 {
            front_end.reset();
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
