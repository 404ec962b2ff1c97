//! What is in the folders of examples: kept in memory, so that ten thousand clips are listed at once, and looked at again every
//! second, so that what the command line does is seen.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::UNIX_EPOCH;

use serde::Serialize;

use crate::feed::Feed;
use crate::measure::{Measured, decode, measure};
use crate::project::{Area, BACKGROUND, Kind, Project};

/// An example's file.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its length in bytes.
    pub bytes: u64,
    /// When it was changed, in ms since 1970: with the length, what tells it from another.
    changed: u64,
    /// Length and levels, once they are known.
    pub measured: Option<Measured>,
    /// Whether it cannot be read.
    pub damaged: bool,
}

/// Examples by name, by class.
type Classes = BTreeMap<String, BTreeMap<String, Entry>>;

/// Largest recording that is measured, in bytes.
const MOST_BYTES: u64 = 256 << 20;
/// Files that are measured before the tabs get to know.
const BATCH: usize = 200;
/// Where lengths and levels are kept.
const CACHE: &str = "cache/levels.json";

/// Length, change and levels of files by their path in the project.
type Cache = HashMap<String, (u64, u64, Option<Measured>)>;

/// Everything that was found.
#[derive(Debug, Default)]
pub struct Index {
    areas: Mutex<BTreeMap<Area, Classes>>,
    notes: Mutex<BTreeMap<Area, Vec<String>>>,
    revision: AtomicU64,
}

/// A class as it is shown.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Class {
    /// Its label.
    pub name: String,
    /// Examples.
    pub clips: usize,
    /// Seconds of those that were measured.
    pub seconds: f64,
    /// Length of the shortest, in ms.
    pub shortest_ms: u32,
    /// Length of the longest, in ms.
    pub longest_ms: u32,
    /// Mean level, in dB.
    pub level_db: Option<f32>,
    /// Level of the loudest sample, in dB.
    pub peak_db: Option<f32>,
    /// Examples that are left out.
    pub excluded: usize,
    /// Examples whose length and levels are known.
    pub measured: usize,
    /// Examples that cannot be read.
    pub damaged: usize,
}

/// What is changed when, in ms since 1970.
fn stamp(about: &std::fs::Metadata) -> u64 {
    let changed = about.modified().ok().and_then(|t| t.duration_since(UNIX_EPOCH).ok());
    changed.map_or(0, |t| t.as_millis() as u64)
}

/// Whether a file may be an example.
fn is_example(kind: Kind, name: &str) -> bool {
    match kind {
        Kind::Clips => elman_data::is_sound(name),
        Kind::Tables => name.to_ascii_lowercase().ends_with(".csv"),
    }
}

impl Index {
    fn areas(&self) -> MutexGuard<'_, BTreeMap<Area, Classes>> {
        self.areas.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Grows whenever something was changed.
    pub fn revision(&self) -> u64 {
        self.revision.load(Ordering::SeqCst)
    }

