//! What firmware does on any board, over embedded-io: the answering side of `elman verify`.
//!
//! # Protocol
//! Words are little-endian. The host sends a count of frames, then so many frames of i16; a count of 0 resets
//! the states; the end of input ends the session. The board sends a [`Header`] once, then a record a step:
//! ticks of the step, then the stream's snapshot, which holds every hidden and long state and the output.
#![no_std]
#![forbid(unsafe_code)]

use elman::blob::Error;
use elman::kernel::word;
use elman::{Model, Stream};
use embedded_io::{Read, ReadExactError, Write};

/// First word of a session: "ELV1".
pub const MAGIC: u32 = u32::from_le_bytes(*b"ELV1");

/// Words of a record beyond the snapshot: the ticks.
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
    /// The record does not take the snapshot.
    Record(Error),
    /// The frame does not take the model's inputs: elements needed.
    Frame(usize),
}

/// One step and its ticks. Never inlined, so that what surrounds it stays out of the count.
#[inline(never)]
fn counted_step(stream: &mut Stream<'_, '_>, frame: &[i16], clock: &impl Clock) -> u32 {
    clock.measure(|| {
        stream.step(frame);
    })
}

/// Runs a session to the end of `input`; the number of steps. `frame` needs the model's inputs, `record` the
/// stream's snapshot and [`RECORD_EXTRA_WORDS`].
///
/// # Errors
/// [`Fault`]: input or output failed, or a buffer is too small.
pub fn serve<I: Read, O: Write>(
    model: &Model<'_>,
    stream: &mut Stream<'_, '_>,
    frame: &mut [i16],
    record: &mut [u32],
    input: &mut I,
    output: &mut O,
    clock: &impl Clock,
) -> Result<u32, Fault<I::Error, O::Error>> {
    let record_words = stream.snapshot_words() + RECORD_EXTRA_WORDS;
    let have = record.len();
    let Some(record) = record.get_mut(..record_words) else {
        return Err(Fault::Record(Error::Memory { need: record_words, have }));
    };
    let Some(frame) = frame.get_mut(..model.inputs()) else { return Err(Fault::Frame(model.inputs())) };
    // The first measurement pays for code that the second does not.
    clock.measure(|| ());
    let header = Header { crc: model.crc(), record_words: record_words as u32, empty_ticks: clock.measure(|| ()) };
    let words = [MAGIC, header.crc, header.record_words, header.empty_ticks];
    output.write_all(word::bytes(&words)).map_err(Fault::Output)?;
    let mut steps = 0u32;
    loop {
        let mut count = [0; 4];
        match input.read_exact(&mut count) {
            Err(ReadExactError::UnexpectedEof) => return Ok(steps),
            read => read.map_err(failed)?,
        }
        let count = u32::from_le_bytes(count);
        if count == 0 {
            stream.reset();
        }
        for _ in 0..count {
            for x in frame.iter_mut() {
                let mut bytes = [0; 2];
                input.read_exact(&mut bytes).map_err(failed)?;
                *x = i16::from_le_bytes(bytes);
            }
            let ticks = counted_step(stream, frame, clock);
            if let Some((first, snapshot)) = record.split_first_mut() {
                *first = ticks;
                stream.snapshot(snapshot).map_err(Fault::Record)?;
            }
            output.write_all(word::bytes(record)).map_err(Fault::Output)?;
            steps = steps.wrapping_add(1);
        }
    }
}

fn failed<I, O>(e: ReadExactError<I>) -> Fault<I, O> {
    match e {
        ReadExactError::UnexpectedEof => Fault::Input(None),
        ReadExactError::Other(e) => Fault::Input(Some(e)),
    }
}
