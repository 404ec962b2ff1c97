//! Label files: a line a word, `start end label` with tabs between, times in seconds, as Audacity writes them.

use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

use super::{Spoken, Transcript, UNKNOWN};

/// Reads a label file for a recording of `rate` samples per second and `length` samples; the second value is a remark on
/// labels that end after the recording and are cut there. Blanks between the fields are taken where there are no tabs, and
/// commas for decimal points; rows with `\`, which Audacity writes for frequencies, are skipped.
///
/// # Errors
/// With the file and the line that cannot be read, or lies after the recording's end.
pub fn read_labels(path: &Path, rate: u32, length: usize) -> Result<(Vec<Spoken>, Option<String>)> {
    let text = elman_data::files::text(path)?;
    let end_s = length as f64 / f64::from(rate.max(1));
    let mut words = Vec::new();
    let mut cut = None;
    for (number, line) in text.lines().enumerate().filter(|(_, l)| !l.trim().is_empty() && !l.starts_with(['\\', '#']))
    {
        let place = || format!("{}, line {}: {line:?}", path.display(), number + 1);
        let mut rest = line.trim_start();
        let mut seconds = || {
            let (field, after) = rest.split_once(separator(line)).unwrap_or((rest, ""));
            rest = after.trim_start();
            ensure!(!field.is_empty(), "{}: start, end and label, with tabs between", place());
            let value = time(field).with_context(|| format!("{}: {field:?} is no time in seconds", place()))?;
            ensure!(value >= 0.0, "{}: {value} is no time in seconds", place());
            Ok(value)
        };
        let (start_s, stop_s) = (seconds()?, seconds()?);
        let label = rest.trim();
        ensure!(!label.is_empty(), "{}: no label; write the word after the two times", place());
        ensure!(start_s <= stop_s, "{}: it ends before it starts", place());
        ensure!(
            start_s <= end_s,
            "{}: it starts after the end of the recording, which has {end_s:.2} s; times are in seconds, and a file has \
             the labels of one recording",
            place()
        );
        if stop_s > end_s + 1e-3 {
            cut.get_or_insert(format!("{}: it ends after the recording, and is cut there", place()));
        }
        let samples = |s: f64| ((s * f64::from(rate)).round() as usize).min(length);
        words.push(Spoken { label: label.to_owned(), start: samples(start_s), end: samples(stop_s) });
    }
    words.sort_by_key(|w| (w.start, w.end));
    Ok((words, cut))
}

/// What stands between the fields of a line.
fn separator(line: &str) -> fn(char) -> bool {
    if line.contains('\t') { |c| c == '\t' } else { char::is_whitespace }
}

/// A time in seconds, with a point or a comma.
fn time(field: &str) -> Option<f64> {
    let field = field.trim();
    let with_point = if field.contains('.') { field.to_owned() } else { field.replacen(',', ".", 1) };
    with_point.parse().ok().filter(|t: &f64| t.is_finite())
}

/// Checks the labels of recordings against those of a model; the remarks are on labels that it does not have, which count as
/// words that it does not know.
///
/// # Errors
/// Where a label is one of the model's but for large and small letters.
pub fn check_spelling(tracks: &[Transcript], labels: &[String], rate: u32) -> Result<Vec<String>> {
    let all = || tracks.iter().flat_map(|t| t.words.iter().map(move |w| (t, w)));
    let known = |w: &Spoken| labels.contains(&w.label);
    let place = |t: &Transcript, w: &Spoken| {
        format!("{:?} at {:.2} s of {}", w.label, w.start as f64 / f64::from(rate), t.name)
    };
    for (track, word) in all().filter(|(_, w)| !known(w)) {
        if let Some(label) = labels.iter().find(|l| l.to_lowercase() == word.label.to_lowercase()) {
            bail!("{} is not a label of the model, which has {label:?}; correct the label file", place(track, word));
        }
    }
    let unknown: Vec<String> =
        all().filter(|(_, w)| !known(w) && w.label != UNKNOWN).map(|(t, w)| place(t, w)).collect();
    let remark = |first: &String| {
        format!("{} label(s) are not the model's, and count as unknown words (first: {first})", unknown.len())
    };
    Ok(unknown.first().map(remark).into_iter().collect())
}