    /// What was left out of an area, in sentences.
    pub fn notes(&self, area: Area) -> Vec<String> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).get(&area).cloned().unwrap_or_default()
    }

    /// Looks at an area again; whether it is another than before.
    pub fn scan(&self, project: &Project, area: Area) -> bool {
        let mut deeper = 0;
        let mut found = list(project, area, &mut deeper);
        let folder = area.folder();
        let mut notes = Vec::new();
        if deeper > 0 {
            notes.push(format!(
                "{deeper} folders within classes, or links, are not shown here; `elman data check {}` says what they hold",
                folder.display()
            ));
        }
        if let Err(fault) = project.inside(&folder) {
            notes.push(fault.text().to_owned());
        }
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).insert(area, notes);
        let mut areas = self.areas();
        let old = areas.entry(area).or_default();
        for (class, entries) in &mut found {
            let Some(known) = old.get(class) else { continue };
            for (name, entry) in entries {
                if let Some(known) = known.get(name).filter(|k| (k.bytes, k.changed) == (entry.bytes, entry.changed)) {
                    (entry.measured, entry.damaged) = (known.measured, known.damaged);
                }
            }
        }
        let changed = found != *old;
        if changed {
            *old = found;
            self.revision.fetch_add(1, Ordering::SeqCst);
        }
        changed
    }

    /// Looks at all of a kind, and tells the tabs where something is new.
    pub fn refresh(&self, project: &Project, kind: Kind, feed: &Feed) {
        let areas = Area::ALL.into_iter().filter(|area| area.kind == kind);
        // All of them are looked at.
        let changed = areas.map(|area| self.scan(project, area)).fold(false, |any, one| any | one);
        if changed {
            self.tell(kind, feed);
        }
    }

    fn tell(&self, kind: Kind, feed: &Feed) {
        #[derive(Serialize)]
        struct Data {
            kind: Kind,
            revision: u64,
        }
        feed.add("data", &Data { kind, revision: self.revision() });
    }

    /// The classes of a kind, the background last and apart.
    pub fn classes(&self, kind: Kind) -> (Vec<Class>, Option<Class>) {
        let areas = self.areas();
        let of = |excluded| areas.get(&Area { kind, excluded });
        let mut found: BTreeMap<String, Class> = BTreeMap::new();
        for (name, entries) in of(false).into_iter().flatten() {
            found.insert(name.clone(), summary(name, entries));
        }
        for (name, entries) in of(true).into_iter().flatten().filter(|(_, entries)| !entries.is_empty()) {
            let class = found.entry(name.clone()).or_insert_with(|| Class { name: name.clone(), ..Class::default() });
            class.excluded = entries.len();
        }
        let background = found.remove(BACKGROUND);
        (found.into_values().collect(), background)
    }

    /// Calls `each` with class, name and entry of an area's examples, of one class or of all, in order.
    pub fn each(&self, area: Area, class: Option<&str>, mut each: impl FnMut(&str, &str, &Entry)) {
        let areas = self.areas();
        let classes = areas.get(&area).into_iter().flatten();
        for (label, entries) in classes.filter(|(label, _)| class.is_none_or(|class| class == *label)) {
            entries.iter().for_each(|(name, entry)| each(label, name, entry));
        }
    }

    /// Measures what is not measured yet, a batch at a time; whether there was anything.
    pub fn measure(&self, project: &Project, feed: &Feed) -> bool {
        let mut wanted = Vec::new();
        for area in Area::ALL.into_iter().filter(|area| area.kind == Kind::Clips) {
            self.each(area, None, |class, name, entry| {
                if wanted.len() < BATCH && entry.measured.is_none() && !entry.damaged {
                    wanted.push((area, class.to_owned(), name.to_owned(), entry.clone()));
                }
            });
        }
        for (area, class, name, entry) in &wanted {
            let path = project.root().join(area.folder()).join(class).join(name);
            let bytes = if entry.bytes > MOST_BYTES { None } else { std::fs::read(&path).ok() };
            let sound = bytes.and_then(|bytes| decode(name, bytes).ok());
            let measured = sound.map(|sound| measure(&sound.samples, sound.rate));
            let mut areas = self.areas();
            let entry = areas.get_mut(area).and_then(|c| c.get_mut(class)).and_then(|c| c.get_mut(name));
            if let Some(entry) = entry {
                (entry.measured, entry.damaged) = (measured, measured.is_none());
            }
        }
        if !wanted.is_empty() {
            self.revision.fetch_add(1, Ordering::SeqCst);
            self.tell(Kind::Clips, feed);
        }
        !wanted.is_empty()
    }

    /// Lengths and levels that an earlier server found.
    pub fn remember(&self, project: &Project) {
        let bytes = project.own(CACHE).ok().and_then(|path| std::fs::read(path).ok());
        let Some(cache) = bytes.and_then(|bytes| serde_json::from_slice::<Cache>(&bytes).ok()) else { return };
        for (area, classes) in self.areas().iter_mut() {
            for (class, entries) in classes {
                for (name, entry) in entries {
                    let known = cache.get(&key(*area, class, name));
                    if let Some((_, _, measured)) = known.filter(|k| (k.0, k.1) == (entry.bytes, entry.changed)) {
                        (entry.measured, entry.damaged) = (*measured, measured.is_none());
                    }
                }
            }
        }
    }

    /// Writes lengths and levels for the next server.
    pub fn keep(&self, project: &Project) {
        let mut cache = Cache::new();
        for area in Area::ALL {
            self.each(area, None, |class, name, entry| {
                if entry.measured.is_some() || entry.damaged {
                    cache.insert(key(area, class, name), (entry.bytes, entry.changed, entry.measured));
                }
            });
        }
        // Without it, the next server measures again.
        let written = project
            .own(CACHE)
            .map(|path| serde_json::to_vec(&cache).map(|b| elman_data::files::write_atomically(&path, &b)));
        drop(written);
    }
}

fn key(area: Area, class: &str, name: &str) -> String {
    area.folder().join(class).join(name).to_string_lossy().into_owned()
}

fn list(project: &Project, area: Area, deeper: &mut usize) -> Classes {
    let mut classes = Classes::new();
    let Ok(folder) = project.inside(&area.folder()) else { return classes };
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let Ok(name) = entry.file_name().into_string() else { continue };
        // A link is neither: it may lead anywhere.
        if !entry.file_type().is_ok_and(|t| t.is_dir()) || crate::project::class(&name).is_err() {
            continue;
        }
        classes.insert(name, files(&entry.path(), area.kind, deeper));
    }
    let empty = project.own(format!("classes/{}", area.kind.folder())).ok().filter(|_| !area.excluded);
    for entry in empty.and_then(|folder| std::fs::read_dir(folder).ok()).into_iter().flatten().flatten() {
        let name = entry.file_name().into_string().ok();
        if let Some(name) = name.filter(|name| crate::project::class(name).is_ok()) {
            classes.entry(name).or_default();
        }
    }
    classes
}

fn files(folder: &Path, kind: Kind, deeper: &mut usize) -> BTreeMap<String, Entry> {
    let mut entries = BTreeMap::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let (Ok(name), Ok(about)) = (entry.file_name().into_string(), entry.metadata()) else { continue };
        if !about.is_file() {
            *deeper += 1;
        } else if is_example(kind, &name) && crate::project::part(&name).is_ok() {
            entries.insert(name, Entry { bytes: about.len(), changed: stamp(&about), measured: None, damaged: false });
        }
    }
    entries
}

fn summary(name: &str, entries: &BTreeMap<String, Entry>) -> Class {
    let measured: Vec<Measured> = entries.values().filter_map(|e| e.measured).collect();
    let levels = measured.iter().map(|m| m.level).sum::<f32>();
    Class {
        name: name.to_owned(),
        clips: entries.len(),
        seconds: measured.iter().map(|m| f64::from(m.ms) / 1000.0).sum(),
        shortest_ms: measured.iter().map(|m| m.ms).min().unwrap_or(0),
        longest_ms: measured.iter().map(|m| m.ms).max().unwrap_or(0),
        level_db: (!measured.is_empty()).then(|| levels / measured.len() as f32),
        peak_db: measured.iter().map(|m| m.peak).reduce(f32::max),
        excluded: 0,
        measured: measured.len(),
        damaged: entries.values().filter(|e| e.damaged).count(),
    }
}
