//! Speech Commands: a folder per word, maybe one per speaker in it; the splits in lists, or by the speakers. The same below
//! folders of splits or folds.

use super::{Found, Layout, Listing, Part, noise, part};
use crate::lines::{Lines, is_blank, trim};
use crate::note::{names as quoted, said};
use crate::source::{Source, list as entries, name_of, plain};
use crate::{Error, Split, is_sound, split};
use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};

/// The folder of recordings without speech.
const NOISE: &str = "_background_noise_";

/// Folders whose names begin with _ and are labels all the same, as models of this corpus call them.
const LABELS: [&str; 2] = ["_unknown_", "_silence_"];

/// Folders that may be words.
#[derive(Debug, Default)]
pub(super) struct Folders {
    words: Vec<Word>,
    /// Those without a recording.
    empty: Vec<PathBuf>,
}

/// A folder with recordings in it, or in the folders below it.
#[derive(Debug)]
struct Word {
    path: PathBuf,
    name: String,
    /// Recordings, and the folder below that they stand in.
    clips: Vec<(PathBuf, Option<String>)>,
}

impl Folders {
    /// Recordings in all of them.
    pub(super) fn clips(&self) -> usize {
        self.words.iter().map(|w| w.clips.len()).sum()
    }
}

/// Looks for folders with recordings, and for recordings in the folders below those.
pub(super) fn scan(dir: &Path) -> Result<Folders, Error> {
    let mut folders = Folders::default();
    let is_word = |name: &str| name != "noise" && (!name.starts_with('_') || LABELS.contains(&name));
    for path in entries(dir)?.into_iter().filter(|p| p.is_dir() && is_word(&name_of(p))) {
        let mut clips = Vec::new();
        for below in entries(&path)? {
            let name = name_of(&below);
            if below.is_dir() {
                let deeper = entries(&below)?.into_iter().filter(|p| is_sound(&name_of(p)) && !p.is_dir());
                clips.extend(deeper.map(|p| (p, Some(name.clone()))));
            } else if is_sound(&name) {
                clips.push((below, None));
            }
        }
        match clips.is_empty() {
            true => folders.empty.push(path),
            false => folders.words.push(Word { name: name_of(&path), path, clips }),
        }
    }
    Ok(folders)
}

/// The corpus of a folder of words, or of folders of splits.
pub(super) fn list(dir: &Path, folders: Folders) -> Result<(Layout, Listing), Error> {
    let parts: Vec<&str> = folders.words.iter().map(|w| &w.name[..]).filter(|name| part(name).is_some()).collect();
    let (layout, mut listing) = match parts.len() == folders.words.len() || several(&parts) {
        true => (Layout::Splits, splits(dir, &folders)?),
        false => (Layout::Words, words(dir, &folders)?),
    };
    if layout == Layout::Words && !parts.is_empty() {
        let others = folders.words.iter().map(|w| &w.name[..]).filter(|name| part(name).is_none());
        listing.notes.push(said(format!(
            "{} are taken for labels, as {} are next to them",
            quoted(parts.iter().copied()),
            quoted(others)
        )));
    }
    listing.noise = noise(&dir.join(NOISE))?;
    listing.noise.extend(noise(&dir.join("noise"))?);
    Ok((layout, listing))
}

/// Whether names are of several parts of one corpus: one alone can be a word.
fn several(names: &[&str]) -> bool {
    let parts: Vec<Part> = names.iter().filter_map(|name| part(name)).collect();
    parts.iter().filter(|p| **p == Part::Fold).count() > 1
        || parts.iter().any(|p| matches!(p, Part::Split(_)) && parts.iter().any(|q| q != p && *q != Part::Fold))
}

/// A folder per word.
fn words(dir: &Path, folders: &Folders) -> Result<Listing, Error> {
    folders.empty.iter().try_for_each(|folder| empty(folder))?;
    let mut listing = Listing::default();
    listing.take(folders, "", Split::Train);
    let valid = listing.named(dir, "validation_list.txt")?;
    let test = listing.named(dir, "testing_list.txt")?;
    if let Some(name) = valid.iter().flatten().find(|n| test.iter().flatten().any(|t| t == *n)) {
        return Err(Error::Duplicate { name: name.clone(), first: Split::Valid, second: Split::Test });
    }
    if valid.is_some() || test.is_some() {
        let (valid, test) = (valid.unwrap_or_default(), test.unwrap_or_default());
        for clip in &mut listing.clips {
            clip.split = match () {
                () if valid.contains(&clip.name) => Split::Valid,
                () if test.contains(&clip.name) => Split::Test,
                () => Split::Train,
            };
        }
    } else {
        listing.notes.extend(split::by_speakers(&mut listing.clips));
    }
    Ok(listing)
}

