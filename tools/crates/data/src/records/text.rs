//! Plain text for language models: a file is one long example.

use super::parts::DataFile;
use super::{Answer, Format, Found, Input, RecordOptions, Task, Unit};
use crate::{Error, lines};

/// Longest text in bytes of which each character becomes a symbol, some 60 bytes of memory.
const MOST_CHARACTERS: usize = 32 << 20;

/// The word that stands for the end of a line.
const END_OF_LINE: &str = "<eos>";

pub(super) fn read(name: &str, part: &DataFile, options: &RecordOptions, found: &mut Found) -> Result<(), Error> {
    let unit = options.unit_of(Format::Text, &[Unit::Characters, Unit::Words])?;
    found.meaning = Some((options.task_of(Format::Text, &[Task::Next])?, Some(unit)));
    let text = lines::text(&part.path)?;
    if let Some(what) = other(&text) {
        let problem = format!("{what}, not plain text to read on; a sequence network cannot use it");
        return Err(Error::Line { file: part.path.clone(), line: 1, problem });
    }
    if unit == Unit::Characters && text.len() > MOST_CHARACTERS {
        let problem = format!(
            "{} bytes to read as characters, and {MOST_CHARACTERS} at most are; take a part of it, or unit = \"words\"",
            text.len()
        );
        return Err(Error::Line { file: part.path.clone(), line: 1, problem });
    }
    let symbols = symbols(&text, unit);
    if !symbols.is_empty() {
        found.push(part.split, format!("{name}:1"), Input::Symbols(symbols), Answer::None);
    }
    Ok(())
}

/// What a text is that looks like plain text only by its name.
fn other(text: &str) -> Option<&'static str> {
    let first = text.lines().next().unwrap_or_default();
    let labelled = first.strip_prefix('(').is_some_and(|f| f.starts_with(|c: char| c.is_ascii_digit()));
    match () {
        () if labelled && first.ends_with(')') => Some("trees in brackets"),
        () => None,
    }
}

/// Text as symbols: every character, or the words between blanks with `<eos>` for the end of a line.
pub(super) fn symbols(text: &str, unit: Unit) -> Vec<String> {
    match unit {
        Unit::Characters => text.chars().map(String::from).collect(),
        Unit::Words => {
            let mut words = Vec::new();
            for (k, line) in text.split('\n').enumerate() {
                if k > 0 {
                    words.push(END_OF_LINE.to_owned());
                }
                words.extend(line.split_whitespace().map(str::to_owned));
            }
            words
        }
    }
}
