//! Frames out of a stream of bytes.

use cobs::{DecodeResult, DecoderState};
use embedded_io::Read;

use crate::frame::checked;

/// What [`Receiver::scan`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scan {
    /// No frame yet: more bytes are needed.
    More,
    /// A frame, whose content is [`Receiver::content`].
    Frame,
    /// A frame whose CRC is wrong.
    Damaged,
}

/// Takes bytes as they come and finds frames in them, in one buffer of fixed size.
///
/// Text before and between frames is skipped: it is no COBS, or ends before a CRC would. A frame longer than the buffer is
/// dropped up to the next zero byte.
#[derive(Debug)]
pub struct Receiver<'b> {
    /// `..decoded` of the frame, `next..end` as they came, not decoded yet.
    buffer: &'b mut [u8],
    decoded: usize,
    next: usize,
    end: usize,
    cobs: DecoderState,
    /// Bytes of the frame that are its content, once it is complete.
    content: Option<usize>,
    /// The frame is too long: what is left of it is dropped.
    too_long: bool,
}

/// Bytes of the shortest frame's content and CRC.
const SHORTEST: usize = 6;

impl<'b> Receiver<'b> {
    /// With a buffer as long as the longest frame.
    pub fn new(buffer: &'b mut [u8]) -> Self {
        Receiver { buffer, decoded: 0, next: 0, end: 0, cobs: DecoderState::Idle, content: None, too_long: false }
    }

    /// Looks for the end of a frame in what has come.
    pub fn scan(&mut self) -> Scan {
        if self.content.take().is_some() {
            self.decoded = 0;
        }
        while self.next < self.end {
            let Some(byte) = self.buffer.get(self.next).copied() else { break };
            self.next = self.next.wrapping_add(1);
            if self.too_long {
                self.too_long = byte != 0;
                continue;
            }
            match self.cobs.feed(byte) {
                Ok(DecodeResult::NoData | DecodeResult::DataStart) => {}
                Ok(DecodeResult::DataContinue(byte)) => {
                    // COBS never makes more of bytes than they are, so that this is after `next`.
                    if let Some(to) = self.buffer.get_mut(self.decoded) {
                        *to = byte;
                        self.decoded = self.decoded.wrapping_add(1);
                    }
                }
                Ok(DecodeResult::DataComplete) => {
                    let decoded = self.buffer.get(..self.decoded).unwrap_or_default();
                    let content = checked(decoded).map(<[u8]>::len);
                    if self.decoded >= SHORTEST {
                        self.content = Some(content.unwrap_or(0));
                        return if content.is_some() { Scan::Frame } else { Scan::Damaged };
                    }
                    self.decoded = 0;
                }
                Err(_) => self.decoded = 0,
            }
        }
        Scan::More
    }

    /// The content of the frame that [`scan`](Receiver::scan) found.
    pub fn content(&self) -> &[u8] {
        self.buffer.get(..self.content.unwrap_or(0)).unwrap_or_default()
    }

    /// Reads what has come, once [`scan`](Receiver::scan) wants more; the number of bytes, 0 at the end of input.
    ///
    /// # Errors
    /// The input's.
    pub fn fill<R: Read>(&mut self, input: &mut R) -> Result<usize, R::Error> {
        if self.decoded >= self.buffer.len() {
            (self.too_long, self.decoded, self.cobs) = (true, 0, DecoderState::Idle);
        }
        let free = self.buffer.get_mut(self.decoded..).unwrap_or_default();
        let count = input.read(free)?.min(free.len());
        self.next = self.decoded;
        self.end = self.decoded.wrapping_add(count);
        Ok(count)
    }
}
