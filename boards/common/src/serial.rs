//! `elman verify --port`: the answering side over a serial line.
//!
//! # Protocol
//! Both sides send messages in postcard, each framed by COBS with a zero byte behind it, so that a line that drops bytes
//! loses a message and no more. The host asks, the board answers each [`Request`] with one [`Reply`]. A message that cannot
//! be read is answered by [`Reply::Fault`].

use elman::kernel::word;
use elman::{MemoryError, RunError};
use elman::{Model, Stream};
use embedded_io::{Read, Write};
use serde::{Deserialize, Serialize};

use crate::{Clock, Fault};

/// Version of the protocol.
pub const VERSION: u16 = 1;
/// Longest message, framed.
pub const MESSAGE: usize = 16 * 1024;

/// What the host asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request<'a> {
    /// Who is there.
    Hello,
    /// States as at the start of a sequence.
    Reset,
    /// A step; the frame's i16 in little-endian order.
    Step(&'a [u8]),
}

/// What the board answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply<'a> {
    /// The model that runs.
    Hello {
        /// [`VERSION`].
        version: u16,
        /// CRC of the model.
        crc: u32,
        /// Words of a snapshot.
        snapshot_words: u32,
    },
    /// The states are reset.
    Reset,
    /// After a step.
    Step {
        /// Ticks of the step, less those of measuring nothing.
        ticks: u32,
        /// The stream's snapshot, words in little-endian order.
        snapshot: &'a [u8],
    },
    /// The request could not be read or done.
    Fault,
}

/// One step and its ticks.
#[inline(never)]
fn counted(stream: &mut Stream<'_, '_>, frame: &[i16], clock: &impl Clock) -> u32 {
    let empty = clock.measure(|| ());
    clock
        .measure(|| {
            stream.step(frame);
        })
        .saturating_sub(empty)
}

/// Room for a session.
#[derive(Debug)]
pub struct Room<'m> {
    /// The model's states.
    pub memory: &'m mut [u32],
    /// A snapshot.
    pub snapshot: &'m mut [u32],
    /// A frame.
    pub frame: &'m mut [i16],
    /// A message that comes.
    pub received: &'m mut [u8],
    /// A message that goes.
    pub sent: &'m mut [u8],
}

/// Answers until `io` ends; the number of steps.
///
/// # Errors
/// [`Fault`]: the line failed, or the room is too small for the model.
pub fn serve<E, IO: Read<Error = E> + Write<Error = E>>(
    model: &Model<'_>,
    room: Room<'_>,
    io: &mut IO,
    clock: &impl Clock,
) -> Result<u32, Fault<E, E>> {
    let mut stream = model.stream(room.memory).map_err(Fault::Model)?;
    let words = stream.snapshot_words();
    let have = room.snapshot.len();
    let snapshot = room
        .snapshot
        .get_mut(..words)
        .ok_or(Fault::Model(RunError::Memory(MemoryError { required: words, provided: have })))?;
    let frame = room.frame.get_mut(..model.inputs()).ok_or(Fault::Frames(model.inputs()))?;
    let (mut at, mut steps) = (0usize, 0u32);
    loop {
        let mut byte = [0];
        if io.read(&mut byte).map_err(|e| Fault::Input(Some(e)))? == 0 {
            return Ok(steps);
        }
        if byte != [0] {
            // What does not fit is dropped, and the message with it.
            if let Some(to) = room.received.get_mut(at) {
                *to = byte[0];
            }
            at = at.saturating_add(1);
            continue;
        }
        let message = room.received.get_mut(..at).unwrap_or_default();
        at = 0;
        let reply = match postcard::from_bytes_cobs::<Request<'_>>(message) {
            Ok(Request::Hello) => Reply::Hello { version: VERSION, crc: model.crc(), snapshot_words: words as u32 },
            Ok(Request::Reset) => {
                stream.reset();
                Reply::Reset
            }
            Ok(Request::Step(bytes)) if bytes.len() == frame.len().saturating_mul(2) => {
                for (x, b) in frame.iter_mut().zip(bytes.as_chunks::<2>().0) {
                    *x = i16::from_le_bytes(*b);
                }
                let ticks = counted(&mut stream, frame, clock);
                stream.snapshot(snapshot).map_err(Fault::Model)?;
                steps = steps.wrapping_add(1);
                Reply::Step { ticks, snapshot: word::bytes(snapshot) }
            }
            Ok(Request::Step(_)) | Err(_) => Reply::Fault,
        };
        let framed = postcard::to_slice_cobs(&reply, room.sent).map_err(|_| Fault::Record(words))?;
        io.write_all(framed).map_err(Fault::Output)?;
    }
}
