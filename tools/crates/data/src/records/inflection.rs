//! Inflected words, as the SIGMORPHON tasks have them: `lemma TAB form TAB V;PST`, a word a line.
//!
//! The source is the lemma's characters, then each of its features as one symbol, `<V>`, `<PST>`; the target is the
//! form's characters. A blank within a word is the symbol `␣`.

use super::parts::DataFile;
use super::{Answer, Format, Found, Input, RecordOptions, Task, Unit};
use crate::Error;
use crate::lines::{Lines, is_blank};

/// Stands for a blank.
const BLANK: &str = "␣";

pub(super) fn characters(text: &str) -> impl Iterator<Item = String> + '_ {
    text.chars().map(|c| if c.is_whitespace() { BLANK.to_owned() } else { c.into() })
}

/// Whether a line looks like one of these, not like other columns.
pub(super) fn is_word(line: &str) -> bool {
    let fields: Vec<&str> = line.split('\t').collect();
    matches!(fields[..], [_, _, features] if !features.is_empty() && !features.contains([' ', '(', ')']))
}

pub(super) fn read(name: &str, part: &DataFile, options: &RecordOptions, found: &mut Found) -> Result<(), Error> {
    let task = options.task_of(Format::Inflection, &[Task::Seq2seq])?;
    // A feature is no single character.
    let unit = options.unit_of(Format::Inflection, &[Unit::Words])?;
    found.meaning = Some((task, Some(unit)));
    let mut lines = Lines::open(&part.path)?;
    while let Some((line, text)) = lines.next()? {
        if is_blank(text) {
            continue;
        }
        let fields: Vec<&str> = text.split('\t').collect();
        let &[lemma, form, features] = &fields[..] else {
            let columns = fields.len();
            return Err(lines.problem(format!("{columns} columns where `lemma TAB form TAB features` are three")));
        };
        if lemma.is_empty() || form.is_empty() {
            return Err(lines.problem("an empty word"));
        }
        let features = features.split(';').filter(|f| !f.is_empty()).map(|f| format!("<{}>", f.trim()));
        let source = characters(lemma).chain(features).collect();
        let target = characters(form).collect();
        found.push(part.split, format!("{name}:{line}"), Input::Symbols(source), Answer::Symbols(target));
    }
    Ok(())
}
