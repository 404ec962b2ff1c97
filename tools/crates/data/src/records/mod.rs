//! Everything that is not sound: records of text, series and windows, read from the layouts of the field.
//!
//! [`Records::open`] looks at a folder, finds out its [`Format`], and reads it. One file per format is here, with
//! the steps that all formats share: lines of plain or gzipped text, splits by name, carving a validation part.

mod brackets;
mod carve;
mod channels;
mod classes;
mod columns;
mod commands;
mod conllu;
mod dgcnn;
pub(crate) mod doubts;
mod duplicates;
mod format;
mod frames;
mod gestures;
mod graph;
mod inflection;
mod molecules;
mod options;
mod pairs;
mod parts;
mod poems;
mod ptb;
mod rows;
mod series;
mod text;
mod translation;
mod tree;
mod ts;
mod ucr;

pub use format::Format;
pub use options::{RecordOptions, Rows, Task, Unit};
pub(crate) use parts::is_documentation;
pub use parts::size as size_of;
pub use tree::{Forest, Ordered};

use super::note::{gather, said};
use super::{Error, ExampleStructure, Note, NoteKind, Split, generate};
use std::path::{Path, PathBuf};

/// One example as it was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// `file:line`, or `file:first-last` where it is a range of rows counted from 0.
    pub name: String,
    /// What the network reads.
    pub input: Input,
    /// Its structure: sequence, tree or graph.
    pub joints: ExampleStructure,
    /// The target.
    pub answer: Answer,
}

/// What a network reads.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// `[steps * channels]` in the file's own units; empty where a series has outputs only.
    Values(Vec<f64>),
    /// Words or characters, one a step.
    Symbols(Vec<String>),
}

/// The target of a network.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// Nothing but the input: the next symbol is the answer.
    None,
    /// One label for the whole sequence.
    Label(String),
    /// A label per step.
    Tags(Vec<String>),
    /// A sequence of symbols, of any length.
    Symbols(Vec<String>),
    /// `[steps * outputs]` in the file's own units; `[outputs]` where only the last step is asked, as in the adding
    /// problem.
    Values(Vec<f64>),
}

/// All examples of a folder. Their order is that of the files by name, and of the lines in them.
#[derive(Clone, Debug)]
pub struct Records {
    /// Where they came from.
    pub dir: PathBuf,
    /// How they were written down.
    pub format: Format,
    /// What kind of answer they have.
    pub task: Task,
    /// What a symbol is; `None` where the input is values.
    pub unit: Option<Unit>,
    /// Names of the input's channels; empty for symbols, and for series that have outputs only.
    pub channels: Vec<String>,
    /// Names of the output values; empty unless the answers are values.
    pub outputs: Vec<String>,
    /// Names of the edges' features, where examples are graphs.
    pub edges: Vec<String>,
    /// Examples to fit weights to.
    pub train: Vec<Record>,
    /// Examples for validation: the folder's own, or carved out of train.
    pub valid: Vec<Record>,
    /// Examples for the final figure; empty if there are none.
    pub test: Vec<Record>,
    /// Whether `valid` was carved out of train because the folder has none.
    pub valid_is_carved: bool,
    /// What was skipped or looks doubtful.
    pub notes: Vec<Note>,
}

impl Records {
    /// Finds out the format of `dir` and reads all of it; with [`RecordOptions::generate`], makes what it says instead.
    ///
    /// # Errors
    /// The first file, by name, that cannot be used, with its line; or why the folder as a whole cannot.
    pub fn open(dir: impl AsRef<Path>, options: &RecordOptions) -> Result<Records, Error> {
        let dir = dir.as_ref();
        options.check()?;
        if let Some(what) = options.generate {
            return generate::records(dir, what, options);
        }
        let listing = parts::list(dir, options)?;
        let mut noted = listing.notes;
        let mut found = read_all(dir, listing.format, &listing.parts, options)?;
        noted.append(&mut found.notes);
        noted.extend(options.validates_on_train());

        let (task, unit) = found
            .meaning
            .ok_or_else(|| Error::File { file: dir.into(), problem: "nothing to train on in it".to_owned() })?;
        let mut records = Records {
            dir: dir.into(),
            format: listing.format,
            task,
            unit,
            channels: found.channels.unwrap_or_default(),
            outputs: found.outputs,
            edges: found.edges,
            train: Vec::new(),
            valid: Vec::new(),
            test: Vec::new(),
            valid_is_carved: false,
            notes: Vec::new(),
        };
        for (split, record) in found.records {
            records.split_mut(split).push(record);
        }
        if records.train.is_empty() && !options.evaluate {
            let problem = "no examples to train on: only files named after valid or test were found".to_owned();
            return Err(Error::File { file: dir.into(), problem });
        }
        if records.valid.is_empty() && options.valid_share > 0.0 && !records.train.is_empty() {
            records.valid_is_carved = carve::valid(&mut records, options.valid_share);
        }
        if !options.evaluate {
            duplicates::check(&records)?;
        }
        if !records.train.is_empty() {
            noted.extend(duplicates::across(&records));
        }
        noted.extend(doubts::of(&records));
        records.notes = gather(noted);
        Ok(records)
    }

