//! Brackets of the Penn Treebank with a label on every node, a tree a line: `(3 (2 It) (4 works))`.

use super::parts::DataFile;
use super::tree::Forest;
use super::{Answer, Format, Found, Input, RecordOptions, Task, Unit};
use crate::Error;
use crate::lines::{Lines, is_blank};

pub(super) fn read(name: &str, part: &DataFile, options: &RecordOptions, found: &mut Found) -> Result<(), Error> {
    let task = options.task_of(Format::Ptb, &[Task::Tag, Task::Class])?;
    found.meaning = Some((task, Some(options.unit_of(Format::Ptb, &[Unit::Words])?)));
    let mut lines = Lines::open(&part.path)?;
    while let Some((line, text)) = lines.next()? {
        if is_blank(text) {
            continue;
        }
        let mut forest = Forest::default();
        let read = forest.read(text, true);
        read.map_err(|problem| lines.problem(problem))?;
        let place = format!("{name}:{line}");
        if !options.keeps(forest.leaves(), &place, found) {
            continue;
        }
        let mut tree = forest.ordered();
        let answer = match task {
            Task::Class => Answer::Label(tree.labels.pop().unwrap_or_default()),
            _ => Answer::Tags(tree.labels),
        };
        found.push_joined(part.split, place, Input::Symbols(tree.words), tree.joints, answer);
    }
    Ok(())
}
