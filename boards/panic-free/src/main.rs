//! Links only if no panic can be reached from loading a blob, the audio front end, steps, outputs, snapshots:
//! the panic handler calls a function that nothing defines, and the linker drops it only where no code refers
//! to it. What is linked is an inference firmware and nothing else, so its size is measured too.
#![no_std]
#![no_main]

mod operations;
#[cfg(feature = "more")]
mod owned;

use core::hint::black_box;
// It brings the critical section.
#[cfg(all(target_arch = "arm", not(target_has_atomic = "8")))]
use cortex_m as _;
#[cfg(target_arch = "arm")]
use cortex_m_rt::entry;
use elman::arith::Probability;
use elman::audio::FrontEnd;
use elman::{Blob, Model, Stream};
#[cfg(target_arch = "riscv32")]
use riscv_rt::entry;
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

/// Not inlined, as [`features`] and [`infer`], so that each part has its own symbols.
#[inline(never)]
fn load(blob: Blob<'static>) -> Option<Model<'static>> {
    Model::load_with(&operations::OPERATIONS, blob).ok()
}

#[inline(never)]
fn features(front_end: &mut FrontEnd<'_>, samples: &[i16], frame: &mut [i16; 64]) {
    front_end.push(samples, |f| {
        for (to, from) in frame.iter_mut().zip(f) {
            *to = *from;
        }
    });
}

/// One step, the greatest output and the probabilities.
#[inline(never)]
fn infer(stream: &mut Stream<'_, '_>, frame: &[i16], p: &mut [Probability; 16]) -> Option<u16> {
    let output = stream.step(frame);
    output.softmax(p);
    output.argmax()
}

#[inline(never)]
fn states(stream: &mut Stream<'_, '_>, snapshot: &mut [u32; 256], layer: usize) -> Option<()> {
    stream.snapshot(snapshot).ok()?;
    stream.reset();
    stream.restore(black_box(snapshot)).ok()?;
    black_box((stream.hidden_state(layer), stream.carried_state(layer), stream.model().label(layer as u16)));
    Some(())
}

/// A whole sequence, and its outputs.
#[cfg(feature = "more")]
#[inline(never)]
fn sequence(model: &Model<'_>, memory: &mut [u32], frames: &[i16]) -> Option<usize> {
    let mut net = model.sequence(memory).ok()?;
    black_box((net.max_steps(), model.sequence_words(black_box(7))));
    let outputs = net.run(frames).ok()?;
    black_box((outputs.len(), outputs.iter().filter_map(|y| y.argmax()).max()));
    Some(outputs.last()?.argmax()?.into())
}

/// A sequence for a sequence: greedily or by the best of several hypotheses, and step by step.
#[cfg(feature = "more")]
#[inline(never)]
fn decode(model: &Model<'_>, memory: &mut [u32], frames: &[i16]) -> Option<usize> {
    let mut net = model.seq2seq(memory).ok()?;
    black_box((net.max_outputs(), net.model().outputs()));
    let written = net.run(frames).ok()?;
    black_box((written.symbols().max(), written.is_empty(), written.ended, written.log2_p));
    let length = written.len();
    net.encode(frames).ok()?;
    black_box(net.step(black_box(3)).argmax());
    black_box(net.attention_weights());
    Some(length)
}

/// A tree, its answers, and what its nodes need.
#[cfg(feature = "more")]
#[inline(never)]
fn tree(model: &Model<'_>, memory: &mut [u32], frames: &[i16], nodes: &[elman::net::Node]) -> Option<usize> {
    black_box(elman::net::slots_needed(nodes, frames.len(), 1, &mut black_box([0; 64])).ok());
    black_box(model.tree_words(black_box(7), black_box(3)));
    let mut tree = model.tree(memory).ok()?;
    tree.run_each(frames, nodes, |k, y| {
        black_box((k, y.argmax()));
    })
    .ok()?;
    Some(tree.run(frames, nodes).ok()?.argmax()?.into())
}

/// A graph and its answers.
#[cfg(feature = "more")]
#[inline(never)]
fn graph(model: &Model<'_>, memory: &mut [u32], frames: &[i16], offsets: &[u32], neighbours: &[u16]) -> Option<usize> {
    let rows = elman::net::CsrRows::new(offsets, neighbours).ok()?;
    let mut net = model.graph(memory).ok()?;
    black_box((net.edge_features(), net.edge_frac()));
    let outputs = net.run(frames, rows, frames).ok()?;
    outputs.iter().filter_map(|y| y.argmax()).max().map(usize::from)
}

/// Reads a text, draws the next symbol and names it.
#[cfg(feature = "more")]
#[inline(never)]
fn write(stream: &mut Stream<'_, '_>, bytes: &[u8], seed: u64) -> Option<usize> {
    let text = stream.model().text()?;
    black_box(text.len());
    for symbol in text.read(bytes).ok()? {
        stream.step_symbol(symbol);
    }
    let temperature = elman::net::Temperature::from_bits(black_box(4096));
    let mut sampler = elman::net::Sampler::new(seed, temperature, black_box(20));
    Some(text.symbol(stream.next_symbol(0, &mut sampler))?.len())
}

/// A line of bytes that the compiler cannot know.
#[cfg(feature = "more")]
struct Line;

#[cfg(feature = "more")]
impl embedded_io::ErrorType for Line {
    type Error = core::convert::Infallible;
}

#[cfg(feature = "more")]
impl embedded_io::Read for Line {
    fn read(&mut self, to: &mut [u8]) -> Result<usize, Self::Error> {
        to.iter_mut().for_each(|byte| *byte = black_box(0));
        Ok(black_box(to.len()))
    }
}

#[cfg(feature = "more")]
impl embedded_io::Write for Line {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Self::Error> {
        black_box(bytes);
        // As a line does that takes every byte; `write_all` panics on one that takes none.
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }
}

/// A clock that the compiler cannot know.
#[cfg(feature = "more")]
struct Ticks;

#[cfg(feature = "more")]
impl elman_board::Clock for Ticks {
    const MODULUS: u32 = 0;

    fn now(&self) -> u32 {
        black_box(0)
    }
}

/// Readings in, readings out.
#[cfg(feature = "more")]
#[inline(never)]
fn sensors(model: &Model<'_>, memory: &mut [u32], raw: &[i32]) -> Option<usize> {
    let (input, output) = (model.input_scaling()?, model.output_scaling()?);
    let mut net = model.stream(memory).ok()?;
    let (mut frame, mut back, mut values) = ([0; 64], [0; 64], [0.0; 64]);
    let count = input.quantize_i32(raw, frame.get_mut(..raw.len())?);
    let short = black_box([0i16; 64]);
    let count = count.wrapping_add(input.quantize_i16(&short, &mut frame));
    let count = count.wrapping_add(input.quantize_f32(&black_box([0.0; 64]), &mut frame));
    let y = net.step(frame.get(..model.inputs())?);
    output.restore_i32(y.logits, back.get_mut(..y.logits.len())?);
    model.dequantize(&y, values.get_mut(..y.logits.len())?);
    black_box((back, values, input.channels().next()?.whole(black_box(3))));
    Some(count)
}

/// Answers a PC: every message, task and structure.
#[cfg(feature = "more")]
#[inline(never)]
fn answer(model: &Model<'_>, words: &mut [u32], nodes: &mut [elman::net::Node]) -> Option<u32> {
    let (mut received, mut sent) = (black_box([0; 512]), black_box([0; 512]));
    let workspace = elman_board::Workspace { words, nodes, received: &mut received, sent: &mut sent };
    const ALL: u8 = elman_board::tasks::ALL;
    elman_board::serve::<ALL, _, _>(model, black_box(1), workspace, &mut Line, &mut Line, &Ticks).ok()
}

/// Samples in, events out, and what that takes.
#[cfg(feature = "more")]
#[inline(never)]
fn listen(model: &Model<'_>, memory: &mut [u32], samples: &[i16]) -> Option<usize> {
    let mut listener = elman::Listener::new(model, memory).ok()?;
    listener.push_each(samples, |result| {
        black_box((
            result.features,
            result.logits,
            result.detector.probabilities(),
            result.detector.smoothed(black_box(3)),
        ));
    });
    let event = listener.push(samples)?;
    black_box((listener.milliseconds(&event), listener.net().hidden_state(0)));
    listener.reset();
    Some(event.class.into())
}

/// Everything that a classifier does, on data that the compiler cannot know.
fn run() -> Option<usize> {
    let model = load(black_box(BLOB))?;
    let mut stream = model.stream(black_box(MEMORY.try_take()?)).ok()?;
    let mut front_end = model.front_end(black_box(AUDIO.try_take()?))?.ok()?;
    loop {
        let mut frame = black_box([0; 64]);
        features(&mut front_end, &black_box([0; 64]), &mut frame);
        let mut p = [Probability::ZERO; 16];
        let best = infer(&mut stream, &frame, &mut p)?;
        #[cfg(feature = "planted")]
        black_box(frame[usize::from(best)]);
        stream.advance(&frame);
        black_box(stream.output());
        states(&mut stream, &mut black_box([0; 256]), best.into())?;
        #[cfg(feature = "more")]
        black_box(write(&mut stream, black_box(&[0; 64]), black_box(1)));
        if black_box((best, p)).0 == 1 {
            front_end.reset();
        }
    }
}

/// The processor's start.
#[entry]
fn main() -> ! {
    // A second run finds the memory taken and ends at once.
    loop {
        #[cfg(feature = "more")]
        black_box(black_box(load(black_box(BLOB))).map(|model| {
            let mut memory = black_box([0; 1024]);
            black_box(decode(&model, &mut memory, &black_box([0; 64])));
            let mut nodes = black_box([elman::net::Node::Leaf(0); 64]);
            black_box(answer(&model, &mut memory, &mut nodes));
            black_box(listen(&model, &mut memory, &black_box([0; 64])));
            black_box(sensors(&model, &mut memory, &black_box([0; 64])));
            black_box(tree(&model, &mut memory, &black_box([0; 64]), &nodes));
            black_box(graph(&model, &mut memory, &black_box([0; 64]), &black_box([0; 9]), &black_box([0; 16])));
            sequence(&model, &mut memory, &black_box([0; 64]))
        }));
        #[cfg(feature = "more")]
        black_box(owned::run());
        black_box(run());
    }
}
