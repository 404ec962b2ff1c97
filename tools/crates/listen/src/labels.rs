//! Label files: a line a word, `start end label` with tabs between, times in seconds, as Audacity writes them.

use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use super::Spoken;

/// Reads a label file for a recording of `rate` samples per second.
///
/// # Errors
/// With the file and the line that cannot be read.
pub fn read_labels(path: &Path, rate: u32) -> Result<Vec<Spoken>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut words = Vec::new();
    for (number, line) in text.lines().enumerate().filter(|(_, l)| !l.trim().is_empty() && !l.starts_with('\\')) {
        let place = || format!("{}, line {}: {line:?}", path.display(), number + 1);
        let mut fields = line.splitn(3, '\t');
        let mut seconds = || {
            let field =
                fields.next().with_context(|| format!("{}: start, end and label, with tabs between", place()))?;
            let value: f64 = field.trim().parse().with_context(|| format!("{}: {field:?} is no time", place()))?;
            ensure!(value >= 0.0 && value.is_finite(), "{}: {value} is no time in seconds", place());
            Ok((value * f64::from(rate)).round() as usize)
        };
        let (start, end) = (seconds()?, seconds()?);
        let label = fields.next().unwrap_or_default().trim();
        ensure!(!label.is_empty(), "{}: no label", place());
        ensure!(start <= end, "{}: it ends before it starts", place());
        words.push(Spoken { label: label.to_owned(), start, end });
    }
    words.sort_by_key(|w| (w.start, w.end));
    Ok(words)
}

/// Writes a label file.
///
/// # Errors
/// Where the file cannot be written.
pub fn write_labels(path: &Path, words: &[Spoken], rate: u32) -> Result<()> {
    let mut text = String::new();
    for Spoken { label, start, end } in words {
        let seconds = |k: &usize| *k as f64 / f64::from(rate.max(1));
        writeln!(text, "{:.6}\t{:.6}\t{label}", seconds(start), seconds(end))?;
    }
    elman_data::files::write_atomically(path, text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_what_is_wrong_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.txt");
        let words = vec![
            Spoken { label: "yes".into(), start: 16_000, end: 24_001 },
            Spoken { label: "turn left".into(), start: 40_000, end: 52_345 },
        ];
        write_labels(&path, &words, 16_000).unwrap();
        assert_eq!(read_labels(&path, 16_000).unwrap(), words);
        for (text, wanted) in [
            ("1.0 2.0 yes", "line 1"),
            ("1\t2\tyes\nx\t2\tno", "line 2"),
            ("2\t1\tyes", "ends before"),
            ("1\t2\t", "no label"),
            ("-1\t2\tyes", "no time"),
        ] {
            std::fs::write(&path, text).unwrap();
            let error = format!("{:#}", read_labels(&path, 16_000).unwrap_err());
            assert!(error.contains(wanted), "{error}");
        }
    }
}
