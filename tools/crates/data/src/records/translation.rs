//! Sentences and their translations: `sentence TAB sentence`, a pair a line.
//!
//! The source is words, with punctuation as words of its own; the target is characters, blanks within it `␣`.

use super::parts::DataFile;
use super::{Answer, Format, Found, Input, RecordOptions, Task, Unit};
use crate::Error;
use crate::lines::{Lines, is_blank};

/// Words, and every other sign but apostrophe and hyphen within a word by itself.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let within = matches!(c, '\'' | '’' | '-' | '.' | ',' | ':')
            && !word.is_empty()
            && rest.peek().is_some_and(|next| next.is_alphanumeric());
        if c.is_alphanumeric() || within {
            word.push(if c == '’' { '\'' } else { c });
            continue;
        }
        if !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if !c.is_whitespace() {
            words.push(c.into());
        }
    }
    words.extend((!word.is_empty()).then_some(word));
    words
}

pub(super) fn read(name: &str, part: &DataFile, options: &RecordOptions, found: &mut Found) -> Result<(), Error> {
    let task = options.task_of(Format::Translation, &[Task::Seq2seq])?;
    let unit = options.unit_of(Format::Translation, &[Unit::Words])?;
    found.meaning = Some((task, Some(unit)));
    let mut lines = Lines::open(&part.path)?;
    while let Some((line, text)) = lines.next()? {
        if is_blank(text) {
            continue;
        }
        let Some((source, target)) = text.split_once('\t') else {
            return Err(lines.problem("no tab between a sentence and its translation"));
        };
        // Some editions have a third column of sources.
        let target = target.split('\t').next().unwrap_or_default().trim();
        let source = words(source);
        if source.is_empty() || target.is_empty() {
            return Err(lines.problem("an empty sentence"));
        }
        let target = super::inflection::characters(target).collect();
        found.push(part.split, format!("{name}:{line}"), Input::Symbols(source), Answer::Symbols(target));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_stand_apart_but_within_words() {
        let cut = |text: &str| words(text).join(" ");
        assert_eq!(cut("Tom's well-known, isn’t he?"), "Tom's well-known , isn't he ?");
        assert_eq!(cut("\"It costs $3.50.\""), "\" It costs $ 3.50 . \"");
        assert_eq!(cut("...  at 10:30 'now'"), ". . . at 10:30 ' now '");
        assert_eq!(cut(""), "");
    }
}
