//! Line pairs of slot filling: a folder per split with `seq.in` (words), `seq.out` (a tag per word) and `label` (one a
//! line).

use super::parts::DataFile;
use super::{Answer, Format, Found, Input, RecordOptions, Task, Unit};
use crate::Error;
use crate::lines::{Lines, is_blank, trim};

/// The file of words.
pub(super) const WORDS: &str = "seq.in";

pub(super) fn read(name: &str, part: &DataFile, options: &RecordOptions, found: &mut Found) -> Result<(), Error> {
    let task = options.task_of(Format::Pairs, &[Task::Tag, Task::Class, Task::Next])?;
    let unit = options.unit_of(Format::Pairs, &[Unit::Words])?;
    found.meaning = Some((task, Some(unit)));
    let mut words = Lines::open(&part.path.join(WORDS))?;
    let answers = match task {
        Task::Tag => Some("seq.out"),
        Task::Class => Some("label"),
        _ => None,
    };
    let mut answers = answers.map(|file| Lines::open(&part.path.join(file))).transpose()?;
    while let Some((line, text)) = words.next()? {
        let symbols: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        let answer = match &mut answers {
            None => Answer::None,
            Some(answers) => {
                let Some((_, text)) = answers.next()? else {
                    return Err(answers.problem(format!("ends here, but {WORDS} continues at line {line}")));
                };
                if task == Task::Class {
                    Answer::Label(trim(text).to_owned())
                } else {
                    let tags: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
                    if tags.len() != symbols.len() {
                        let problem = format!("{} tags for the {} words of {WORDS}", tags.len(), symbols.len());
                        return Err(answers.problem(problem));
                    }
                    Answer::Tags(tags)
                }
            }
        };
        let nothing = match &answer {
            Answer::Tags(tags) => tags.is_empty(),
            Answer::Label(label) => label.is_empty(),
            _ => true,
        };
        if symbols.is_empty() && nothing {
            // A line that is blank in every file parts or ends them.
            continue;
        }
        if symbols.is_empty() {
            return Err(words.problem("no words; delete the line here and in the other files of the folder"));
        }
        if answer == Answer::Label(String::new()) {
            return Err(words.problem("its line in `label` is empty"));
        }
        found.push(part.split, format!("{name}/{WORDS}:{line}"), Input::Symbols(symbols), answer);
    }
    if let Some(answers) = &mut answers
        && answers.next()?.is_some_and(|(_, text)| !is_blank(text))
    {
        return Err(answers.problem(format!("continues where {WORDS} has ended")));
    }
    Ok(())
}
