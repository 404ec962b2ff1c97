//! A text file per class, an example a line: its characters or words.

use super::parts::Part;
use super::text::symbols;
use super::{Answer, Format, Found, Input, RecordOptions, Task, Unit};
use crate::Error;
use crate::lines::{Lines, is_blank, shortened};
use crate::source::{list, name_of};

pub(super) fn read(name: &str, part: &Part, options: &RecordOptions, found: &mut Found) -> Result<(), Error> {
    let task = options.task_of(Format::Classes, &[Task::Class, Task::Next])?;
    let unit = options.unit_of(Format::Classes, &[Unit::Characters, Unit::Words])?;
    found.meaning = Some((task, Some(unit)));
    for path in list(&part.path)?.into_iter().filter(|p| is_class(&name_of(p))) {
        let file = name_of(&path);
        let stem = file.strip_suffix(".gz").unwrap_or(&file);
        let label = stem.strip_suffix(".txt").unwrap_or(stem).to_owned();
        let place = if name.is_empty() { file } else { format!("{name}/{file}") };
        let mut lines = Lines::open(&path)?;
        while let Some((line, text)) = lines.next()? {
            if is_blank(text) {
                continue;
            }
            let symbols = symbols(text.trim(), unit);
            if !text.contains(char::is_alphabetic) {
                let problem = format!("`{}` contains no letter: not a text of class `{label}`", shortened(text.trim()));
                return Err(lines.problem(problem));
            }
            let answer = if task == Task::Class { Answer::Label(label.clone()) } else { Answer::None };
            found.push(part.split, format!("{place}:{line}"), Input::Symbols(symbols), answer);
        }
    }
    Ok(())
}

/// Whether a file of this name can be one of a class.
pub(super) fn is_class(name: &str) -> bool {
    (name.ends_with(".txt") || name.ends_with(".txt.gz")) && !super::parts::is_documentation(name)
}
