//! Tables that name recordings and their labels: train.csv, valid.csv, test.csv over a tar or a folder, or metadata.csv as
//! Hugging Face has it, next to the folders of the splits or in them; train.tsv, dev.tsv and test.tsv of Common Voice.

use super::{Found, Listing, Part, digits, part, words};
use crate::lines::{self, Lines, is_blank};
use crate::note::said;
use crate::source::{ClipStore, list as entries, name_of, plain};
use crate::table::Table;
use crate::{Error, Split, ending};
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

/// Names of columns, the first as the docs have it.
const FILE: [&str; 12] = [
    "file",
    "file_name",
    "filename",
    "path",
    "filepath",
    "file_path",
    "audio",
    "wav",
    "clip",
    "recording",
    "wav_filename",
    "audio_path",
];
const LABEL: [&str; 9] = ["label", "class", "class_name", "category", "word", "keyword", "command", "labels", SENTENCE];
/// What Common Voice calls the word of its single words, whose recordings are in `clips/`.
const SENTENCE: &str = "sentence";
const SPEAKER: [&str; 7] = ["speaker", "speaker_id", "client_id", "subject", "user", "user_id", "person"];
const SPLIT: [&str; 4] = ["split", "subset", "set", "partition"];

/// More of them are read aloud, and are no classes.
const SENTENCES: usize = 50;

/// The table of a Hugging Face audio folder.
const METADATA: [&str; 3] = ["metadata.csv", "metadata.tsv", "metadata.jsonl"];

/// Archives whose members have no place of their own.
const PACKED: [&str; 7] = [".tar.gz", ".tgz", ".zip", ".tar.bz2", ".tar.xz", ".tar.zst", ".7z"];

/// A line of a manifest.
struct Row {
    line: u64,
    file: String,
    label: String,
    speaker: Option<String>,
    split: Option<String>,
}

pub(super) fn list(dir: &Path) -> Result<Option<Listing>, Error> {
    let mut listing = Listing::default();
    let files: Vec<PathBuf> = entries(dir)?.into_iter().filter(|p| !p.is_dir()).collect();
    for file in &files {
        if let Some((stem, split)) = stem(&name_of(file)) {
            let store = store(dir, &stem)?;
            listing.read(file, Some(split), &store, "")?;
            listing.shelves.push(store);
        }
    }
    if listing.is_empty() {
        hub(dir, &mut listing)?;
    }
    if listing.is_empty() {
        only(dir, &files, &mut listing)?;
    }
    if listing.is_empty() {
        return Ok(None);
    }
    if let (Some(archive), false) = (packed(&files), listing.missing.is_empty()) {
        let problem =
            "packed, and recordings are read from their places in a tar; unpack it (gunzip, unzip)".to_owned();
        return Err(Error::File { file: archive.clone(), problem });
    }
    let twice: Vec<&String> = listing.shelves.iter().flat_map(|s| &s.twice).collect();
    if let Some(first) = twice.first() {
        let note =
            format!("{} member(s) of a tar have the name of one before, which is lost (first: {first})", twice.len());
        listing.notes.push(said(note));
    }
    listing.shelves.retain(|s| s.members().next().is_some());
    listing.shelves.dedup_by(|a, b| a.place == b.place);
    let tars: Vec<PathBuf> = listing.shelves.iter().map(|s| s.place.clone()).collect();
    listing.taken.extend(tars);
    listing.note_doubles();
    listing.noise = super::noise(&dir.join("noise"))?;
    Ok(Some(listing))
}

/// The stem of a manifest's name, and its split.
fn stem(name: &str) -> Option<(String, Split)> {
    let (stem, ending) = name.rsplit_once('.')?;
    if !ending.eq_ignore_ascii_case("csv") && !ending.eq_ignore_ascii_case("tsv") {
        return None;
    }
    let split = if stem.eq_ignore_ascii_case("manifest") { Split::Train } else { super::split(stem)? };
    Some((stem.to_owned(), split))
}

/// Where the recordings of a manifest are.
fn store(dir: &Path, stem: &str) -> Result<ClipStore, Error> {
    let own = dir.join(format!("{stem}.tar"));
    if own.is_file() {
        return ClipStore::tar(&own);
    }
    let tars: Vec<PathBuf> =
        entries(dir)?.into_iter().filter(|p| ending(&name_of(p)) == "tar" && p.is_file()).collect();
    match &tars[..] {
        [only] => ClipStore::tar(only),
        _ => Ok(ClipStore::folder(dir)),
    }
}

