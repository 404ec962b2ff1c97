//! What firmware does on any board, over embedded-io: the answering side of `elman verify`.
//!
//! # Protocol
//! Words are little-endian. The host sends a count of frames, then so many frames of i16; a count of 0 resets
//! the states; the end of input ends the session. [`CLOSED`] in a count says that its frames lack the elements that
//! the model feeds back to itself. A model that runs whole sequences takes each count as one. The board sends a
//! [`Header`] once, then a record a step: ticks of the step, then the stream's snapshot, which holds every hidden and
//! long state and the output. Of a whole sequence the record is ticks (of all of it, in its last record; else 0) and
//! the step's output, padded to whole words. A model that writes sequences sends a record for each count: ticks, then
//! how many symbols it wrote, log2 of their probability, and the symbols, a word each, 0 up to the most that it writes.
#![no_std]
#![forbid(unsafe_code)]

mod generation;
#[cfg(feature = "gesture")]
pub mod gesture;
mod graph;
mod hearing;
pub mod listening;
pub mod serial;
pub mod spotter;
mod tree;
mod writing;

pub use generation::{MAGIC as GENERATION_MAGIC, generate};
pub use hearing::{HearingFault, MAGIC as HEARING_MAGIC, hear};
pub use tree::LEAF;

use elman::RunError;
use elman::blob::Structure;
use elman::kernel::layout::vector_words;
use elman::kernel::word;
use elman::net::{Node, Outputs};
use elman::{Model, Sequence, Stream};
use embedded_io::{Read, ReadExactError, Write};

/// First word of a session: "ELV2".
pub const MAGIC: u32 = u32::from_le_bytes(*b"ELV2");

/// Bit of a count of frames: the model feeds its output back.
pub const CLOSED: u32 = 1 << 31;

/// Words of a record beyond the snapshot or output: the ticks.
pub const RECORD_EXTRA_WORDS: usize = 1;

/// What the board says first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// CRC of the model that runs.
    pub crc: u32,
    /// Words of a record.
    pub record_words: u32,
    /// Ticks that a measurement of nothing takes.
    pub empty_ticks: u32,
    /// Ticks that loading the model took.
    pub load_ticks: u32,
}

/// A clock for single steps.
pub trait Clock {
    /// Ticks since some moment, modulo [`Clock::MODULUS`].
    fn now(&self) -> u32;
    /// A power of two; 0 for the whole of u32.
    const MODULUS: u32;

    /// Ticks that `work` takes.
    #[inline(always)]
    fn measure(&self, work: impl FnOnce()) -> u32 {
        let start = self.now();
        work();
        self.now().wrapping_sub(start) & Self::MODULUS.wrapping_sub(1)
    }
}

/// Why a session ended early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault<I, O> {
    /// The input broke off or failed.
    Input(Option<I>),
    /// The output failed.
    Output(O),
    /// The memory does not take the states, or the record not the snapshot; or a sequence is too long.
    Model(RunError),
    /// The frames do not take the model's inputs: elements needed.
    Frames(usize),
    /// There are more nodes than room for them: nodes needed.
    Nodes(usize),
    /// The record does not take a snapshot or output: words needed.
    Record(usize),
}

/// One step and its ticks. Never inlined, so that what surrounds it stays out of the count.
#[inline(never)]
fn counted_step(stream: &mut Stream<'_, '_>, frame: &[i16], clock: &impl Clock) -> u32 {
    clock.measure(|| {
        stream.step(frame);
    })
}

/// A whole sequence and its ticks.
#[inline(never)]
fn counted_run<'s>(
    net: &'s mut Sequence<'_, '_>,
    frames: &[i16],
    clock: &impl Clock,
) -> (u32, Option<Result<Outputs<'s>, RunError>>) {
    let mut outputs = None;
    let ticks = clock.measure(|| outputs = Some(net.run(frames)));
    (ticks, outputs)
}

/// What a session works with.
#[derive(Debug)]
pub struct Buffers<'m> {
    /// Ticks that loading the model took: the header says them.
    pub load_ticks: u32,
    /// The model's states.
    pub memory: &'m mut [u32],
    /// A frame; a whole sequence for a model that runs those.
    pub frames: &'m mut [i16],
    /// The nodes of a tree, for a model that runs over trees.
    pub nodes: &'m mut [Node],
    /// Where the neighbours of each node of a graph begin, one more than nodes, for a model that runs over graphs.
    pub offsets: &'m mut [u32],
    /// The neighbours.
    pub neighbours: &'m mut [u16],
    /// A record.
    pub record: &'m mut [u32],
}

/// Runs a session to the end of `input`; the number of steps.
///
/// # Errors
/// [`Fault`]: input or output failed, or a buffer is too small.
pub fn serve<I: Read, O: Write>(
    model: &Model<'_>,
    buffers: Buffers<'_>,
    input: &mut I,
    output: &mut O,
    clock: &impl Clock,
) -> Result<u32, Fault<I::Error, O::Error>> {
    if let Structure::Seq2seq { .. } = model.structure() {
        writing::serve(model, buffers, input, output, clock)
    } else if matches!(model.structure(), Structure::Tree { .. }) {
        tree::serve(model, buffers, input, output, clock)
    } else if matches!(model.structure(), Structure::Graph { .. }) {
        graph::serve(model, buffers, input, output, clock)
    } else if model.max_steps() > 0 {
        serve_sequences(model, buffers, input, output, clock)
    } else {
        serve_stream(model, buffers, input, output, clock)
    }
}

