//! Text files, plain or gzipped: one idea of line, blank line, comment, byte order mark and white space for all readers.

use crate::source::name_of;
use crate::{Error, files, sniff};
use flate2::read::MultiGzDecoder;
use std::fs::File;
use std::io::{BufRead, BufReader, Error as IoError, ErrorKind, Read};
use std::path::{Path, PathBuf};

/// Longest line that is read, in bytes.
const MOST_LINE: u64 = 64 << 20;
/// Longest text that is read as a whole, in bytes: each of its characters becomes a symbol of its own.
const MOST_TEXT: u64 = 128 << 20;
/// Bytes that any gzip file may unpack to, and how many times its own size beyond that. Text of the field packs to a
/// fifth or a tenth; what packs to a thousandth is meant to fill the memory.
const UNPACKED: [u64; 2] = [16 << 20, 50];

const NOT_UTF8: &str = "not UTF-8 text; convert it, for example: iconv -f WINDOWS-1252 -t UTF-8 INPUT > OUTPUT";
const NUL: &str = "a NUL character, which no text has; where the file was UTF-16, convert it from that: \
    iconv -f UTF-16LE -t UTF-8 INPUT > OUTPUT";
const UTF16: &str = "not sound UTF-16 text; save it as UTF-8";
const BOMB: &str = "unpacks to more than 50 times its size; where that is meant, unpack it first: gunzip";

/// Whether a line holds nothing: white space of any script, or a byte order mark that was left in.
pub(crate) fn is_blank(line: &str) -> bool {
    line.chars().all(|c| c.is_whitespace() || c == '\u{feff}')
}

/// Whether a line is a comment, in formats that have them.
pub(crate) fn is_comment(line: &str) -> bool {
    trim(line).starts_with('#')
}

/// A line or a field without blanks and tabs around it. Blanks of other scripts stay: they can be tokens.
pub(crate) fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\r', '\n', '\u{b}', '\u{c}'])
}

/// What is apart by tabs where there are tabs, else by blanks.
pub(crate) fn fields(line: &str) -> Vec<&str> {
    match line.contains('\t') {
        true => line.split('\t').map(trim).collect(),
        false => line.split_ascii_whitespace().collect(),
    }
}

/// The bytes of a text file: unpacked where its name ends in `.gz`, UTF-16 turned into UTF-8.
pub(crate) fn reader(path: &Path) -> Result<BufReader<Box<dyn Read>>, Error> {
    let file = files::open(path)?;
    let packed = file.metadata().map_or(0, |m| m.len());
    let bytes: Box<dyn Read> = match name_of(path).to_ascii_lowercase().ends_with(".gz") {
        true => Box::new(Unpacked {
            left: UNPACKED[0].saturating_add(packed.saturating_mul(UNPACKED[1])),
            inner: MultiGzDecoder::new(file),
        }),
        false => Box::new(file),
    };
    let mut bytes = BufReader::with_capacity(1 << 16, bytes);
    let Some(big) = utf16(bytes.fill_buf().map_err(|e| failed(path, 1, e))?) else { return Ok(bytes) };
    let decoded: Box<dyn Read> = Box::new(Utf16 { inner: bytes, big, text: Vec::new(), at: 0 });
    Ok(BufReader::with_capacity(1 << 16, decoded))
}

/// Whether bytes begin UTF-16, and then whether the high byte comes first: by their mark, or by the zeros next to letters
/// of the West.
fn utf16(bytes: &[u8]) -> Option<bool> {
    match bytes {
        [0xFF, 0xFE, ..] => return Some(false),
        [0xFE, 0xFF, ..] => return Some(true),
        _ => {}
    }
    let (pairs, _) = bytes[..bytes.len().min(512)].as_chunks::<2>();
    let zeros = |k: usize| pairs.iter().filter(|p| p[k] == 0 && p[1 - k] != 0).count();
    let first = |k: usize| pairs.iter().take(2).filter(|p| p[k] == 0 && p[1 - k] != 0).count() == 2;
    let most = |k: usize| first(k) && zeros(k) * 5 >= pairs.len() * 4;
    match () {
        () if most(1) => Some(false),
        () if most(0) => Some(true),
        () => None,
    }
}

/// What unpacks a gzip file, as far as that is sane.
struct Unpacked {
    inner: MultiGzDecoder<File>,
    left: u64,
}

