//! Files of the host through semihosting. A call costs QEMU as much as a step: read many bytes at a time.

use core::ffi::CStr;
use embedded_io::{ErrorType, Read, Write};
use semihosting::fs::File;
use semihosting::io::{self, Read as _, Write as _};

/// An error of semihosting.
#[derive(Debug)]
pub struct Error(pub io::Error);

impl core::fmt::Display for Error {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        core::fmt::Display::fmt(&self.0, f)
    }
}

impl core::error::Error for Error {}

impl embedded_io::Error for Error {
    fn kind(&self) -> embedded_io::ErrorKind {
        embedded_io::ErrorKind::Other
    }
}

/// A file to read.
pub struct Input(File);

impl Input {
    /// Opens `path`.
    pub fn open(path: &CStr) -> io::Result<Self> {
        Ok(Input(File::open(path)?))
    }
}

impl ErrorType for Input {
    type Error = Error;
}

impl Read for Input {
    fn read(&mut self, to: &mut [u8]) -> Result<usize, Error> {
        self.0.read(to).map_err(Error)
    }
}

/// A file to write.
pub struct Output(File);

impl Output {
    /// Creates `path`.
    pub fn create(path: &CStr) -> io::Result<Self> {
        Ok(Output(File::create(path)?))
    }
}

impl ErrorType for Output {
    type Error = Error;
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        self.0.write(bytes).map_err(Error)
    }

    fn flush(&mut self) -> Result<(), Error> {
        Ok(())
    }
}

/// Bytes that are read at a time.
const CHUNK: usize = 4096;

/// Reads the file `path` to the front of `buffer`: its whole words, and what is left.
pub fn read_words<'b>(path: &CStr, buffer: &'b mut [u32]) -> io::Result<(&'b [u32], &'b mut [u32])> {
    let mut file = File::open(path)?;
    let mut chunk = [0; CHUNK];
    let (mut words, mut held) = (0, 0);
    loop {
        let count = file.read(&mut chunk[held..])?;
        if count == 0 {
            break;
        }
        held += count;
        let (whole, _) = chunk[..held].as_chunks();
        for (to, bytes) in buffer[words..].iter_mut().zip(whole) {
            *to = u32::from_le_bytes(*bytes);
        }
        words = (words + whole.len()).min(buffer.len());
        let taken = held / 4 * 4;
        chunk.copy_within(taken..held, 0);
        held -= taken;
    }
    let (blob, rest) = buffer.split_at_mut(words);
    Ok((blob, rest))
}
