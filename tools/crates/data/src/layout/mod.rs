//! Layouts of corpora on disk: one file each.

mod digits;
mod manifest;
mod words;

use super::source::Source;
use super::{Error, Split};
use std::fmt;
use std::path::Path;

/// Layout of a corpus' folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// A folder per word; validation_list.txt and testing_list.txt, or the hash rule of Speech Commands.
    Words,
    /// Files DIGIT_SPEAKER_INDEX.wav or .flac; index 0 to 4 is test, as Free Spoken Digit says.
    Digits,
    /// train.csv, valid.csv (or val.csv, dev.csv), test.csv with columns file, label and maybe speaker; the files in a
    /// tar of the same name, in the only tar there is, or in the folder.
    Manifest,
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Layout::Words => "a folder per word",
            Layout::Digits => "files DIGIT_SPEAKER_INDEX",
            Layout::Manifest => "csv manifests",
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
}

/// Finds out the layout of `dir` and lists its clips, in an order that depends on names only.
pub(super) fn list(dir: &Path) -> Result<(Layout, Listing), Error> {
    if !dir.is_dir() {
        let kind = if dir.exists() { std::io::ErrorKind::NotADirectory } else { std::io::ErrorKind::NotFound };
        return Err(Error::Io { path: dir.into(), reason: kind.into() });
    }
    let (layout, listing) = if let Some(listing) = manifest::list(dir)? {
        (Layout::Manifest, listing)
    } else if let Some(listing) = digits::list(dir)? {
        (Layout::Digits, listing)
    } else if let Some(listing) = words::list(dir)? {
        (Layout::Words, listing)
    } else {
        return Err(Error::NoCorpus { dir: dir.into() });
    };
    Ok((layout, listing))
}

/// Recordings of background noise in `dir`, if it is there.
fn noise(dir: &Path) -> Result<Vec<(String, Source)>, Error> {
    if !dir.is_dir() {
        return Ok(Vec::new());
    }
    let files = super::source::list(dir)?.into_iter();
    Ok(files
        .filter(|p| super::source::is_audio(&super::source::name_of(p)))
        .map(|p| (super::source::name_of(&p), Source::file(p)))
        .collect())
}