    /// The examples of a split.
    pub fn split(&self, split: Split) -> &[Record] {
        match split {
            Split::Train => &self.train,
            Split::Valid => &self.valid,
            Split::Test => &self.test,
        }
    }

    fn split_mut(&mut self, split: Split) -> &mut Vec<Record> {
        match split {
            Split::Train => &mut self.train,
            Split::Valid => &mut self.valid,
            Split::Test => &mut self.test,
        }
    }

    /// Steps of a record: symbols, or values by the number of channels.
    pub fn steps(&self, record: &Record) -> usize {
        match (&record.input, &record.answer) {
            (Input::Symbols(symbols), _) => symbols.len(),
            (Input::Values(values), Answer::Values(answers)) if values.is_empty() => {
                answers.len() / self.outputs.len().max(1)
            }
            (Input::Values(values), _) => values.len() / self.channels.len().max(1),
        }
    }
}

/// Reads every part; all that cannot be read are named at once, or left out where the options say so.
fn read_all(dir: &Path, format: Format, parts: &[parts::DataFile], options: &RecordOptions) -> Result<Found, Error> {
    let mut found = Found::default();
    let mut errors = Vec::new();
    for part in parts {
        let before = found.mark();
        let read = format.read(dir, part, options, &mut found).and_then(|()| match found.records.len() {
            same if same == before.records => Err(Error::File {
                file: part.path.clone(),
                problem: match found.notes[before.notes..].iter().any(|(kind, _)| *kind == NoteKind::TooLarge) {
                    true => {
                        format!("all its trees have more leaves than max_leaves = {}; raise it", options.max_leaves)
                    }
                    false => format!("no examples in it, read as {format}; fill it or take it out"),
                },
            }),
            _ => Ok(()),
        });
        if let Err(error) = read {
            found.back_to(before);
            errors.push(error);
        }
    }
    let of = parts.len();
    match errors.len() {
        0 => {}
        n if options.skip_bad && n < of => {
            found.notes.extend(errors.iter().map(|e| said(format!("left out: {e}"))));
        }
        1 => return Err(errors.remove(0)),
        _ => return Err(Error::Bad { errors, of }),
    }
    Ok(found)
}

/// What the readers of the formats fill.
#[derive(Debug, Default)]
struct Found {
    records: Vec<(Split, Record)>,
    /// Set by the first part that is read.
    meaning: Option<(Task, Option<Unit>)>,
    channels: Option<Vec<String>>,
    outputs: Vec<String>,
    /// Of all columns of the first table.
    names: Vec<String>,
    edges: Vec<String>,
    notes: Vec<(NoteKind, String)>,
}

/// How far a [`Found`] was filled.
struct Mark {
    records: usize,
    notes: usize,
    empty: Found,
}

impl Found {
    fn mark(&self) -> Mark {
        let empty = Found {
            records: Vec::new(),
            notes: Vec::new(),
            meaning: self.meaning,
            channels: self.channels.clone(),
            outputs: self.outputs.clone(),
            names: self.names.clone(),
            edges: self.edges.clone(),
        };
        Mark { records: self.records.len(), notes: self.notes.len(), empty }
    }

    /// Forgets what a part brought that turned out bad.
    fn back_to(&mut self, mark: Mark) {
        self.records.truncate(mark.records);
        self.notes.truncate(mark.notes);
        let (records, notes) = (std::mem::take(&mut self.records), std::mem::take(&mut self.notes));
        *self = Found { records, notes, ..mark.empty };
    }

    fn push(&mut self, split: Split, name: String, input: Input, answer: Answer) {
        self.push_joined(split, name, input, ExampleStructure::None, answer);
    }

    fn push_joined(&mut self, split: Split, name: String, input: Input, joints: ExampleStructure, answer: Answer) {
        self.records.push((split, Record { name, input, joints, answer }));
    }

    /// Keeps the channels of the first part; another number in a later one is an error.
    fn agree(
        &mut self,
        file: &Path,
        line: u64,
        channels: impl FnOnce() -> Vec<String>,
        count: usize,
    ) -> Result<(), Error> {
        match &self.channels {
            None => self.channels = Some(channels()),
            Some(known) if known.len() == count => {}
            Some(known) => {
                let problem = format!("{count} channels where the files before have {}", known.len());
                return Err(Error::Line { file: file.into(), line, problem });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
