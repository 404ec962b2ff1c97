//! Splits: carving valid out of train, and checking that the splits can be trained and tested on.

use super::layout::Found;
use super::{Error, Split};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

/// Fewest clips of a label: one to train on, one to validate on.
const NEEDED: usize = 2;

/// Fewest speakers of whom some can be set apart.
const SPEAKERS: usize = 10;

/// A number that depends on the name only, today and in every later version.
fn hash(name: &str) -> u64 {
    let digest = sha1_smol::Sha1::from(name).digest().bytes();
    digest[..8].iter().fold(0, |number, &byte| number << 8 | byte as u64)
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

/// Moves about `share` of train into valid. Which clips depends on their names only.
///
/// Whole speakers are set apart if there are at least ten and the test split, if any, has other speakers too;
/// otherwise the same share of every label, at least one clip of each.
pub(super) fn carve_valid(clips: &mut [Found], share: f64) {
    let speakers = |split: Split| -> Option<BTreeSet<String>> {
        clips.iter().filter(|c| c.split == split).map(|c| c.speaker.clone()).collect()
    };
    let trained = speakers(Split::Train);
    let disjoint = trained.as_ref().zip(speakers(Split::Test)).is_some_and(|(a, b)| a.is_disjoint(&b));
    match trained {
        Some(speakers) if speakers.len() >= SPEAKERS && disjoint && by_speaker(clips, &speakers, share) => {}
        _ => by_label(clips, share),
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
        let count = ((members.len() as f64 * share).round() as usize).clamp(1, members.len() - 1);
        for &i in &members[..count] {
            clips[i].split = Split::Valid;
        }
    }
}
