//! A label and the trees that it is of, between tabs: `5 TAB ( ( [MAX 2 ) 5 )`, or a relation of two formulas,
//! `< TAB a TAB ( a ( or b ) )`.

use super::parts::DataFile;
use super::tree::Forest;
use super::{Answer, Format, Found, Input, RecordOptions, Task, Unit};
use crate::Error;
use crate::lines::{Lines, is_blank};

pub(super) fn read(name: &str, part: &DataFile, options: &RecordOptions, found: &mut Found) -> Result<(), Error> {
    let task = options.task_of(Format::Brackets, &[Task::Class])?;
    found.meaning = Some((task, Some(options.unit_of(Format::Brackets, &[Unit::Words])?)));
    let mut lines = Lines::open(&part.path)?;
    let mut count = None;
    while let Some((line, text)) = lines.next()? {
        if is_blank(text) {
            continue;
        }
        let mut fields = text.split('\t');
        let label = fields.next().unwrap_or_default().trim().to_owned();
        let (mut forest, mut trees) = (Forest::default(), 0);
        let read = fields.try_for_each(|tree| {
            trees += 1;
            forest.read(tree, false)
        });
        read.map_err(|problem| lines.problem(problem))?;
        let wanted = *count.get_or_insert(trees);
        if label.is_empty() || trees == 0 {
            return Err(lines.problem("a label, a tab and a tree are wanted, as in: 5<tab>( ( [MAX 2 ) 5 )"));
        }
        if trees != wanted {
            return Err(lines.problem(format!("{trees} trees where the lines before have {wanted}")));
        }
        let place = format!("{name}:{line}");
        if !options.keeps(forest.leaves(), &place, found) {
            continue;
        }
        let tree = forest.ordered();
        found.push_joined(part.split, place, Input::Symbols(tree.words), tree.joints, Answer::Label(label));
    }
    Ok(())
}