impl Read for Unpacked {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(out)?;
        match self.left.checked_sub(read as u64) {
            Some(left) => self.left = left,
            None => return Err(IoError::new(ErrorKind::InvalidData, BOMB)),
        }
        Ok(read)
    }
}

/// UTF-16 as UTF-8.
struct Utf16 {
    inner: BufReader<Box<dyn Read>>,
    big: bool,
    text: Vec<u8>,
    /// What of `text` was given out.
    at: usize,
}

impl Utf16 {
    /// The next unit; `None` at the end.
    fn unit(&mut self) -> std::io::Result<Option<u16>> {
        let mut pair = [0; 2];
        match self.inner.read(&mut pair[..1])? {
            0 => Ok(None),
            _ => {
                let cut = |e: IoError| match e.kind() {
                    ErrorKind::UnexpectedEof => IoError::new(ErrorKind::InvalidData, UTF16),
                    _ => e,
                };
                self.inner.read_exact(&mut pair[1..]).map_err(cut)?;
                Ok(Some(if self.big { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) }))
            }
        }
    }

    fn more(&mut self) -> std::io::Result<()> {
        self.text.clear();
        self.at = 0;
        while self.text.len() < 1 << 12 {
            let Some(unit) = self.unit()? else { return Ok(()) };
            // A pair of surrogates is one character.
            let low = if matches!(unit, 0xD800..=0xDBFF) { self.unit()? } else { None };
            for c in char::decode_utf16([unit].into_iter().chain(low)) {
                let c = c.map_err(|_| IoError::new(ErrorKind::InvalidData, UTF16))?;
                self.text.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
        Ok(())
    }
}

impl Read for Utf16 {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        if self.at == self.text.len() {
            self.more()?;
        }
        let count = out.len().min(self.text.len() - self.at);
        out[..count].copy_from_slice(&self.text[self.at..][..count]);
        self.at += count;
        Ok(count)
    }
}

/// What the system says about a read that failed, with what to do about it.
pub(crate) fn failed(path: &Path, line: u64, error: IoError) -> Error {
    let said = error.get_ref().map(ToString::to_string).unwrap_or_default();
    let problem = match error.kind() {
        ErrorKind::UnexpectedEof => "the gzip file is cut off here; copy it again",
        _ if said == BOMB => BOMB,
        _ if said == UTF16 => UTF16,
        ErrorKind::InvalidInput | ErrorKind::InvalidData => "not a sound gzip file; copy it again",
        _ => return Error::Io { path: path.into(), reason: error },
    };
    Error::Line { file: path.into(), line, problem: problem.to_owned() }
}

/// The lines of a file, without their ends, with their numbers from 1.
pub(crate) struct Lines {
    path: PathBuf,
    reader: BufReader<Box<dyn Read>>,
    line: u64,
    bytes: Vec<u8>,
    /// What ends a line: of files of the old Macintosh, a carriage return alone.
    end: u8,
}

impl Lines {
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let mut reader = reader(path)?;
        let start = reader.fill_buf().map_err(|e| failed(path, 1, e))?;
        let end = if start.contains(&b'\r') && !start.contains(&b'\n') { b'\r' } else { b'\n' };
        Ok(Lines { path: path.into(), reader, line: 0, bytes: Vec::new(), end })
    }

    /// The next line and its number; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<(u64, &str)>, Error> {
        self.bytes.clear();
        let line = self.line + 1;
        let mut bounded = (&mut self.reader).take(MOST_LINE + 1);
        let read = bounded.read_until(self.end, &mut self.bytes).map_err(|e| failed(&self.path, line, e))?;
        if read == 0 {
            return Ok(None);
        }
        self.line = line;
        if read as u64 > MOST_LINE {
            return Err(self.problem("a line of more than 64 MiB; its line ends are missing, or it is no text"));
        }
        let end = self.bytes.iter().rposition(|b| !matches!(b, b'\n' | b'\r')).map_or(0, |last| last + 1);
        let text = match std::str::from_utf8(&self.bytes[..end]) {
            Ok(text) if text.contains('\0') => return Err(self.problem(NUL)),
            Ok(text) => text,
            Err(_) => return Err(self.problem(not_text(&self.bytes, line))),
        };
        Ok(Some((line, if line == 1 { text.trim_start_matches('\u{feff}') } else { text })))
    }

    /// The next line that holds something.
    pub(crate) fn next_filled(&mut self) -> Result<Option<String>, Error> {
        while let Some((_, text)) = self.next()? {
            if !is_blank(text) {
                return Ok(Some(text.to_owned()));
            }
        }
        Ok(None)
    }

    /// The number of the line read last.
    pub(crate) fn number(&self) -> u64 {
        self.line
    }

    /// An error at the line read last.
    pub(crate) fn problem(&self, problem: impl Into<String>) -> Error {
        Error::Line { file: self.path.clone(), line: self.line, problem: problem.into() }
    }
}