fn serve_stream<I: Read, O: Write>(
    model: &Model<'_>,
    buffers: Buffers<'_>,
    input: &mut I,
    output: &mut O,
    clock: &impl Clock,
) -> Result<u32, Fault<I::Error, O::Error>> {
    let mut stream = model.stream(buffers.memory).map_err(Fault::Model)?;
    let record = record(buffers.record, stream.snapshot_words())?;
    let Some(frame) = buffers.frames.get_mut(..model.inputs()) else { return Err(Fault::Frames(model.inputs())) };
    greet(model, buffers.load_ticks, record.len(), output, clock)?;
    let mut steps = 0u32;
    while let Some(count) = count(input)? {
        if count == 0 {
            stream.reset();
        }
        let fed = if count & CLOSED != 0 { model.feedback() } else { 0 };
        for _ in 0..count & !CLOSED {
            let given = frame.len().saturating_sub(fed);
            let frame = frame.get_mut(..given).unwrap_or_default();
            read(frame, input)?;
            let ticks = counted_step(&mut stream, frame, clock);
            if let Some((first, snapshot)) = record.split_first_mut() {
                *first = ticks;
                stream.snapshot(snapshot).map_err(Fault::Model)?;
            }
            output.write_all(word::bytes(record)).map_err(Fault::Output)?;
            steps = steps.wrapping_add(1);
        }
    }
    Ok(steps)
}

fn serve_sequences<I: Read, O: Write>(
    model: &Model<'_>,
    buffers: Buffers<'_>,
    input: &mut I,
    output: &mut O,
    clock: &impl Clock,
) -> Result<u32, Fault<I::Error, O::Error>> {
    let mut net = model.sequence(buffers.memory).map_err(Fault::Model)?;
    let record = record(buffers.record, vector_words(model.outputs()))?;
    greet(model, buffers.load_ticks, record.len(), output, clock)?;
    let mut steps = 0u32;
    while let Some(count) = count(input)? {
        let elements = (count as usize).saturating_mul(model.inputs());
        let Some(frames) = buffers.frames.get_mut(..elements) else { return Err(Fault::Frames(elements)) };
        read(frames, input)?;
        let (ticks, Some(outputs)) = counted_run(&mut net, frames, clock) else { continue };
        let outputs = outputs.map_err(Fault::Model)?;
        for (t, y) in (1u32..).zip(outputs.iter()) {
            if let Some((first, scores)) = record.split_first_mut() {
                *first = if t == count { ticks } else { 0 };
                for (to, from) in word::halves_mut(scores).iter_mut().zip(y.logits) {
                    *to = *from;
                }
            }
            output.write_all(word::bytes(record)).map_err(Fault::Output)?;
        }
        steps = steps.wrapping_add(count);
    }
    Ok(steps)
}

/// A record for a payload of `words`.
fn record<I, O>(buffer: &mut [u32], words: usize) -> Result<&mut [u32], Fault<I, O>> {
    let need = words.saturating_add(RECORD_EXTRA_WORDS);
    buffer.get_mut(..need).ok_or(Fault::Record(need))
}

/// Sends the header.
fn greet<I, O: Write>(
    model: &Model<'_>,
    load_ticks: u32,
    record_words: usize,
    output: &mut O,
    clock: &impl Clock,
) -> Result<(), Fault<I, O::Error>> {
    // The first measurement pays for code that the second does not.
    clock.measure(|| ());
    let header =
        Header { crc: model.crc(), record_words: record_words as u32, empty_ticks: clock.measure(|| ()), load_ticks };
    let words = [MAGIC, header.crc, header.record_words, header.empty_ticks, header.load_ticks];
    output.write_all(word::bytes(&words)).map_err(Fault::Output)
}

/// The next count of frames; `None` at the end of input.
fn count<I: Read, O>(input: &mut I) -> Result<Option<u32>, Fault<I::Error, O>> {
    let mut count = [0; 4];
    match input.read_exact(&mut count) {
        Err(ReadExactError::UnexpectedEof) => Ok(None),
        read => read.map(|()| Some(u32::from_le_bytes(count))).map_err(failed),
    }
}

/// Fills `elements`.
fn read<I: Read, O>(elements: &mut [i16], input: &mut I) -> Result<(), Fault<I::Error, O>> {
    for x in elements {
        let mut bytes = [0; 2];
        input.read_exact(&mut bytes).map_err(failed)?;
        *x = i16::from_le_bytes(bytes);
    }
    Ok(())
}

fn failed<I, O>(e: ReadExactError<I>) -> Fault<I, O> {
    match e {
        ReadExactError::UnexpectedEof => Fault::Input(None),
        ReadExactError::Other(e) => Fault::Input(Some(e)),
    }
}
