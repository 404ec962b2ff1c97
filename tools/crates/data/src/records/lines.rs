//! Lines of text files, plain or gzipped, read as a stream.

use crate::Error;
use crate::source::name_of;
use flate2::read::MultiGzDecoder;
use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};

/// The bytes of a file, unpacked where its name ends in `.gz`.
pub(super) fn reader(path: &Path) -> Result<Box<dyn Read>, Error> {
    let file = File::open(path).map_err(Error::io(path))?;
    Ok(if name_of(path).ends_with(".gz") { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) })
}

/// What the system says about a read that failed, with what to do about it.
pub(super) fn failed(path: &Path, line: u64, error: std::io::Error) -> Error {
    let problem = match error.kind() {
        ErrorKind::UnexpectedEof => "the gzip file is cut off here; copy it again",
        ErrorKind::InvalidInput | ErrorKind::InvalidData => "not a sound gzip file; copy it again",
        _ => return Error::Io { path: path.into(), reason: error },
    };
    Error::Line { file: path.into(), line, problem: problem.to_owned() }
}

/// The lines of a file, without their ends, with their numbers from 1.
pub(super) struct Lines {
    path: PathBuf,
    reader: BufReader<Box<dyn Read>>,
    line: u64,
    bytes: Vec<u8>,
}

impl Lines {
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let reader = BufReader::with_capacity(1 << 16, reader(path)?);
        Ok(Lines { path: path.into(), reader, line: 0, bytes: Vec::new() })
    }

    /// The next line and its number; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<(u64, &str)>, Error> {
        self.bytes.clear();
        let line = self.line + 1;
        let read = self.reader.read_until(b'\n', &mut self.bytes).map_err(|e| failed(&self.path, line, e))?;
        if read == 0 {
            return Ok(None);
        }
        self.line = line;
        let end = self.bytes.iter().rposition(|b| !matches!(b, b'\n' | b'\r')).map_or(0, |last| last + 1);
        let text = std::str::from_utf8(&self.bytes[..end]).map_err(|_| self.problem(NOT_UTF8))?;
        Ok(Some((line, if line == 1 { text.trim_start_matches('\u{feff}') } else { text })))
    }

    /// The number of the line read last.
    pub(super) fn number(&self) -> u64 {
        self.line
    }

    /// An error at the line read last.
    pub(super) fn problem(&self, problem: impl Into<String>) -> Error {
        Error::Line { file: self.path.clone(), line: self.line, problem: problem.into() }
    }
}

/// The whole text of a file.
pub(super) fn text(path: &Path) -> Result<String, Error> {
    let mut bytes = Vec::new();
    reader(path)?.read_to_end(&mut bytes).map_err(|e| failed(path, 1, e))?;
    String::from_utf8(bytes).map_err(|e| {
        let good = &e.as_bytes()[..e.utf8_error().valid_up_to()];
        let line = 1 + good.iter().filter(|&&b| b == b'\n').count() as u64;
        Error::Line { file: path.into(), line, problem: NOT_UTF8.to_owned() }
    })
}

const NOT_UTF8: &str = "not UTF-8 text; convert it, for example: iconv -f ISO-8859-1 -t UTF-8 INPUT > OUTPUT";

/// A number, or what is wrong with it.
pub(super) fn number(text: &str) -> Result<f64, String> {
    let text = text.trim();
    match text.parse::<f64>() {
        Ok(value) if value.abs() <= f64::from(f32::MAX) => Ok(value),
        Ok(value) if value.is_finite() => Err(format!("`{text}` is beyond ±3.4e38; give the value in another unit")),
        _ if matches!(text, "" | "?" | "NA" | "NaN" | "nan") => {
            Err(format!("a missing value (`{text}`); fill it in or delete the example"))
        }
        _ => Err(format!("`{text}` is not a number")),
    }
}
