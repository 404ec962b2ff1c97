//! What of a folder was not read, and why, in one line.

use super::Listing;
use crate::note::said;
use crate::records::is_documentation;
use crate::sound::{ending, is_other_sound};
use crate::source::{is_of_system, list, name_of};
use crate::{Error, NoteKind, is_sound};
use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Folders are looked into so deep: beyond that there are no recordings, and a link may lead round in a circle.
const DEPTH: usize = 8;

/// Endings of what is next to data and is none.
const COMPANIONS: [&str; 20] = [
    "py", "sh", "bat", "ipynb", "md", "rst", "pdf", "html", "css", "js", "toml", "yaml", "yml", "cfg", "ini", "log",
    "rs", "c", "h", "sha256",
];

/// Reasons with how many files each has.
#[derive(Default)]
struct Account {
    counts: BTreeMap<String, usize>,
    system: usize,
}

/// The files of a folder and of those below it, but hidden ones.
pub(super) fn files(dir: &Path) -> Vec<PathBuf> {
    fn walk(dir: &Path, depth: usize, found: &mut Vec<PathBuf>) {
        for path in list(dir).unwrap_or_default() {
            match path.is_dir() {
                true if depth > 0 => walk(&path, depth - 1, found),
                true => {}
                false => found.push(path),
            }
        }
    }
    let mut found = Vec::new();
    walk(dir, DEPTH, &mut found);
    found
}

/// The note, where something was not read.
pub(super) fn of(dir: &Path, listing: &Listing) -> Result<Option<(NoteKind, String)>, Error> {
    let sources = || listing.clips.iter().map(|c| &c.source).chain(listing.noise.iter().map(|(_, s)| s));
    let read: HashSet<&Path> = sources().map(|s| s.path()).chain(listing.taken.iter().map(|p| p.as_path())).collect();
    let members: HashSet<_> = sources().collect();
    let mut account = Account::default();
    account.walk(dir, &[], &read)?;
    for store in &listing.shelves {
        let others = store.members().filter(|(_, source)| !members.contains(source)).map(|(name, _)| name);
        let (system, others): (Vec<&str>, Vec<&str>) = others.partition(|name| name.split('/').any(is_of_system));
        account.system += system.len();
        let left = others.into_iter().filter(|name| is_sound(name)).count();
        account.add(left, format!("in {} that nothing names", name_of(&store.place)));
    }
    Ok(account.sentence())
}

/// What a folder without a corpus holds, for a message.
pub(super) fn instead(dir: &Path) -> Result<String, Error> {
    let mut account = Account::default();
    account.walk(dir, &[], &HashSet::new())?;
    Ok(account.list().map_or(String::new(), |list| format!(" (it holds {list})")))
}

impl Account {
    fn add(&mut self, files: usize, why: String) {
        if files > 0 {
            *self.counts.entry(why).or_default() += files;
        }
    }

    fn walk(&mut self, dir: &Path, above: &[String], read: &HashSet<&Path>) -> Result<(), Error> {
        for entry in fs::read_dir(dir).map_err(Error::io(dir))? {
            let path = entry.map_err(Error::io(dir))?.path();
            let name = name_of(&path);
            if is_of_system(&name) {
                self.system += count(&path, DEPTH.saturating_sub(above.len()));
            } else if name.starts_with('.') || read.contains(path.as_path()) {
                continue;
            } else if path.is_dir() {
                if above.len() < DEPTH {
                    self.walk(&path, &[above, &[name]].concat(), read)?;
                }
            } else if let Some(why) = why(&name, above) {
                self.add(1, why);
            }
        }
        Ok(())
    }

    /// Reasons, the most frequent first.
    fn list(&self) -> Option<String> {
        let mut reasons: Vec<(&String, &usize)> = self.counts.iter().collect();
        reasons.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let mut parts: Vec<String> = reasons.into_iter().map(|(why, count)| format!("{count} {why}")).collect();
        if self.system > 0 {
            parts.push(format!("{} that a system left (._*, .DS_Store, __MACOSX)", self.system));
        }
        (!parts.is_empty()).then(|| parts.join(", "))
    }

    fn sentence(&self) -> Option<(NoteKind, String)> {
        let all = self.counts.values().sum::<usize>() + self.system;
        self.list().map(|list| said(format!("{all} file(s) not read: {list}")))
    }
}

/// Why a file was not read; none for what says something about the corpus.
fn why(name: &str, above: &[String]) -> Option<String> {
    let ending = ending(name);
    let list = matches!(name, "validation_list.txt" | "testing_list.txt" | "info.labels");
    match above.iter().find(|folder| folder.starts_with('_')) {
        Some(folder) => Some(format!("in `{folder}`, as its name begins with _")),
        None if is_documentation(name) || list || COMPANIONS.contains(&&ending[..]) => None,
        None if is_other_sound(name) => Some(format!(".{ending} (convert them: ffmpeg -i INPUT OUTPUT.wav)")),
        None if is_sound(name) && above.is_empty() => Some(format!(".{ending} next to the folders or not named")),
        None if is_sound(name) && above.len() > 1 => Some(format!(".{ending} in folders too deep or not named")),
        None if is_sound(name) => Some(format!(".{ending} in `{}` that nothing names", above.concat())),
        None if ending.is_empty() => Some("without an ending".to_owned()),
        None => Some(format!(".{ending}")),
    }
}

/// Files in what may be a folder.
fn count(path: &Path, depth: usize) -> usize {
    match path.is_dir() {
        true if depth > 0 => {
            fs::read_dir(path).into_iter().flatten().flatten().map(|e| count(&e.path(), depth - 1)).sum()
        }
        true => 0,
        false => 1,
    }
}
