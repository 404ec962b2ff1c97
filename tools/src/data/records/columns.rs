//! CoNLL columns: a token a line, its tag in the last column, an empty line between examples.

use super::lines::Lines;
use super::parts::Part;
use super::{Answer, Format, Found, Input, RecordOptions, Task, Unit};
use crate::data::{Error, NoteKind};

pub(super) fn read(name: &str, part: &Part, options: &RecordOptions, found: &mut Found) -> Result<(), Error> {
    let task = options.task_of(Format::Columns, &[Task::Tag, Task::Next])?;
    let mut examples: Vec<(u64, Vec<String>, Vec<String>)> = Vec::new();
    let mut lines = Lines::open(&part.path)?;
    let (mut start, mut tokens, mut tags) = (0, Vec::new(), Vec::new());
    let mut columns = None;
    while let Some((line, text)) = lines.next()? {
        if text.trim().is_empty() {
            if !tokens.is_empty() {
                examples.push((start, std::mem::take(&mut tokens), std::mem::take(&mut tags)));
            }
            continue;
        }
        if text.starts_with("-DOCSTART-") {
            continue;
        }
        // A token may be a blank of another script: only tabs separate where there are tabs.
        let fields: Vec<&str> = match text.contains('\t') {
            true => text.split('\t').map(str::trim).collect(),
            false => text.split_ascii_whitespace().collect(),
        };
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

    let positions = examples.iter().all(|(_, tokens, _)| tokens.iter().all(|t| character(t).is_some()));
    let unit = match positions && !examples.is_empty() {
        true => Unit::Characters,
        false => Unit::Words,
    };
    let unit = options.unit_of(Format::Columns, &[unit])?;
    if unit == Unit::Characters {
        found.notes.push((NoteKind::PositionsDropped, name.to_owned()));
    }
    found.meaning = Some((task, Some(unit)));
    for (line, mut tokens, tags) in examples {
        if unit == Unit::Characters {
            tokens.iter_mut().for_each(|t| t.truncate(character(t).map_or(t.len(), str::len)));
        }
        let answer = if task == Task::Tag { Answer::Tags(tags) } else { Answer::None };
        found.push(part.split, format!("{name}:{line}"), Input::Symbols(tokens), answer);
    }
    Ok(())
}

/// The character of a token made of one character and its position in its word.
fn character(token: &str) -> Option<&str> {
    let first = token.chars().next()?;
    let (character, position) = token.split_at(first.len_utf8());
    (!position.is_empty() && position.bytes().all(|b| b.is_ascii_digit())).then_some(character)
}
