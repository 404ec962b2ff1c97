//! Commands and their actions, as SCAN writes them: `IN: jump twice OUT: I_JUMP I_JUMP`, a pair a line.

use super::parts::DataFile;
use super::{Answer, Format, Found, Input, RecordOptions, Task, Unit};
use crate::Error;
use crate::lines::{Lines, is_blank};

/// What begins a line, and what stands between its parts.
pub(super) const MARKS: [&str; 2] = ["IN:", " OUT:"];

pub(super) fn read(name: &str, part: &DataFile, options: &RecordOptions, found: &mut Found) -> Result<(), Error> {
    let task = options.task_of(Format::Commands, &[Task::Seq2seq])?;
    let unit = options.unit_of(Format::Commands, &[Unit::Words])?;
    found.meaning = Some((task, Some(unit)));
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let mut lines = Lines::open(&part.path)?;
    while let Some((line, text)) = lines.next()? {
        if is_blank(text) {
            continue;
        }
        let sides = text.strip_prefix(MARKS[0]).and_then(|rest| rest.split_once(MARKS[1]));
        let Some((input, answer)) = sides else {
            return Err(lines.problem("not of the form `IN: words OUT: symbols`"));
        };
        let (input, answer) = (words(input), words(answer));
        if input.is_empty() {
            return Err(lines.problem("no words between `IN:` and `OUT:`"));
        }
        found.push(part.split, format!("{name}:{line}"), Input::Symbols(input), Answer::Symbols(answer));
    }
    Ok(())
}