pub(super) fn packed(files: &[PathBuf]) -> Option<&PathBuf> {
    files.iter().find(|p| PACKED.iter().any(|end| name_of(p).to_ascii_lowercase().ends_with(end)))
}

/// metadata.csv in the folders of the splits, or above them.
fn hub(dir: &Path, listing: &mut Listing) -> Result<(), Error> {
    for place in [dir.to_path_buf(), dir.join("data")].into_iter().filter(|p| p.is_dir()) {
        let above = if place == dir { String::new() } else { "data/".to_owned() };
        let mut folders = vec![(place.clone(), above.clone(), None)];
        for folder in entries(&place)?.into_iter().filter(|p| p.is_dir()) {
            if let Some(Part::Split(split)) = part(&name_of(&folder)) {
                let above = format!("{above}{}/", name_of(&folder));
                folders.push((folder, above, Some(split)));
            }
        }
        for (folder, above, split) in folders {
            let tables: Vec<PathBuf> = METADATA.iter().map(|name| folder.join(name)).filter(|p| p.is_file()).collect();
            if let Some(file) = tables.first().filter(|file| split.is_some() || has_columns(file)) {
                listing.read(file, split, &ClipStore::folder(&folder), &above)?;
            }
        }
    }
    Ok(())
}

/// The one table that names recordings and labels, whatever its own name.
fn only(dir: &Path, files: &[PathBuf], listing: &mut Listing) -> Result<(), Error> {
    let tables: Vec<&PathBuf> = files.iter().filter(|p| ending(&name_of(p)) == "csv").collect();
    let manifests: Vec<&PathBuf> = tables.iter().copied().filter(|p| has_columns(p)).collect();
    // A table next to folders of words describes something else.
    let companions = || Ok::<_, Error>(words::scan(dir)?.clips() > 0 || digits::list(dir)?.is_some());
    let chosen = match (&manifests[..], &tables[..]) {
        ([only], _) => only,
        ([], [only]) if !companions()? => only,
        _ => return Ok(()),
    };
    let store = store(dir, name_of(chosen).rsplit_once('.').map_or("", |(stem, _)| stem))?;
    listing.read(chosen, None, &store, "")?;
    listing.shelves.push(store);
    Ok(())
}

/// Whether a table has a column of files and one of labels.
pub(super) fn has_columns(file: &Path) -> bool {
    match ending(&name_of(file)).as_str() {
        "jsonl" => true,
        _ => Table::of_names(file).is_ok_and(|t| t.find(&FILE).is_some() && t.find(&LABEL).is_some()),
    }
}

impl Listing {
    fn is_empty(&self) -> bool {
        self.clips.is_empty() && self.missing.is_empty()
    }

    /// Reads a manifest whose names are those of a store; `above` stands before them in the names of clips.
    fn read(&mut self, file: &Path, split: Option<Split>, store: &ClipStore, above: &str) -> Result<(), Error> {
        let problem = |line: u64, problem: String| Error::Manifest { file: file.into(), line, problem };
        self.taken.insert(file.into());
        let rows = if ending(&name_of(file)) == "jsonl" { of_json(file)? } else { of_table(file)? };
        for Row { line, file: name, label, speaker, split: said } in rows {
            let name = plain(&name).map_err(|p| problem(line, p))?;
            if label.contains(['\n', '\r']) {
                return Err(problem(
                    line,
                    format!("the label {label:?} has a line break, which no model can carry; correct it"),
                ));
            }
            let below = name.split_once('/').and_then(|(folder, _)| match part(folder) {
                Some(Part::Split(split)) => Some(split),
                _ => None,
            });
            let own = match said {
                Some(word) => Some(super::split(&word).ok_or_else(|| {
                    problem(line, format!("`{word}` is no split; expected are train, valid and test"))
                })?),
                None => split.or(below),
            };
            let Some(source) = store.find(&name).or_else(|| store.find(&format!("clips/{name}"))) else {
                let (list, place) = (file.into(), store.place.clone());
                self.missing.push(Error::Missing { list, line, name, place });
                continue;
            };
            let name = format!("{above}{name}");
            self.clips.push(Found { name, label, speaker, split: own.unwrap_or(Split::Train), source });
        }
        Ok(())
    }

