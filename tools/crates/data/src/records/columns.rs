//! CoNLL columns: a token a line, its tag in the last column, an empty line between examples.

use super::parts::DataFile;
use super::{Answer, Format, Found, Input, RecordOptions, Task, Unit};
use crate::lines::{Lines, fields, is_blank};
use crate::{Error, NoteKind};

pub(super) fn read(name: &str, part: &DataFile, options: &RecordOptions, found: &mut Found) -> Result<(), Error> {
    let task = options.task_of(Format::Columns, &[Task::Tag, Task::Next])?;
    let mut examples: Vec<(u64, Vec<String>, Vec<String>)> = Vec::new();
    let mut lines = Lines::open(&part.path)?;
    let (mut start, mut tokens, mut tags) = (0, Vec::new(), Vec::new());
    let mut columns = None;
    while let Some((line, text)) = lines.next()? {
        if is_blank(text) {
            if !tokens.is_empty() {
                examples.push((start, std::mem::take(&mut tokens), std::mem::take(&mut tags)));
            }
            continue;
        }
        if text.starts_with("-DOCSTART-") || is_remark(text, tokens.is_empty()) {
            continue;
        }
        // A token may be a blank of another script: only tabs separate where there are tabs.
        let fields = fields(text);
        let &[token, .., tag] = &fields[..] else {
            let problem = format!("`{text}` has one column; expected a token and its tag");
            return Err(lines.problem(problem));
        };
        if tag.is_empty() || token.is_empty() {
            return Err(lines.problem("a token without a tag, or a tag without a token"));
        }
        let wanted = *columns.get_or_insert(fields.len());
        if fields.len() != wanted {
            let problem = format!("{} columns where the lines before have {wanted}", fields.len());
            return Err(lines.problem(problem));
        }
        if tokens.is_empty() {
            start = line;
        }
        tokens.push(token.to_owned());
        tags.push(tag.to_owned());
    }
    if !tokens.is_empty() {
        examples.push((start, tokens, tags));
    }

    let unit = if has_positions(examples.iter().flat_map(|e| &e.1)) { Unit::Characters } else { Unit::Words };
    let unit = options.unit_of(Format::Columns, &[unit])?;
    if unit == Unit::Characters {
        found.notes.push((NoteKind::PositionsDropped, name.to_owned()));
    }
    found.meaning = Some((task, Some(unit)));
    for (line, mut tokens, tags) in examples {
        if unit == Unit::Characters {
            tokens.iter_mut().for_each(|t| t.truncate(without_position(t).len()));
        }
        let answer = if task == Task::Tag { Answer::Tags(tags) } else { Answer::None };
        found.push(part.split, format!("{name}:{line}"), Input::Symbols(tokens), answer);
    }
    Ok(())
}

/// Whether a line before a sentence tells about it: `# id 12`, `# text = so`. A token may be `#` too, and has a tag.
fn is_remark(text: &str, before: bool) -> bool {
    let mut words = text.split_ascii_whitespace();
    let (mark, key, sign) = (words.next(), words.next(), words.next());
    before && mark == Some("#") && (sign == Some("=") || key == Some("id") && sign.is_some())
}

/// Whether tokens are characters followed by their position in their word: all end in a digit, and nearly all have
/// nothing else after their first character.
fn has_positions<'a>(tokens: impl Iterator<Item = &'a String>) -> bool {
    let (mut all, mut single) = (0_usize, 0_usize);
    for token in tokens {
        let character = without_position(token);
        if character.len() == token.len() {
            return false;
        }
        all += 1;
        single += usize::from(character.chars().count() == 1);
    }
    all > 0 && single * 100 >= all * 99
}

/// A token without the digits after its first character.
fn without_position(token: &str) -> &str {
    let first = token.chars().next().map_or(0, char::len_utf8);
    let (_, rest) = token.split_at(first);
    &token[..first + rest.trim_end_matches(|c: char| c.is_ascii_digit()).len()]
}
