//! Files of the host through semihosting. Reading is buffered: a call costs QEMU as much as a step.

use core::ffi::CStr;
use embedded_io::{ErrorType, Read, Write};
use semihosting::fs::File;
use semihosting::io::{self, Read as _, Write as _};

use super::FILE_BYTES as BUFFER;

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
pub struct Input {
    file: File,
    buffer: [u8; BUFFER],
    range: core::ops::Range<usize>,
}

impl Input {
    /// Opens `path`.
    pub fn open(path: &CStr) -> io::Result<Self> {
        Ok(Input { file: File::open(path)?, buffer: [0; BUFFER], range: 0..0 })
    }
}

impl ErrorType for Input {
    type Error = Error;
}

impl Read for Input {
    fn read(&mut self, to: &mut [u8]) -> Result<usize, Error> {
        if self.range.is_empty() {
            self.range = 0..self.file.read(&mut self.buffer).map_err(Error)?;
        }
        let n = to.len().min(self.range.len());
        to[..n].copy_from_slice(&self.buffer[self.range.start..][..n]);
        self.range.start += n;
        Ok(n)
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

/// A blob in a file.
pub struct BlobFile;

impl BlobFile {
    /// Reads the words of `path` to `buffer`.
    pub fn read<'b>(path: &CStr, buffer: &'b mut [u32]) -> io::Result<&'b [u32]> {
        let mut input = Input::open(path)?;
        let mut words = 0;
        for word in &mut *buffer {
            let mut bytes = [0; 4];
            if input.read_exact(&mut bytes).is_err() {
                break;
            }
            *word = u32::from_le_bytes(bytes);
            words += 1;
        }
        Ok(&buffer[..words])
    }
}
