//! What cannot be wrong and is doubtful: labels that a split does not have, labels that are nearly the same, channels that never move.

use super::{Answer, Input, Records, Task};
use crate::note::{names, said};
use crate::{NoteKind, Split};
use std::collections::{BTreeMap, BTreeSet};

/// Doubts about records that were read and split.
pub(super) fn of(records: &Records) -> Vec<(NoteKind, String)> {
    let mut notes = Vec::new();
    if records.task == Task::Class {
        let labels = |split: Split| -> BTreeSet<&str> {
            let answers = records.split(split).iter().map(|r| &r.answer);
            answers.filter_map(|a| if let Answer::Label(label) = a { Some(label.as_str()) } else { None }).collect()
        };
        notes.extend(missing(labels));
        notes.extend(alike(labels(Split::Train)));
    }
    notes.extend(constant(records));
    notes
}

/// A note for each split that does not have all labels of train: a figure of such a split says nothing about them.
pub(crate) fn missing<'a>(labels: impl Fn(Split) -> BTreeSet<&'a str>) -> Vec<(NoteKind, String)> {
    let train = labels(Split::Train);
    let note = |split: Split| {
        let has = labels(split);
        let absent: Vec<&str> = train.iter().copied().filter(|l| !has.contains(l)).collect();
        let note =
            || said(format!("{split} has no example of {} label(s): {}", absent.len(), names(absent.iter().copied())));
        (!has.is_empty() && !absent.is_empty()).then(note)
    };
    [Split::Valid, Split::Test].into_iter().filter_map(note).collect()
}

/// A note on labels that differ only in large and small letters, or in how accents are written.
pub(crate) fn alike<'a>(labels: impl IntoIterator<Item = &'a str>) -> Option<(NoteKind, String)> {
    let mut groups: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for label in labels {
        groups.entry(bare(label)).or_default().push(label);
    }
    let alike: Vec<&str> = groups.into_values().filter(|g| g.len() > 1).flatten().collect();
    let note = || {
        let listed = names(alike.iter().copied());
        said(format!("labels that differ only in large and small letters or accents are labels of their own: {listed}"))
    };
    (!alike.is_empty()).then(note)
}

/// A label in small letters, without accents and blanks around.
fn bare(label: &str) -> String {
    let small = label.trim().to_lowercase();
    small.chars().filter(|c| !matches!(c, '\u{300}'..='\u{36f}')).map(without_accent).collect()
}

/// The letter of an accented one of Western Europe, where it has a code point of its own.
fn without_accent(c: char) -> char {
    const LETTERS: [(&str, char); 8] = [
        ("àáâãäå", 'a'),
        ("èéêë", 'e'),
        ("ìíîï", 'i'),
        ("òóôõö", 'o'),
        ("ùúûü", 'u'),
        ("ýÿ", 'y'),
        ("ñ", 'n'),
        ("ç", 'c'),
    ];
    LETTERS.iter().find(|(accented, _)| accented.contains(c)).map_or(c, |(_, letter)| *letter)
}

/// Notes on channels that have one value throughout train.
fn constant(records: &Records) -> Vec<(NoteKind, String)> {
    let width = records.channels.len();
    let ranges = |split: Split| {
        let mut ranges = vec![[f64::INFINITY, f64::NEG_INFINITY]; width];
        for record in records.split(split) {
            if let Input::Values(values) = &record.input {
                for step in values.chunks_exact(width.max(1)) {
                    ranges.iter_mut().zip(step).for_each(|(r, &v)| *r = [r[0].min(v), r[1].max(v)]);
                }
            }
        }
        ranges
    };
    // Nodes of molecules have a channel for each element, which may never occur.
    if width == 0 || !records.edges.is_empty() {
        return Vec::new();
    }
    let train = ranges(Split::Train);
    let later = [ranges(Split::Valid), ranges(Split::Test)];
    let still: Vec<usize> = (0..width).filter(|&c| train[c][0] == train[c][1]).collect();
    let moves = |&c: &usize| later.iter().any(|l| l[c][0] <= l[c][1] && l[c] != train[c]);
    let (moving, never): (Vec<usize>, Vec<usize>) = still.into_iter().partition(|c| moves(c));
    let of = |channels: &[usize]| names(channels.iter().map(|&c| records.channels[c].as_str()));
    let mut notes = Vec::new();
    if !never.is_empty() {
        notes.push(said(format!("{} channel(s) with one value throughout tell nothing: {}", never.len(), of(&never))));
    }
    if !moving.is_empty() {
        notes.push(said(format!(
            "{} channel(s) with one value throughout train, and others in valid or test: {}; nothing can be learnt of them",
            moving.len(),
            of(&moving)
        )));
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_of_letters_and_accents_are_alike() {
        let note = alike(["low", "LOW", "größe", "gro\u{308}ße", "high"]).unwrap().1;
        assert!(note.ends_with("`größe`, `gro\u{308}ße`, `low`, `LOW`"), "{note}");
        assert!(alike(["low", "high"]).is_none());
    }
}
