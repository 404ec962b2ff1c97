//! JSON lists of poems: objects with `paragraphs`, lines that are joined by newlines.

use super::parts::DataFile;
use super::text::symbols;
use super::{Answer, Format, Found, Input, RecordOptions, Task, Unit};
use crate::{Error, NoteKind, lines};
use serde::Deserialize;

#[derive(Deserialize)]
struct Poem {
    paragraphs: Vec<String>,
}

pub(super) fn read(name: &str, part: &DataFile, options: &RecordOptions, found: &mut Found) -> Result<(), Error> {
    let unit = options.unit_of(Format::Poems, &[Unit::Characters, Unit::Words])?;
    found.meaning = Some((options.task_of(Format::Poems, &[Task::Next])?, Some(unit)));
    let text = lines::text(&part.path)?;
    let poems: Vec<Poem> = serde_json::from_str(&text).map_err(|e| {
        let problem = format!("{e}; expected a list of objects with `paragraphs`, a list of lines");
        Error::Line { file: part.path.clone(), line: e.line() as u64, problem }
    })?;
    for (k, poem) in poems.into_iter().enumerate() {
        let name = format!("{name}#{k}");
        let symbols = symbols(&poem.paragraphs.join("\n"), unit);
        match symbols.is_empty() {
            true => found.notes.push((NoteKind::Empty, name)),
            false => found.push(part.split, name, Input::Symbols(symbols), Answer::None),
        }
    }
    Ok(())
}
