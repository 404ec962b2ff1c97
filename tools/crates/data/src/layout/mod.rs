//! Layouts of corpora on disk: one file each.

mod account;
mod digits;
mod edge_impulse;
mod manifest;
mod words;

use super::sound::is_other_sound;
use super::source::{ClipStore, Source, name_of};
use super::{Error, NoteKind, Split, ending, is_sound};
use std::collections::HashSet;
use std::fmt;
use std::path::{Path, PathBuf};

/// Layout of a corpus' folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// A folder per word; validation_list.txt and testing_list.txt, or the hash rule of Speech Commands where speakers are
    /// many.
    Words,
    /// A folder per split (or fold), and in it a folder per word.
    Splits,
    /// Files DIGIT_SPEAKER_INDEX.wav or .flac; index 0 to 4 is test, as Free Spoken Digit says.
    Digits,
    /// train.csv, valid.csv (or val.csv, dev.csv), test.csv with columns file, label and maybe speaker; the files in a
    /// tar of the same name, in the only tar there is, or in the folder. Or metadata.csv in the folders of the splits.
    Manifest,
    /// info.labels next to training/ and testing/, as Edge Impulse exports.
    EdgeImpulse,
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Layout::Words => "a folder per word",
            Layout::Splits => "a folder per split, a folder per word in it",
            Layout::Digits => "files DIGIT_SPEAKER_INDEX",
            Layout::Manifest => "csv manifests",
            Layout::EdgeImpulse => "Edge Impulse export",
        })
    }
}

/// A clip that was found but not read yet.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) name: String,
    pub(super) label: String,
    pub(super) speaker: Option<String>,
    pub(super) split: Split,
    pub(super) source: Source,
}

/// What a layout's reader found.
#[derive(Debug, Default)]
pub(super) struct Listing {
    pub(super) clips: Vec<Found>,
    /// Recordings of background noise.
    pub(super) noise: Vec<(String, Source)>,
    /// What is doubtful.
    pub(super) notes: Vec<(NoteKind, String)>,
    /// Clips that are named and not there.
    pub(super) missing: Vec<Error>,
    /// Files that were read in addition to the clips: lists, manifests, tars.
    taken: HashSet<PathBuf>,
    /// Tars whose members may be clips.
    shelves: Vec<ClipStore>,
}

/// Finds out the layout of `dir` and lists its clips, in an order that depends on names only.
pub(super) fn list(dir: &Path) -> Result<(Layout, Listing), Error> {
    if !dir.is_dir() {
        let kind = if dir.exists() { std::io::ErrorKind::NotADirectory } else { std::io::ErrorKind::NotFound };
        return Err(Error::Io { path: dir.into(), reason: kind.into() });
    }
    let (layout, mut listing) = find(dir)?;
    listing.notes.extend(account::of(dir, &listing)?);
    Ok((layout, listing))
}

/// Whether there are recordings, or what may hold or name some, in a folder or below it.
pub(super) fn is_in(dir: &Path) -> bool {
    let files = account::files(dir);
    let named = |p: &PathBuf| ending(&name_of(p)) == "csv" && manifest::has_columns(p);
    files.iter().any(|p| {
        let name = name_of(p);
        let direct = p.parent() == Some(dir);
        is_sound(&name) || is_other_sound(&name) || direct && (name == edge_impulse::LIST || ending(&name) == "tar")
    }) || manifest::packed(&files).is_some() && files.iter().any(named)
}

fn find(dir: &Path) -> Result<(Layout, Listing), Error> {
    if let Some(listing) = edge_impulse::list(dir)? {
        return Ok((Layout::EdgeImpulse, listing));
    }
    if let Some(listing) = manifest::list(dir)? {
        return Ok((Layout::Manifest, listing));
    }
    let digits = digits::list(dir)?;
    // One file that is named like a digit does not make a corpus of digits out of words.
    let folders = words::scan(dir)?;
    match digits {
        Some(listing) if listing.clips.len() >= folders.clips() => Ok((Layout::Digits, listing)),
        _ if folders.clips() > 0 => words::list(dir, folders),
        _ => Err(Error::NoCorpus { dir: dir.into(), found: account::instead(dir)? }),
    }
}

/// Recordings of background noise in `dir`, if it is there.
fn noise(dir: &Path) -> Result<Vec<(String, Source)>, Error> {
    if !dir.is_dir() {
        return Ok(Vec::new());
    }
    let files = super::source::list(dir)?.into_iter();
    Ok(files
        .filter(|p| is_sound(&name_of(p)))
        .map(|p| (format!("{}/{}", name_of(dir), name_of(&p)), Source::file(p)))
        .collect())
}

/// What a folder's name says of the recordings in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Split(Split),
    Fold,
}

/// The part of a corpus that a folder is named after: train, testing, val_set, fold3; none for what can be a label.
fn part(name: &str) -> Option<Part> {
    const COMPANIONS: [&str; 12] =
        ["set", "data", "dataset", "audio", "wav", "wavs", "clips", "clean", "other", "files", "sounds", "speech"];
    let name = name.to_ascii_lowercase();
    let words: Vec<&str> = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty()).collect();
    let plain = |w: &str| w.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned();
    let fold = |w: &str| matches!(plain(w).as_str(), "fold" | "split" | "cv" | "part" | "partition");
    let numbered = name.ends_with(|c: char| c.is_ascii_digit());
    if numbered && words.first().is_some_and(|w| fold(w)) && words[1..].iter().all(|w| plain(w).is_empty()) {
        return Some(Part::Fold);
    }
    let (splits, others): (Vec<&str>, Vec<&str>) = words.iter().partition(|w| split(w).is_some());
    let [only] = splits[..] else { return None };
    let companion = |w: &&str| COMPANIONS.contains(w) || plain(w).is_empty();
    others.iter().all(companion).then(|| split(only).map(Part::Split)).flatten()
}

/// The split that a word names.
fn split(word: &str) -> Option<Split> {
    match word.to_ascii_lowercase().as_str() {
        "train" | "training" => Some(Split::Train),
        "valid" | "validation" | "val" | "dev" | "devel" | "development" => Some(Split::Valid),
        "test" | "testing" | "tst" | "eval" | "evaluation" => Some(Split::Test),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_that_are_parts_of_a_corpus() {
        for (name, wanted) in [
            ("train", Some(Part::Split(Split::Train))),
            ("Training", Some(Part::Split(Split::Train))),
            ("test_set", Some(Part::Split(Split::Test))),
            ("train-clean-100", Some(Part::Split(Split::Train))),
            ("val", Some(Part::Split(Split::Valid))),
            ("fold1", Some(Part::Fold)),
            ("Fold 10", Some(Part::Fold)),
            ("cv_3", Some(Part::Fold)),
            ("fold", None),
            ("train station", None),
            ("contest", None),
            ("yes", None),
            ("trains", None),
        ] {
            assert_eq!(part(name), wanted, "{name}");
        }
    }
}
