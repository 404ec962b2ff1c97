//! What would spoil a result: labels that train does not have, examples that are in two splits.

use super::carve::hash;
use super::{Answer, Records, Task};
use crate::{Error, NoteKind, Split};
use std::collections::{BTreeMap, HashSet};

/// An error for data that cannot be learnt: a single label, or a label of valid or test that train does not have.
pub(super) fn check(records: &Records) -> Result<(), Error> {
    if records.task != Task::Class {
        return Ok(());
    }
    let labels = |split: Split| {
        records.split(split).iter().filter_map(|r| match &r.answer {
            Answer::Label(label) => Some((label.as_str(), &r.name)),
            _ => None,
        })
    };
    for split in [Split::Train, Split::Valid, Split::Test] {
        if let Some((label, name)) = labels(split).find(|(label, _)| label.contains(['\n', '\r'])) {
            return Err(Error::Label { name: name.clone(), label: label.to_owned(), problem: "has a line break" });
        }
    }
    let train: BTreeMap<&str, &String> = labels(Split::Train).collect();
    if let (Some((label, _)), 1) = (train.first_key_value(), train.len()) {
        return Err(Error::OneLabel { dir: records.dir.clone(), label: (*label).to_owned() });
    }
    for split in [Split::Valid, Split::Test] {
        if let Some((label, name)) = labels(split).find(|(label, _)| !train.contains_key(label)) {
            return Err(Error::UnknownLabel { label: label.to_owned(), name: name.clone(), split });
        }
    }
    Ok(())
}

/// Notes on examples of valid or test that are in train as well, and on tags that train does not have.
pub(super) fn across(records: &Records) -> Vec<(NoteKind, String)> {
    let train: HashSet<[u8; 20]> = records.train.iter().map(|r| hash(&r.input)).collect();
    let mut tags: HashSet<&str> = HashSet::new();
    for record in &records.train {
        if let Answer::Tags(of_steps) = &record.answer {
            tags.extend(of_steps.iter().map(String::as_str));
        }
    }
    let mut notes = Vec::new();
    for split in [Split::Valid, Split::Test] {
        for record in records.split(split) {
            if records.steps(record) > 0 && !is_empty(record) && train.contains(&hash(&record.input)) {
                notes.push((NoteKind::SameRecord, record.name.clone()));
            }
            if let Answer::Tags(of_steps) = &record.answer
                && let Some(tag) = of_steps.iter().find(|t| !tags.contains(t.as_str()))
            {
                notes.push((NoteKind::UnknownTag, format!("{tag} in {}", record.name)));
            }
        }
    }
    notes
}

/// Whether a record has outputs only.
fn is_empty(record: &super::Record) -> bool {
    matches!(&record.input, super::Input::Values(values) if values.is_empty())
}
