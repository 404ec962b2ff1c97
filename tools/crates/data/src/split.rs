//! Splits: carving valid out of train, and checking that the splits can be trained and tested on.

use super::layout::Found;
use super::note::{names, said};
use super::{Error, NoteKind, Split};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

/// Fewest clips of a label: one to train on, one to validate on.
const NEEDED: usize = 2;

/// Fewest speakers of whom some can be set apart.
const SPEAKERS: usize = 10;

/// Fewest speakers to part by the rule of Speech Commands, which was made for 2,600: of fewer it may take none or all.
const MANY: usize = 100;

/// Per cent of the speakers in valid, and again in test, by that rule.
const HASHED: f64 = 10.0;

/// A number that depends on the name only, today and in every later version.
fn hash(name: &str) -> u64 {
    let digest = sha1_smol::Sha1::from(name).digest().bytes();
    digest[..8].iter().fold(0, |number, &byte| number << 8 | byte as u64)
}

/// An error for labels that no model can carry.
pub(super) fn check_labels(clips: &[Found]) -> Result<(), Error> {
    let problem = |label: &str| match () {
        () if label.trim().is_empty() => Some("is empty"),
        () if label.contains(['\n', '\r']) => Some("has a line break"),
        () => None,
    };
    match clips.iter().find_map(|c| problem(&c.label).map(|p| (c, p))) {
        Some((c, problem)) => Err(Error::Label { name: c.name.clone(), label: c.label.clone(), problem }),
        None => Ok(()),
    }
}

/// An error for a corpus in which a clip is in two splits, a label is not in train, or a label has too few clips.
pub(super) fn check(dir: &Path, clips: &[Found]) -> Result<(), Error> {
    let mut seen: HashMap<&str, Split> = HashMap::new();
    for clip in clips {
        match seen.insert(&clip.name, clip.split) {
            Some(first) if first != clip.split => {
                return Err(Error::Duplicate { name: clip.name.clone(), first, second: clip.split });
            }
            _ => {}
        }
    }
    let mut train: BTreeMap<&str, usize> = BTreeMap::new();
    for clip in clips.iter().filter(|c| c.split == Split::Train) {
        *train.entry(&clip.label).or_default() += 1;
    }
    for (&label, &have) in &train {
        if have < NEEDED {
            return Err(Error::FewClips { label: label.into(), have, needed: NEEDED });
        }
    }
    if let Some(clip) = clips.iter().find(|c| !train.contains_key(c.label.as_str())) {
        let (label, name, split) = (clip.label.clone(), clip.name.clone(), clip.split);
        return Err(Error::UnknownLabel { label, name, split });
    }
    match train.len() {
        1 => Err(Error::OneLabel { dir: dir.into(), label: clips[0].label.clone() }),
        _ => Ok(()),
    }
}

/// Parts clips by the rule of Speech Commands where there are speakers enough for it, and says what it did not part. Where
/// there are few, all stay in train, and a part is carved out of it later.
pub(super) fn by_speakers(clips: &mut [Found]) -> Vec<(NoteKind, String)> {
    let all: BTreeSet<&str> = clips.iter().filter_map(|c| c.speaker.as_deref()).collect();
    let of_corpus = all.iter().filter(|s| is_of_corpus(s)).count();
    let everyone = clips.iter().all(|c| c.speaker.is_some()) && all.len() >= MANY;
    if of_corpus < MANY && !everyone {
        return Vec::new();
    }
    let mut notes = Vec::new();
    // Speakers that a user added to that corpus are few: they are all trained on.
    let hashed = |c: &Found| c.speaker.as_ref().is_some_and(|s| of_corpus < MANY || is_of_corpus(s));
    let others: BTreeSet<&str> = clips.iter().filter(|c| !hashed(c)).filter_map(|c| c.speaker.as_deref()).collect();
    let added = clips.iter().filter(|c| !hashed(c)).count();
    if added > 0 {
        let who = if others.is_empty() { "no speaker".to_owned() } else { names(others) };
        notes.push(said(format!("{added} clip(s) that are not of the corpus ({who}) are all trained on")));
    }
    let splits: Vec<Split> = clips
        .iter()
        .map(|c| if hashed(c) { by_hash(c.speaker.as_deref().unwrap_or(&c.name)) } else { Split::Train })
        .collect();
    clips.iter_mut().zip(splits).for_each(|(c, split)| c.split = split);

    let trained: BTreeSet<String> = clips.iter().filter(|c| c.split == Split::Train).map(|c| c.label.clone()).collect();
    let lost: BTreeSet<String> = clips.iter().map(|c| c.label.clone()).filter(|l| !trained.contains(l)).collect();
    if !lost.is_empty() {
        clips.iter_mut().filter(|c| lost.contains(&c.label)).for_each(|c| c.split = Split::Train);
        let labels = names(lost.iter().map(String::as_str));
        notes.push(said(format!("the few speakers of {labels} are in train, where the rule would have left none")));
    }
    notes
}

