//! Frames: messages as bytes.
//!
//! | bytes | content |
//! |---|---|
//! | 1 | 0 |
//! | | COBS of: sequence number (varint) and message, both in postcard; CRC-32C of them, little-endian |
//! | 1 | 0 |
//!
//! The zero in front ends whatever else was on the line.

use cobs::{EncoderState, PushResult};
use crc::{CRC_32_ISCSI, Crc, Digest};
use postcard::Error;
use postcard::ser_flavors::Flavor;
use serde::{Deserialize, Serialize};

static CRC: Crc<u32> = Crc::<u32>::new(&CRC_32_ISCSI);

/// Bytes of the CRC.
const CRC_BYTES: usize = 4;

/// A running CRC-32C.
#[derive(Clone)]
pub struct Checksum(Digest<'static, u32>);

impl core::fmt::Debug for Checksum {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Checksum({:08x})", self.value())
    }
}

impl Default for Checksum {
    fn default() -> Self {
        Checksum(CRC.digest())
    }
}

impl Checksum {
    /// Takes bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The CRC of all bytes so far.
    pub fn value(&self) -> u32 {
        self.0.clone().finalize()
    }
}

/// A frame does not fit into its buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a message does not fit into a frame of {provided} bytes")]
pub struct TooLong {
    /// Bytes of the buffer.
    pub provided: usize,
}

/// The content of a frame is no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a frame arrived whole, and holds no message of this version")]
pub struct Unreadable {
    /// The sequence number, where it could be read.
    pub sequence: u32,
}

/// Writes the frame of a message to `buffer`; the frame.
///
/// # Errors
/// Where it does not fit.
pub fn encode<'b, M: Serialize>(sequence: u32, message: &M, buffer: &'b mut [u8]) -> Result<&'b [u8], TooLong> {
    let too_long = TooLong { provided: buffer.len() };
    let mut frame = Frame { buffer, length: 0, cobs: EncoderState::default(), crc: Checksum::default() };
    // The zero in front, and the place of the first code.
    frame.put(0).and_then(|()| frame.put(0)).map_err(|_| too_long)?;
    let length = postcard::serialize_with_flavor(&(sequence, message), frame);
    length.ok().and_then(|length| buffer_of(buffer, length)).ok_or(too_long)
}

fn buffer_of(buffer: &[u8], length: usize) -> Option<&[u8]> {
    buffer.get(..length)
}

/// The sequence number and message in the content of a frame, whose CRC is checked and cut off.
///
/// # Errors
/// Where it is no message, or more than one.
pub fn parse<'a, M: Deserialize<'a>>(content: &'a [u8]) -> Result<(u32, M), Unreadable> {
    match postcard::take_from_bytes(content) {
        Ok((parsed, [])) => Ok(parsed),
        _ => Err(Unreadable { sequence: postcard::take_from_bytes(content).map_or(0, |(sequence, _)| sequence) }),
    }
}

/// What was decoded, less its CRC, where that is right.
pub(crate) fn checked(decoded: &[u8]) -> Option<&[u8]> {
    let (content, crc) = decoded.split_at_checked(decoded.len().checked_sub(CRC_BYTES)?)?;
    (CRC.checksum(content).to_le_bytes() == crc).then_some(content)
}

/// Encodes on the way from postcard to the buffer.
struct Frame<'b> {
    buffer: &'b mut [u8],
    length: usize,
    cobs: EncoderState,
    crc: Checksum,
}

impl Frame<'_> {
    fn put(&mut self, byte: u8) -> Result<(), Error> {
        *self.buffer.get_mut(self.length).ok_or(Error::SerializeBufferFull)? = byte;
        self.length = self.length.wrapping_add(1);
        Ok(())
    }

    /// Sets a code of COBS, which counts from after the zero in front.
    fn set(&mut self, at: usize, code: u8) -> Result<(), Error> {
        *self.buffer.get_mut(at.wrapping_add(1)).ok_or(Error::SerializeBufferFull)? = code;
        Ok(())
    }

    fn stuff(&mut self, byte: u8) -> Result<(), Error> {
        match self.cobs.push(byte) {
            PushResult::AddSingle(byte) => self.put(byte),
            PushResult::ModifyFromStartAndSkip((at, code)) => {
                self.set(at, code)?;
                self.put(0)
            }
            PushResult::ModifyFromStartAndPushAndSkip((at, code, byte)) => {
                self.set(at, code)?;
                self.put(byte)?;
                self.put(0)
            }
        }
    }
}

impl Flavor for Frame<'_> {
    type Output = usize;

    fn try_push(&mut self, byte: u8) -> Result<(), Error> {
        self.try_extend(&[byte])
    }

    fn try_extend(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.crc.update(bytes);
        bytes.iter().try_for_each(|byte| self.stuff(*byte))
    }

    fn finalize(mut self) -> Result<usize, Error> {
        let crc = self.crc.value().to_le_bytes();
        crc.iter().try_for_each(|byte| self.stuff(*byte))?;
        let (at, code) = self.cobs.clone().finalize();
        self.set(at, code)?;
        self.put(0)?;
        Ok(self.length)
    }
}