/// A folder that may be a word has to have recordings, unless it holds other things.
fn empty(folder: &Path) -> Result<(), Error> {
    let found = super::account::instead(folder)?;
    let other_things = !found.is_empty() && !found.contains("convert them") && !found.contains("too deep");
    match other_things {
        true => Ok(()),
        false => Err(Error::EmptyFolder { dir: folder.into(), found }),
    }
}

/// A folder per split or fold, and in it a folder per word.
fn splits(dir: &Path, folders: &Folders) -> Result<Listing, Error> {
    let mut listing = Listing::default();
    // The last fold validates; 10 comes after 9.
    let mut folds: Vec<&Word> = folders.words.iter().filter(|w| part(&w.name) == Some(Part::Fold)).collect();
    folds.sort_by_key(|w| {
        (w.name.chars().filter(char::is_ascii_digit).collect::<String>().parse::<u64>().ok(), &w.path)
    });
    let last = folds.last().filter(|_| folds.len() > 1).map(|w| &w.name);
    let parts: Vec<&Word> = folders.words.iter().filter(|w| part(&w.name).is_some()).collect();
    for word in &parts {
        let split = match part(&word.name) {
            Some(Part::Split(split)) => split,
            _ if last == Some(&word.name) => Split::Valid,
            _ => Split::Train,
        };
        listing.take(&scan(&word.path)?, &format!("{}/", word.name), split);
    }
    if listing.clips.is_empty() {
        let names: Vec<&str> = parts.iter().map(|w| &w.name[..]).collect();
        let first = parts.iter().find(|w| part(&w.name) == Some(Part::Split(Split::Train))).or(parts.first());
        let first = first.map_or(String::new(), |w| w.name.clone());
        return Err(Error::NoLabels { dir: dir.into(), names: quoted(names), first });
    }
    if let Some(last) = last {
        listing.notes.push(said(format!("folders of folds: `{last}` validates, all others are trained on")));
    }
    Ok(listing)
}

impl Listing {
    /// Takes the recordings of folders of words.
    fn take(&mut self, folders: &Folders, above: &str, split: Split) {
        let (mut nested, mut labels) = (0, BTreeSet::new());
        for word in &folders.words {
            let label = match LABELS.contains(&&word.name[..]) {
                true => word.name.trim_matches('_'),
                false => &word.name,
            };
            if label != word.name {
                labels.insert((&word.name[..], label));
            }
            for (path, below) in &word.clips {
                let file = name_of(path);
                let folder = below.as_ref().map_or(String::new(), |b| format!("{b}/"));
                nested += usize::from(below.is_some());
                let speaker = file.split_once("_nohash_").map(|(speaker, _)| speaker.to_owned());
                self.clips.push(Found {
                    name: format!("{above}{}/{folder}{file}", word.name),
                    label: label.to_owned(),
                    speaker: speaker.or_else(|| below.clone()),
                    split,
                    source: Source::file(path.clone()),
                });
            }
        }
        for (folder, label) in labels {
            self.notes.push(said(format!("the folder `{above}{folder}` is read as the label `{label}`")));
        }
        if nested > 0 {
            let way = "their names are taken for speakers, those above for labels";
            self.notes.push(said(format!("{nested} clip(s) stand in folders below those of the words; {way}")));
        }
    }

    /// The clips that a list names; `None` if there is no list. A list only parts what is there.
    fn named(&mut self, dir: &Path, list: &str) -> Result<Option<HashSet<String>>, Error> {
        let file = dir.join(list);
        if !file.exists() {
            return Ok(None);
        }
        let known: HashSet<&str> = self.clips.iter().map(|c| c.name.as_str()).collect();
        let mut lines = Lines::open(&file)?;
        let (mut names, mut absent, mut first) = (HashSet::new(), 0, None);
        while let Some((line, text)) = lines.next()? {
            if is_blank(text) {
                continue;
            }
            let name = plain(trim(text)).map_err(|problem| Error::Manifest { file: file.clone(), line, problem })?;
            match known.contains(&name[..]) {
                true => drop(names.insert(name)),
                false => {
                    absent += 1;
                    first.get_or_insert(name);
                }
            }
        }
        if let Some(first) = first {
            let there = names.len();
            self.notes.push(said(format!(
                "{list} names {absent} clip(s) that are not here (first: {first}); the {there} that are here are taken"
            )));
        }
        Ok(Some(names))
    }
}