/// Whether a speaker's name is one that Speech Commands gives: eight hexadecimal digits.
fn is_of_corpus(speaker: &str) -> bool {
    speaker.len() == 8 && speaker.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// The rule of Speech Commands' readme: SHA-1 of the name up to `_nohash_`, so that a speaker stays in one split
/// whatever else is added.
fn by_hash(speaker: &str) -> Split {
    const MOST: u128 = (1 << 27) - 1;
    let digest = sha1_smol::Sha1::from(speaker).digest().bytes();
    // The digest as one number of 160 bits modulo 2^27: its last four bytes decide.
    let low = u32::from_be_bytes([digest[16], digest[17], digest[18], digest[19]]) as u128;
    let percent = (low % (MOST + 1)) as f64 * (100.0 / MOST as f64);
    match percent {
        p if p < HASHED => Split::Valid,
        p if p < 2.0 * HASHED => Split::Test,
        _ => Split::Train,
    }
}

/// Moves about `share` of train into valid, and says how. Which clips depends on their names only.
///
/// Whole speakers are set apart if there are at least ten and the test split, if any, has other speakers too;
/// otherwise the same share of every label, at least one clip of each.
pub(super) fn carve_valid(clips: &mut [Found], share: f64) -> (NoteKind, String) {
    let speakers = |split: Split| -> Option<BTreeSet<String>> {
        clips.iter().filter(|c| c.split == split).map(|c| c.speaker.clone()).collect()
    };
    let (trained, tested) = (speakers(Split::Train), speakers(Split::Test));
    let disjoint = trained.as_ref().zip(tested).is_some_and(|(a, b)| a.is_disjoint(&b));
    let count = trained.as_ref().map_or(0, BTreeSet::len);
    match trained {
        Some(speakers) if speakers.len() >= SPEAKERS && disjoint && by_speaker(clips, &speakers, share) => {
            let apart: BTreeSet<&str> =
                clips.iter().filter(|c| c.split == Split::Valid).filter_map(|c| c.speaker.as_deref()).collect();
            said(format!("valid was carved out of train by speaker: {} of {count} speakers", apart.len()))
        }
        _ => {
            by_label(clips, share);
            let why = match count {
                0 => "nothing says who speaks".to_owned(),
                n if n < SPEAKERS => format!("there are {n} speaker(s), fewer than {SPEAKERS}"),
                _ => "whole speakers cannot be set apart".to_owned(),
            };
            said(format!("valid was carved out of train by clip, as {why}: its voices are in the training set too"))
        }
    }
}

/// False if that would leave a label without clips on one side.
fn by_speaker(clips: &mut [Found], speakers: &BTreeSet<String>, share: f64) -> bool {
    let mut order: Vec<&str> = speakers.iter().map(String::as_str).collect();
    order.sort_by_key(|s| hash(s));
    let count = ((order.len() as f64 * share).round() as usize).clamp(1, order.len() - 1);
    let apart: BTreeSet<&str> = order[..count].iter().copied().collect();
    let is_valid = |c: &Found| c.split == Split::Train && c.speaker.as_deref().is_some_and(|s| apart.contains(s));
    let labels = |side: bool| -> BTreeSet<&str> {
        clips.iter().filter(|c| c.split == Split::Train && is_valid(c) == side).map(|c| c.label.as_str()).collect()
    };
    if labels(true) != labels(false) {
        return false;
    }
    let chosen: Vec<bool> = clips.iter().map(is_valid).collect();
    clips.iter_mut().zip(chosen).filter(|(_, chosen)| *chosen).for_each(|(c, _)| c.split = Split::Valid);
    true
}

fn by_label(clips: &mut [Found], share: f64) {
    let mut labels: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (i, clip) in clips.iter().enumerate().filter(|(_, c)| c.split == Split::Train) {
        labels.entry(clip.label.clone()).or_default().push(i);
    }
    for mut members in labels.into_values() {
        members.sort_by_key(|&i| hash(&clips[i].name));
        // The only clip of a label stays.
        let count = ((members.len() as f64 * share).round() as usize).max(1).min(members.len() - 1);
        for &i in &members[..count] {
            clips[i].split = Split::Valid;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checked against the published function `which_set` run in Python.
    #[test]
    fn hash_rule() {
        for (speaker, split) in [
            ("2265b1f5", Split::Test),
            ("414c343c", Split::Test),
            ("7ed4d57b", Split::Train),
            ("78e51061", Split::Valid),
            ("c9e9c616", Split::Train),
            ("f06c144a", Split::Valid),
        ] {
            assert_eq!(by_hash(speaker), split, "{speaker}");
        }
    }
}
