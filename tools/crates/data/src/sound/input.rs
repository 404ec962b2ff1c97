//! The bytes of a recording, in memory or in a file that is read where it is needed.

use std::fs::File;
use std::io::{Error, ErrorKind, Read, Result, Seek, SeekFrom};
use symphonia::core::io::MediaSource;

/// Bytes of a recording. Of a file no more than a block is in memory.
#[derive(Debug)]
pub struct Input {
    place: Place,
    length: u64,
    /// Where reading goes on.
    at: u64,
    /// The first error of reading since it was asked for.
    error: Option<Error>,
}

#[derive(Debug)]
enum Place {
    Memory(Vec<u8>),
    /// Bytes from `start` on, and the block of them that was read last.
    File {
        file: File,
        start: u64,
        block: Vec<u8>,
        from: u64,
    },
}

/// Bytes that are read of a file at once.
const BLOCK: usize = 1 << 18;

impl Input {
    /// Bytes in memory.
    pub fn memory(bytes: Vec<u8>) -> Self {
        let length = bytes.len() as u64;
        Input { place: Place::Memory(bytes), length, at: 0, error: None }
    }

    /// `length` bytes of a file from `start` on, or up to its end.
    ///
    /// # Errors
    /// Where its size is not known.
    pub fn file(file: File, start: u64, length: Option<u64>) -> Result<Self> {
        let left = file.metadata()?.len().saturating_sub(start);
        let length = length.map_or(left, |n| n.min(left));
        let place = Place::File { file, start, block: Vec::new(), from: 0 };
        Ok(Input { place, length, at: 0, error: None })
    }

    /// Number of bytes.
    pub(super) fn len(&self) -> u64 {
        self.length
    }

    /// The bytes from `at` on that are at hand: none at the end, or where they cannot be read.
    fn from(&mut self, at: u64) -> &[u8] {
        if at >= self.length {
            return &[];
        }
        match &mut self.place {
            Place::Memory(bytes) => &bytes[at as usize..],
            Place::File { file, start, block, from } => {
                if at < *from || at - *from >= block.len() as u64 {
                    let size = (self.length - at).min(BLOCK as u64);
                    let mut read = || {
                        block.clear();
                        file.seek(SeekFrom::Start(*start + at))?;
                        file.take(size).read_to_end(block)
                    };
                    if let Err(error) = read() {
                        block.clear();
                        self.error.get_or_insert(error);
                    }
                    *from = at;
                }
                &block[(at - *from) as usize..]
            }
        }
    }

    /// The `N` bytes at `at`; none where there are fewer.
    pub(super) fn array<const N: usize>(&mut self, at: u64) -> Option<[u8; N]> {
        if let Some(whole) = self.from(at).first_chunk() {
            return Some(*whole);
        }
        self.some(at, N as u64).try_into().ok()
    }

    /// At most `n` bytes from `at` on.
    pub(super) fn some(&mut self, at: u64, n: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.each(at, n, |piece| bytes.extend_from_slice(piece));
        bytes
    }

    /// At most `n` bytes from `at` on, in pieces whose sizes are multiples of 8 but for the last.
    pub(super) fn each(&mut self, at: u64, n: u64, mut of: impl FnMut(&[u8])) {
        let end = at.saturating_add(n).min(self.length);
        let (mut at, mut rest): (u64, Vec<u8>) = (at, Vec::new());
        while at < end {
            let piece = self.from(at);
            let piece = &piece[..piece.len().min((end - at) as usize).min(BLOCK)];
            if piece.is_empty() {
                break;
            }
            at += piece.len() as u64;
            rest.extend_from_slice(piece);
            let whole = rest.len() / 8 * 8;
            of(&rest[..whole]);
            rest.drain(..whole);
        }
        if !rest.is_empty() {
            of(&rest);
        }
    }

    /// What went wrong in reading.
    pub(super) fn error(&mut self) -> Option<Error> {
        self.error.take()
    }
}

