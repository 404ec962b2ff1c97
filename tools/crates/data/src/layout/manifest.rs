//! Csv manifests: `file,label[,speaker]`, one per split, over a tar or a folder.

use super::{Found, Listing};
use crate::source::{Shelf, list as entries, name_of};
use crate::{Error, Split};
use std::path::{Path, PathBuf};
use std::{fs, io};

/// Stems of manifests, and what split they are.
const STEMS: [(&str, Split); 6] = [
    ("train", Split::Train),
    ("manifest", Split::Train),
    ("valid", Split::Valid),
    ("val", Split::Valid),
    ("dev", Split::Valid),
    ("test", Split::Test),
];

pub(super) fn list(dir: &Path) -> Result<Option<Listing>, Error> {
    let mut listing = Listing::default();
    for (stem, split) in STEMS {
        let file = dir.join(format!("{stem}.csv"));
        if file.is_file() {
            read(&file, split, &shelf(dir, stem)?, &mut listing.clips)?;
        }
    }
    if listing.clips.is_empty() {
        // A single manifest of any other name is all there is.
        let all: Vec<PathBuf> = entries(dir)?.into_iter().filter(|p| name_of(p).ends_with(".csv")).collect();
        let [only] = &all[..] else { return Ok(None) };
        let name = name_of(only);
        read(only, Split::Train, &shelf(dir, name.trim_end_matches(".csv"))?, &mut listing.clips)?;
    }
    if listing.clips.is_empty() {
        return Ok(None);
    }
    listing.noise = super::noise(&dir.join("noise"))?;
    Ok(Some(listing))
}

/// Where the recordings of a manifest are.
fn shelf(dir: &Path, stem: &str) -> Result<Shelf, Error> {
    let own = dir.join(format!("{stem}.tar"));
    if own.is_file() {
        return Shelf::tar(&own);
    }
    let tars: Vec<PathBuf> = entries(dir)?.into_iter().filter(|p| name_of(p).ends_with(".tar")).collect();
    match &tars[..] {
        [only] => Shelf::tar(only),
        _ => Ok(Shelf::folder(dir)),
    }
}

fn read(file: &Path, split: Split, shelf: &Shelf, clips: &mut Vec<Found>) -> Result<(), Error> {
    let problem = |line: u64, problem: String| Error::Manifest { file: file.into(), line, problem };
    let text = fs::read_to_string(file).map_err(|e| match e.kind() {
        io::ErrorKind::InvalidData => problem(1, "not UTF-8 text; save it as UTF-8 with commas".into()),
        _ => Error::Io { path: file.into(), reason: e },
    })?;
    // The reader counts lines wrongly where they end in CR LF.
    let text = text.replace("\r\n", "\n");
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let header = reader.headers().map_err(|e| problem(1, e.to_string()))?.clone();
    let column = |name: &str| header.iter().position(|h| h.trim_start_matches('\u{feff}').eq_ignore_ascii_case(name));
    let need = |name: &str| {
        let have = header.iter().collect::<Vec<_>>().join(",");
        column(name)
            .ok_or_else(|| problem(1, format!("no column `{name}` in `{have}`; the first line names the columns")))
    };
    let (file_column, label_column, speaker_column) = (need("file")?, need("label")?, column("speaker"));
    for record in reader.records() {
        let record = record.map_err(|e| {
            let line = e.position().map_or(0, csv::Position::line);
            problem(line, format!("{e}; every line needs {} fields", header.len()))
        })?;
        let line = record.position().map_or(0, csv::Position::line);
        let field = |i: usize| record.get(i).filter(|v| !v.is_empty());
        let name = field(file_column).ok_or_else(|| problem(line, "no file name".into()))?;
        let label = field(label_column)
            .ok_or_else(|| problem(line, format!("`{name}` has no label; fill it in or delete the line")))?;
        let source = shelf.find(name).ok_or_else(|| Error::Missing {
            list: file.into(),
            line,
            name: name.into(),
            place: shelf.place.clone(),
        })?;
        let speaker = speaker_column.and_then(field).map(str::to_string);
        clips.push(Found { name: name.into(), label: label.into(), speaker, split, source });
    }
    Ok(())
}
