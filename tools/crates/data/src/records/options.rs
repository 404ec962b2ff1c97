//! Options of data that do not follow from the folder.

use super::{Format, Found};
use crate::note::said;
use crate::{Error, Generate, NoteKind};
use serde::{Deserialize, Serialize};
use std::fmt;

/// How a folder is read: the `[data]` table of a recipe. Every value has a default that is found by looking.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RecordOptions {
    /// The format; found by looking if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<Format>,
    /// What is made instead of read from a folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generate: Option<Generate>,
    /// Steps of what is made: of an example, or the delay of copy memory; 0: 100, or 600 of a system.
    pub steps: usize,
    /// Examples to train on that are made; valid and test get `valid_share` of it each.
    pub count: usize,
    /// Seed of what is made.
    pub seed: u64,
    /// What is to be learnt, where a format holds several answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task: Option<Task>,
    /// What a symbol of plain text is; other formats know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<Unit>,
    /// Only files with this in their names, or with one of these, apart by commas; empty: all.
    pub files: String,
    /// Training and validation files with a greater number after the name of their split are left out, as train5 of trees of up
    /// to 4 connectives; 0 takes all.
    pub max_size: usize,
    /// Trees of more leaves are left out of every split; 0 takes all.
    pub max_leaves: usize,
    /// Of graphs, the file with the fold of each, a number a line.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub folds: String,
    /// The fold that is test; 0 for none.
    pub fold: usize,
    /// Files that cannot be read are left out and noted, instead of an error.
    #[serde(skip)]
    pub skip_bad: bool,
    /// Whether the examples are only evaluated: no training set and no particular labels are needed.
    #[serde(skip)]
    pub evaluate: bool,
    /// Rows at the beginning of an example that are not evaluated: valid and test may begin with rows of another range.
    #[serde(skip)]
    pub context: usize,
    /// Share of train that becomes valid where the folder has none; 0 leaves valid empty.
    pub valid_share: f64,
    /// Values per step in a row of numbers; 0: 2 for pendigits, else 1.
    pub channels: usize,
    /// Columns of a series that are inputs, by name.
    pub inputs: Vec<String>,
    /// Columns of a series that are outputs, by name; empty: the last one. Of a pendulum: angle, speed, sin, cos.
    pub outputs: Vec<String>,
    /// Columns that are the inputs of test, where they are in the same file as those of train.
    pub test_inputs: Vec<String>,
    /// Columns that are the outputs of test, where they are in the same file as those of train.
    pub test_outputs: Vec<String>,
    /// Ranges of rows to train on, first and last, counted from 0; empty: all that are in no other range.
    pub train: Vec<Rows>,
    /// Ranges of rows to validate on.
    pub valid: Vec<Rows>,
    /// Ranges of rows to test on.
    pub test: Vec<Rows>,
}

/// First and last row of a range, both included, counted from 0 after the line of names.
pub type Rows = [usize; 2];

impl Default for RecordOptions {
    fn default() -> Self {
        RecordOptions {
            format: None,
            generate: None,
            steps: 0,
            count: 1000,
            seed: 1,
            task: None,
            unit: None,
            files: String::new(),
            max_size: 0,
            max_leaves: 0,
            folds: String::new(),
            fold: 0,
            skip_bad: false,
            evaluate: false,
            context: 0,
            valid_share: 0.1,
            channels: 0,
            inputs: Vec::new(),
            outputs: Vec::new(),
            test_inputs: Vec::new(),
            test_outputs: Vec::new(),
            train: Vec::new(),
            valid: Vec::new(),
            test: Vec::new(),
        }
    }
}

impl RecordOptions {
    /// An error for invalid values.
    pub(super) fn check(&self) -> Result<(), Error> {
        let problem = |problem: String| Err(Error::Option { problem });
        if !(0.0..1.0).contains(&self.valid_share) {
            return problem(format!("valid_share = {} is not in [0, 1)", self.valid_share));
        }
        for rows in self.train.iter().chain(&self.valid).chain(&self.test) {
            if rows[0] > rows[1] {
                return problem(format!("the range of rows {rows:?} ends before it begins"));
            }
        }
        self.check_apart()?;
        if self.test_inputs.len() != self.inputs.len() && !self.test_outputs.is_empty() {
            return problem("test_inputs needs as many columns as inputs".to_owned());
        }
        if !self.test_outputs.is_empty() && self.test_outputs.len() != self.outputs.len() {
            return problem("test_outputs needs as many columns as outputs".to_owned());
        }
        Ok(())
    }