    /// Notes clips that are named twice, and takes those of one label and split once.
    fn note_doubles(&mut self) {
        let mut seen: HashMap<String, (String, Split)> = HashMap::new();
        let (mut twice, mut labels) = (Vec::new(), Vec::new());
        self.clips.retain(|clip| match seen.get(&clip.name) {
            Some((label, split)) if *label == clip.label && *split == clip.split => {
                twice.push(clip.name.clone());
                false
            }
            Some((label, _)) => {
                if *label != clip.label {
                    labels.push(format!("{}: {label} and {}", clip.name, clip.label));
                }
                true
            }
            None => {
                seen.insert(clip.name.clone(), (clip.label.clone(), clip.split));
                true
            }
        });
        if let Some(first) = twice.first() {
            self.notes.push(said(format!("{} clip(s) are named twice and taken once (first: {first})", twice.len())));
        }
        if let Some(first) = labels.first() {
            self.notes.push(said(format!("{} clip(s) have two labels (first: {first})", labels.len())));
        }
    }
}

fn of_table(file: &Path) -> Result<Vec<Row>, Error> {
    let table = Table::of_names(file).map_err(|e| match e {
        Error::Line { file, line, problem } => Error::Manifest { file, line, problem },
        other => other,
    })?;
    let problem = |line: u64, problem: String| Error::Manifest { file: file.into(), line, problem };
    let need = |names: &[&str]| {
        let have = table.names.join(",");
        let others = names[1..4].join("`, `");
        table.find(names).ok_or_else(|| {
            let what = format!("no column `{}` in `{have}`", names[0]);
            problem(table.line, format!("{what}, nor `{others}` and their like; the first line names the columns"))
        })
    };
    let (files, labels) = (need(&FILE)?, need(&LABEL)?);
    if table.names[labels].eq_ignore_ascii_case(SENTENCE) {
        let all: HashSet<&str> = table.rows.iter().filter_map(|(_, row)| Table::field(row, labels)).collect();
        if all.len() > SENTENCES && 2 * all.len() > table.rows.len() {
            let what = format!("the column `{SENTENCE}` has {} sentences in {} lines", all.len(), table.rows.len());
            let way = "a class needs many clips: keep the lines of some words, or add a column `label`";
            return Err(problem(table.line, format!("{what}; {way}")));
        }
    }
    let (speakers, splits) = (table.find(&SPEAKER), table.find(&SPLIT));
    let rows = table.rows.iter().map(|(line, row)| {
        let field = |c: Option<usize>| c.and_then(|c| Table::field(row, c)).map(str::to_owned);
        let file = field(Some(files)).ok_or_else(|| problem(*line, "no file name".into()))?;
        let label = field(Some(labels))
            .ok_or_else(|| problem(*line, format!("`{file}` has no label; fill it in or delete the line")))?;
        Ok(Row { line: *line, file, label, speaker: field(speakers), split: field(splits) })
    });
    rows.collect()
}

fn of_json(file: &Path) -> Result<Vec<Row>, Error> {
    let mut lines = Lines::open(file)?;
    let mut rows = Vec::new();
    while let Some((line, text)) = lines.next()? {
        if is_blank(text) {
            continue;
        }
        let row: serde_json::Map<String, serde_json::Value> = match serde_json::from_str(text) {
            Ok(row) => row,
            Err(e) => return Err(lines.problem(format!("{e}; expected an object with `file_name` and `label`"))),
        };
        let field = |names: &[&str]| {
            names.iter().find_map(|n| row.get(*n)).and_then(|v| match v {
                serde_json::Value::String(text) => Some(text.trim().to_owned()).filter(|t| !t.is_empty()),
                serde_json::Value::Number(number) => Some(number.to_string()),
                _ => None,
            })
        };
        let (Some(file), Some(label)) = (field(&FILE), field(&LABEL)) else {
            let shown = lines::shortened(text);
            return Err(lines.problem(format!("no `file_name` or no `label` in `{shown}`")));
        };
        rows.push(Row { line, file, label, speaker: field(&SPEAKER), split: field(&SPLIT) });
    }
    Ok(rows)
}