/// [`check_spelling`], and that there is something to choose an operating point by.
///
/// # Errors
/// Those of [`check_spelling`], and where no word of the model is said at all.
pub fn check_labels(tracks: &[Transcript], labels: &[String], keyword: &[bool], rate: u32) -> Result<Vec<String>> {
    let remarks = check_spelling(tracks, labels, rate)?;
    let words: Vec<&str> = labels.iter().zip(keyword).filter(|(_, k)| **k).map(|(l, _)| l.as_str()).collect();
    ensure!(
        tracks.iter().flat_map(|t| &t.words).any(|w| words.contains(&w.label.as_str())),
        "none of the words {} is said in the recordings; label where they are said, in a file NAME.txt next to each",
        words.join(", ")
    );
    Ok(remarks)
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
        assert_eq!(read_labels(&path, 16_000, 64_000).unwrap(), (words, None));
        for (text, wanted) in [
            ("1.0\t2.0", "no label"),
            ("1.0", "start, end and label"),
            ("1\t2\tyes\nx\t2\tno", "line 2"),
            ("2\t1\tyes", "ends before"),
            ("1\t2\t", "no label"),
            ("-1\t2\tyes", "no time"),
            ("1\t1e999\tyes", "no time"),
            (
                "1\t2\tyes\n61.25\t61.5\tno",
                "line 2: \"61.25\\t61.5\\tno\": it starts after the end of the recording, which has 4.00 s",
            ),
            ("1e300\t1e300\tyes", "it starts after the end"),
            ("500\t750\tyes", "times are in seconds"),
            ("1\t2\ty\0es", "a NUL character"),
        ] {
            std::fs::write(&path, text).unwrap();
            let error = format!("{:#}", read_labels(&path, 16_000, 64_000).unwrap_err());
            assert!(error.contains(wanted), "{error}");
        }
    }

    #[test]
    fn label_files_of_other_programs_are_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.txt");
        let wanted = [("low", 8000, 12_000), ("turn left", 20_000, 24_000)];
        let wanted: Vec<Spoken> =
            wanted.into_iter().map(|(l, start, end)| Spoken { label: l.into(), start, end }).collect();
        for text in [
            "0.5\t0.75\tlow\n1.25\t1.5\tturn left\n",
            "\u{feff}0.5\t0.75\tlow\r\n1.25\t1.5\tturn left\r\n",
            "0,500000\t0,750000\tlow\n1,25\t1,5\tturn left\n",
            "0.5 0.75 low\n1.25  1.5  turn left\n",
            "0.5\t0.75\tlow\n\\\t200.0\t900.0\n\n1.25\t1.5\tturn left\n\\\t900.0\t2500.0\n",
            "# kitchen\n1.25\t1.5\tturn left\n0.5\t0.75\tlow",
        ] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(read_labels(&path, 16_000, 32_000).unwrap(), (wanted.clone(), None), "{text:?}");
        }
        std::fs::write(&path, "0.5\t100\tlow\n").unwrap();
        let (words, cut) = read_labels(&path, 16_000, 32_000).unwrap();
        assert_eq!((words[0].end, cut.is_some_and(|c| c.contains("is cut there"))), (32_000, true));
    }

    #[test]
    fn no_point_is_found_without_words_of_the_model() {
        let labels = ["low", "silence", "unknown"].map(str::to_owned);
        let keyword = [true, false, false];
        let check = |said: &[&str]| {
            let word = |l: &&str| Spoken { label: (*l).to_owned(), start: 8000, end: 9000 };
            let words = said.iter().map(word).collect();
            let tracks = [Transcript { name: "kitchen".into(), samples: 16_000, words }];
            check_labels(&tracks, &labels, &keyword, 16_000).map_err(|e| e.to_string())
        };
        assert_eq!(check(&["low", "unknown"]), Ok(vec![]));
        assert_eq!(
            check(&["low", "foo", "bar"]).unwrap(),
            ["2 label(s) are not the model's, and count as unknown words (first: \"foo\" at 0.50 s of kitchen)"]
        );
        let case = check(&["low", "Low"]).unwrap_err();
        assert_eq!(
            case,
            "\"Low\" at 0.50 s of kitchen is not a label of the model, which has \"low\"; correct the label file"
        );
        for said in [&[][..], &["unknown"], &["foo"]] {
            assert!(check(said).unwrap_err().contains("none of the words low is said in the recordings"));
        }
    }
}