    /// An error for two ranges of rows that overlap: what is trained on cannot be tested on, nor count twice. Where test has
    /// columns of its own, it may have the same rows; and rows that only lead up to those that are evaluated may be of another.
    fn check_apart(&self) -> Result<(), Error> {
        let of = |name: &'static str, ranges: &[Rows]| ranges.iter().map(move |r| (name, *r)).collect::<Vec<_>>();
        let test = if self.test_outputs.is_empty() { of("test", &self.test) } else { Vec::new() };
        let all = [of("train", &self.train), of("valid", &self.valid), test].concat();
        let counted = |(name, [from, to]): (&str, Rows)| [if name == "train" { from } else { from + self.context }, to];
        for (k, &(a, [from, to])) in all.iter().enumerate() {
            let mine = counted((a, [from, to]));
            let meets = |(b, other): &&(&'static str, Rows)| {
                // A valid part that is the training set, word for word, is meant.
                if (*b, a) == ("train", "valid") && *other == [from, to] {
                    return false;
                }
                let other = counted((b, *other));
                mine[0] <= other[1] && other[0] <= mine[1]
            };
            if let Some((b, other)) = all[..k].iter().find(meets) {
                let problem = format!(
                    "the ranges of rows {b} = {other:?} and {a} = [{from}, {to}] overlap (both ends are included); take \
                     the rows out of one, or leave them out of the evaluation by sequences.skip"
                );
                return Err(Error::Option { problem });
            }
        }
        Ok(())
    }

    /// A note where the rows that validate are those that are trained on.
    pub(super) fn validates_on_train(&self) -> Option<(NoteKind, String)> {
        let [from, to] = self.valid.iter().find(|rows| self.train.contains(rows))?;
        Some(said(format!(
            "rows {from} to {to} are both train and valid: the validation figure is that of what is trained on, and shows no overfitting"
        )))
    }

    /// Whether a tree of so many leaves is taken; notes one that is not.
    pub(super) fn keeps(&self, leaves: usize, name: &str, found: &mut Found) -> bool {
        let keeps = self.max_leaves == 0 || leaves <= self.max_leaves;
        if !keeps {
            found.notes.push((NoteKind::TooLarge, name.to_owned()));
        }
        keeps
    }

    /// The task wanted, if the format has it; the first of `has` if none is wanted.
    pub(super) fn task_of(&self, format: Format, has: &[Task]) -> Result<Task, Error> {
        match self.task {
            None => Ok(has[0]),
            Some(task) if has.contains(&task) => Ok(task),
            Some(task) => {
                let has = has.iter().map(|t| t.to_string()).collect::<Vec<_>>().join(" or ");
                Err(Error::Option { problem: format!("task = \"{task}\" is not in {format}; it has: {has}") })
            }
        }
    }

    /// The unit wanted, if the format has it; the first of `has` if none is wanted.
    pub(super) fn unit_of(&self, format: Format, has: &[Unit]) -> Result<Unit, Error> {
        match self.unit {
            None => Ok(has[0]),
            Some(unit) if has.contains(&unit) => Ok(unit),
            Some(unit) => Err(Error::Option { problem: format!("unit = \"{unit}\" does not go with {format}") }),
        }
    }
}

/// What is to be learnt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Task {
    /// One label per sequence.
    Class,
    /// A label per step: slots, entities, parts of speech.
    Tag,
    /// Where words end, a tag B, M, E or S per character.
    Segment,
    /// The next symbol of a text.
    Next,
    /// Values per step.
    Series,
    /// A sequence of symbols for a sequence of symbols.
    Seq2seq,
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Task::Class => "class",
            Task::Tag => "tag",
            Task::Segment => "segment",
            Task::Next => "next",
            Task::Series => "series",
            Task::Seq2seq => "seq2seq",
        })
    }
}

/// What a symbol is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// A character: one Unicode scalar value.
    Characters,
    /// A word, as the file separates them.
    Words,
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Unit::Characters => "characters",
            Unit::Words => "words",
        })
    }
}