/// The first lines of a file that hold something, as far as they can be read at all; the last may be cut off.
pub(crate) fn first_lines(path: &Path, most: usize) -> Result<Vec<String>, Error> {
    let mut start = Vec::new();
    reader(path)?.take(1 << 16).read_to_end(&mut start).map_err(|e| failed(path, 1, e))?;
    let text = String::from_utf8_lossy(&start);
    let lines = text.trim_start_matches('\u{feff}').split(['\n', '\r']);
    Ok(lines.filter(|line| !is_blank(line)).take(most).map(str::to_owned).collect())
}

/// The whole text of a file, without byte order mark, its lines ended by `\n`.
pub(crate) fn text(path: &Path) -> Result<String, Error> {
    let problem = |line: u64, problem: String| Error::Line { file: path.into(), line, problem };
    let mut bytes = Vec::new();
    reader(path)?.take(MOST_TEXT + 1).read_to_end(&mut bytes).map_err(|e| failed(path, 1, e))?;
    if bytes.len() as u64 > MOST_TEXT {
        return Err(problem(1, "a text of more than 128 MiB; split it, or take a part of it".to_owned()));
    }
    let text = String::from_utf8(bytes).map_err(|e| {
        let (good, bad) = e.as_bytes().split_at(e.utf8_error().valid_up_to());
        let line = 1 + good.iter().filter(|&&b| b == b'\n').count() as u64;
        problem(line, not_text(if line == 1 { e.as_bytes() } else { bad }, line))
    })?;
    if let Some(at) = text.find('\0') {
        return Err(problem(1 + text[..at].matches('\n').count() as u64, NUL.to_owned()));
    }
    let text = text.trim_start_matches('\u{feff}');
    Ok(match text.contains('\r') {
        true if text.contains('\n') => text.replace("\r\n", "\n"),
        true => text.replace('\r', "\n"),
        false => text.to_owned(),
    })
}

/// What bytes are that are not UTF-8.
fn not_text(bytes: &[u8], line: u64) -> String {
    match sniff::known(bytes).filter(|_| line == 1) {
        Some(kind) => format!("{}, no text; {}", kind.what, kind.way),
        None => NOT_UTF8.to_owned(),
    }
}

/// What stands for a value that is missing.
const MISSING: [&str; 14] =
    ["", "?", "na", "n/a", "#n/a", "nan", "-nan", "nan(ind)", "-nan(ind)", "null", "none", "nil", "--", "-"];

/// Whether a field stands for a value that is missing.
pub(crate) fn is_missing(text: &str) -> bool {
    let text = trim(text);
    text.len() < 10 && MISSING.contains(&text.to_ascii_lowercase().as_str())
}

/// A number, or what is wrong with it.
pub(crate) fn number(text: &str) -> Result<f64, String> {
    let text = text.trim();
    match text.parse::<f64>() {
        Ok(value) if value.abs() <= f64::from(f32::MAX) => Ok(value),
        _ if is_missing(text) => Err(format!("a missing value (`{text}`); fill it in or delete the example")),
        Ok(_) if text.contains(|c: char| c.is_ascii_digit()) => {
            Err(format!("`{text}` is beyond what a number of 32 bits holds (±3.4e38); take a larger unit"))
        }
        Ok(_) => Err(format!("`{text}` is infinite; correct the value or delete the example")),
        Err(_) => Err(format!("`{}` is not a number", shortened(text))),
    }
}

