//! A text file per class, an example a line: its characters or words.

use super::parts::DataFile;
use super::text::symbols;
use super::{Answer, Format, Found, Input, RecordOptions, Task, Unit};
use crate::Error;
use crate::lines::{Lines, is_blank, shortened};
use crate::source::{list, name_of};

pub(super) fn read(name: &str, part: &DataFile, options: &RecordOptions, found: &mut Found) -> Result<(), Error> {
    let task = options.task_of(Format::Classes, &[Task::Class, Task::Next])?;
    let unit = options.unit_of(Format::Classes, &[Unit::Characters, Unit::Words])?;
    found.meaning = Some((task, Some(unit)));
    for path in list(&part.path)?.into_iter().filter(|p| is_class(&name_of(p))) {
        let file = name_of(&path);
        let label = class(&file).unwrap_or(&file).to_owned();
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

/// The class of a file: its name without `.txt` or `.txt.gz`, in letters of any size; none where it has no such ending.
fn class(name: &str) -> Option<&str> {
    let without = |name: &'_ str, ending: &str| {
        let at = name.len().checked_sub(ending.len()).filter(|at| name.is_char_boundary(*at))?;
        name[at..].eq_ignore_ascii_case(ending).then_some(at)
    };
    let plain = without(name, ".gz").map_or(name, |at| &name[..at]);
    without(plain, ".txt").map(|at| &plain[..at])
}

/// Whether a file of this name can be one of a class.
pub(super) fn is_class(name: &str) -> bool {
    class(name).is_some_and(|c| !c.is_empty()) && !super::parts::is_documentation(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_is_the_name_without_its_ending() {
        for (name, label) in [
            ("yes.txt", Some("yes")),
            ("v1.0.txt.gz", Some("v1.0")),
            ("ÜBER.TXT", Some("ÜBER")),
            ("notes.md", None),
            ("ü.gz", None),
        ] {
            assert_eq!(class(name), label, "{name}");
        }
        assert!(is_class("v1.1.txt") && !is_class(".txt") && !is_class("README.txt"));
    }
}
