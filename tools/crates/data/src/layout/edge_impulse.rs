//! What Edge Impulse exports: `info.labels`, JSON that names each file with its category and label.

use super::{Found, Listing};
use crate::note::said;
use crate::source::{ClipStore, plain};
use crate::{Error, Split, is_sound, lines};
use serde::Deserialize;
use std::path::Path;

/// The list of files.
pub(super) const LIST: &str = "info.labels";

#[derive(Deserialize)]
struct Info {
    files: Vec<File>,
}

#[derive(Deserialize)]
struct File {
    path: String,
    #[serde(default)]
    category: String,
    #[serde(default)]
    label: Label,
}

#[derive(Default, Deserialize)]
#[serde(untagged)]
enum Label {
    Plain(String),
    One {
        label: String,
    },
    Several {
        labels: Vec<Stretch>,
    },
    #[default]
    None,
    Other(serde::de::IgnoredAny),
}

/// A stretch of a recording with a label of its own.
#[derive(Deserialize)]
struct Stretch {
    label: String,
}

impl Label {
    /// The label of the whole recording.
    fn whole(&self) -> Option<&str> {
        let label = match self {
            Label::Plain(label) | Label::One { label } => Some(label.as_str()),
            Label::Several { labels } => match &labels[..] {
                [first, rest @ ..] if rest.iter().all(|s| s.label == first.label) => Some(first.label.as_str()),
                _ => None,
            },
            Label::None | Label::Other(_) => None,
        };
        label.map(str::trim).filter(|l| !l.is_empty())
    }
}

pub(super) fn list(dir: &Path) -> Result<Option<Listing>, Error> {
    let file = dir.join(LIST);
    if !file.exists() {
        return Ok(None);
    }
    let problem = |line: usize, problem: String| Error::Line { file: file.clone(), line: line as u64, problem };
    let info: Info = serde_json::from_str(&lines::text(&file)?).map_err(|e| {
        problem(e.line(), format!("{e}; expected what Edge Impulse exports: files with path and label"))
    })?;
    let store = ClipStore::folder(dir);
    let mut listing = Listing::default();
    let (mut without, mut no_sound, mut first) = (0, 0, None);
    for entry in &info.files {
        let name = plain(&entry.path).map_err(|p| problem(1, p))?;
        if !is_sound(&name) {
            no_sound += 1;
            continue;
        }
        let Some(label) = entry.label.whole() else {
            without += 1;
            first.get_or_insert(name);
            continue;
        };
        let Some(source) = store.find(&name) else {
            let problem = format!("names `{name}`, which is not in {}; add it, or take it off the list", dir.display());
            listing.missing.push(Error::File { file: file.clone(), problem });
            continue;
        };
        let split = super::split(&entry.category).unwrap_or(Split::Train);
        listing.clips.push(Found { name, label: label.to_owned(), speaker: None, split, source });
    }
    if let Some(first) = first {
        let why = "no label, or several, and are left out";
        listing.notes.push(said(format!("{without} recording(s) of {LIST} have {why} (first: {first})")));
    }
    if listing.clips.is_empty() && listing.missing.is_empty() {
        let problem =
            format!("names no recording with a label ({no_sound} file(s) that are no sound, {without} without one)");
        return Err(Error::File { file, problem });
    }
    listing.clips.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(Some(listing))
}