impl Read for Input {
    fn read(&mut self, to: &mut [u8]) -> Result<usize> {
        let n = self.from(self.at).read(to)?;
        self.at += n as u64;
        match self.error.take() {
            Some(error) => Err(error),
            None => Ok(n),
        }
    }
}

impl Seek for Input {
    fn seek(&mut self, to: SeekFrom) -> Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.length.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or(ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

impl MediaSource for Input {
    fn is_seekable(&self) -> bool {
        true
    }

    fn byte_len(&self) -> Option<u64> {
        Some(self.length)
    }
}

/// A header and the samples after it, taken from elsewhere.
#[derive(Debug)]
pub(super) struct Rebuilt {
    /// What is given before anything more is read.
    ready: std::io::Cursor<Vec<u8>>,
    input: Input,
    left: u64,
    /// Of samples of four bytes, the three that count.
    packed: bool,
    length: u64,
}

impl Rebuilt {
    /// `header`, then `length` bytes of `input` from `start` on, three of four where `packed`.
    pub(super) fn new(header: Vec<u8>, mut input: Input, start: u64, length: u64, packed: bool) -> Self {
        input.at = start;
        let kept = if packed { length / 4 * 3 } else { length };
        let whole = header.len() as u64 + kept;
        Rebuilt { ready: std::io::Cursor::new(header), input, left: length, packed, length: whole }
    }
}

impl Read for Rebuilt {
    fn read(&mut self, to: &mut [u8]) -> Result<usize> {
        loop {
            let n = self.ready.read(to)?;
            if n > 0 || self.left == 0 || to.is_empty() {
                return Ok(n);
            }
            let mut next = self.input.some(self.input.at, self.left.min(BLOCK as u64));
            if let Some(error) = self.input.error() {
                return Err(error);
            }
            self.input.at += next.len() as u64;
            self.left = if next.is_empty() { 0 } else { self.left - next.len() as u64 };
            if self.packed {
                next = next.as_chunks::<4>().0.iter().flat_map(|s| [s[0], s[1], s[2]]).collect();
            }
            self.ready = std::io::Cursor::new(next);
        }
    }
}

impl Seek for Rebuilt {
    fn seek(&mut self, _: SeekFrom) -> Result<u64> {
        Err(ErrorKind::Unsupported.into())
    }
}

impl MediaSource for Rebuilt {
    fn is_seekable(&self) -> bool {
        false
    }

    fn byte_len(&self) -> Option<u64> {
        Some(self.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    /// A file is read as bytes in memory are, wherever and in whatever pieces.
    #[test]
    fn a_file_is_as_bytes_in_memory() {
        let bytes: Vec<u8> = (0..2 * BLOCK as u32 + 13).map(|k| (k.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"before").unwrap();
        file.write_all(&bytes).unwrap();
        file.write_all(b"after").unwrap();
        let mut stored = Input::file(file, 6, Some(bytes.len() as u64)).unwrap();
        let mut memory = Input::memory(bytes.clone());
        for at in [0, 5, BLOCK as u64 - 2, 2 * BLOCK as u64 + 9, 2 * BLOCK as u64 + 12, 1 << 40] {
            assert_eq!(stored.array::<4>(at), memory.array::<4>(at), "{at}");
            assert_eq!(stored.some(at, 1000), memory.some(at, 1000), "{at}");
        }
        assert_eq!(stored.array::<4>(BLOCK as u64 - 2).unwrap(), bytes[BLOCK - 2..BLOCK + 2]);
        let mut all = Vec::new();
        stored.seek(SeekFrom::End(-20)).unwrap();
        stored.read_to_end(&mut all).unwrap();
        assert_eq!(all, bytes[bytes.len() - 20..]);
        let mut sizes = Vec::new();
        stored.each(3, u64::MAX, |piece| sizes.push(piece.len()));
        assert_eq!(sizes.iter().sum::<usize>(), bytes.len() - 3);
        let mut rebuilt = Rebuilt::new(b"head".to_vec(), stored, 4, 8, true);
        let mut all = Vec::new();
        rebuilt.read_to_end(&mut all).unwrap();
        assert_eq!(all, [b"head", &bytes[4..7], &bytes[8..11]].concat());
    }
}