/// A field as a message shows it.
pub(crate) fn shortened(text: &str) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    let start: String = text.chars().take(60).map(plain).collect();
    if start.len() < text.len() { format!("{start}…") } else { start }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    fn file(bytes: &[u8]) -> (TempDir, PathBuf) {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("a.txt");
        std::fs::write(&path, bytes).unwrap();
        (dir, path)
    }

    fn all(bytes: &[u8]) -> Result<Vec<(u64, String)>, String> {
        let (_dir, path) = file(bytes);
        let mut lines = Lines::open(&path).map_err(|e| e.to_string())?;
        let mut read = Vec::new();
        while let Some((line, text)) = lines.next().map_err(|e| e.to_string())? {
            read.push((line, text.to_owned()));
        }
        Ok(read)
    }

    fn utf16(text: &str, big: bool) -> Vec<u8> {
        text.encode_utf16().flat_map(|u| if big { u.to_be_bytes() } else { u.to_le_bytes() }).collect()
    }

    #[test]
    fn lines_of_every_system_are_the_same() {
        let wanted: Vec<(u64, String)> =
            ["größe,1", "", "z😀"].into_iter().zip(1..).map(|(t, k)| (k, t.to_owned())).collect();
        for text in ["größe,1\n\nz😀\n", "größe,1\r\n\r\nz😀", "größe,1\r\rz😀\r"] {
            let marked = format!("\u{feff}{text}");
            for bytes in
                [text.as_bytes().to_vec(), marked.as_bytes().to_vec(), utf16(&marked, false), utf16(&marked, true)]
            {
                assert_eq!(all(&bytes).unwrap(), wanted, "{text:?}");
                let (_dir, path) = file(&bytes);
                assert_eq!(super::text(&path).unwrap().trim_end(), "größe,1\n\nz😀");
            }
        }
        let latin = "temp,hum\n1,2\n".repeat(3);
        for big in [false, true] {
            assert_eq!(all(&utf16(&latin, big)).unwrap()[5], (6, "1,2".to_owned()));
        }
    }

    #[test]
    fn what_is_no_text_is_named() {
        let message = |bytes: &[u8]| all(bytes).unwrap_err();
        assert!(message(b"a\nb\0c\n").ends_with(
            "line 2: a NUL character, which no text has; where the file was \
            UTF-16, convert it from that: iconv -f UTF-16LE -t UTF-8 INPUT > OUTPUT"
        ));
        assert!(message(b"temp \xb0C\n").contains("line 1: not UTF-8 text; convert it, for example: iconv -f WINDOWS"));
        assert!(message(b"\xff\xfea\0\0\xd8b\0").contains("line 1: not sound UTF-16 text"));
        assert!(message(b"\xff\xfea\0b").contains("not sound UTF-16"));
        assert!(message(b"\x1f\x8b\x08\0\xff\xff").contains("gzip data, no text; unpack it first: gunzip"));
        let (_dir, path) = file(b"a\nb\0c\n");
        assert!(super::text(&path).unwrap_err().to_string().contains("line 2: a NUL character"));
    }

    #[test]
    fn a_line_without_end_and_a_bomb_are_bounded() {
        assert!(all(&vec![b'a'; MOST_LINE as usize + 2]).unwrap_err().contains("a line of more than 64 MiB"));
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("a.txt.gz");
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::copy(&mut std::io::repeat(b'\n').take(40 << 20), &mut packed).unwrap();
        std::fs::write(&path, packed.finish().unwrap()).unwrap();
        let mut lines = Lines::open(&path).unwrap();
        let error = loop {
            match lines.next() {
                Ok(Some(_)) => {}
                Ok(None) => panic!("a bomb was read to its end"),
                Err(e) => break e.to_string(),
            }
        };
        assert!(error.contains("unpacks to more than 50 times its size"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_a_device_and_a_folder_are_no_files() {
        let dir = TempDir::new().unwrap();
        let fifo = dir.path().join("fifo");
        assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        for (path, what) in
            [(fifo.as_path(), "a pipe or a device"), (Path::new("/dev/zero"), "a pipe"), (dir.path(), "a folder")]
        {
            let error = text(path).unwrap_err().to_string();
            assert!(error.contains(what) && error.contains("not a file"), "{error}");
        }
    }

    #[test]
    fn numbers_that_are_none_are_told_apart() {
        assert_eq!(number(" -1.5e3 "), Ok(-1500.0));
        for (text, problem) in [
            ("", "a missing value"),
            ("NULL", "a missing value"),
            ("1e39", "beyond what a number of 32 bits holds"),
            ("inf", "infinite"),
            ("x", "`x` is not a number"),
        ] {
            assert!(number(text).unwrap_err().contains(problem), "{text}");
        }
        assert_eq!(shortened(&"ä".repeat(70)), format!("{}…", "ä".repeat(60)));
        assert!(is_blank(" \t\u{3000}\u{feff}") && !is_blank("\u{3000}x"));
        assert_eq!(fields("\u{3000}\tO"), ["\u{3000}", "O"]);
    }
}
