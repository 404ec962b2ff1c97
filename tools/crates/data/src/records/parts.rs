//! Which files of a folder are read, in which format, and for which split.

use super::{Format, RecordOptions, channels, classes, dgcnn, frames, pairs, ucr};
use crate::note::{names, said};
use crate::source::{list as entries, name_of};
use crate::{Error, NoteKind, Split};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A file, or the folder of a split.
#[derive(Clone, Debug)]
pub(super) struct DataFile {
    pub(super) path: PathBuf,
    pub(super) split: Split,
    /// The folder that it is in, where that is its label.
    pub(super) label: Option<String>,
}

/// What is to be read.
#[derive(Debug)]
pub(super) struct Listing {
    pub(super) format: Format,
    pub(super) parts: Vec<DataFile>,
    pub(super) notes: Vec<(NoteKind, String)>,
}

/// Finds out the format of `dir`, which may be a single file, and the parts of it.
pub(super) fn list(dir: &Path, options: &RecordOptions) -> Result<Listing, Error> {
    let all = match () {
        () if dir.is_dir() => entries(dir)?,
        () if dir.is_file() => vec![dir.to_path_buf()],
        () => {
            return Err(match std::fs::metadata(dir) {
                Err(reason) => Error::Io { path: dir.into(), reason },
                Ok(_) => {
                    let problem = "a pipe or a device, not a folder or a file".to_owned();
                    Error::File { file: dir.into(), problem }
                }
            });
        }
    };
    let mut paths: Vec<PathBuf> = all.into_iter().filter(|p| !is_documentation(&name_of(p))).collect();
    if !options.files.is_empty() {
        paths.retain(|p| options.files.split(',').any(|part| name_of(p).contains(part.trim())));
        if paths.is_empty() {
            let problem = format!("no file here has `{}` in its name (option `files`)", options.files);
            return Err(Error::File { file: dir.into(), problem });
        }
    }
    let format = match options.format {
        Some(format) => format,
        None => detect(dir, &paths)?,
    };
    let mut notes = Vec::new();
    let mut parts = Vec::new();
    let mut unnamed = Vec::new();
    if format == Format::Graphs {
        notes.extend(graphs_alone(&mut paths, options)?);
    }
    if format == Format::Frames && !paths.iter().any(|p| p.is_file()) {
        parts.extend(of_labels(&paths)?);
    }
    for path in paths.into_iter().filter(|p| p.is_dir() == format.wants_folders() && fits(p, format)) {
        match split_of(&name_of(&path)) {
            Some(split) => parts.push(DataFile { path, split, label: None }),
            None => unnamed.push(path),
        }
    }
    if parts.iter().any(|p| p.split == Split::Train) {
        notes.extend(unnamed.iter().map(|p| (NoteKind::SetAside, name_of(p))));
    } else if format == Format::Classes && parts.is_empty() {
        parts.push(DataFile { path: dir.into(), split: Split::Train, label: None });
    } else {
        parts.extend(unnamed.into_iter().map(|path| DataFile { path, split: Split::Train, label: None }));
    }
    if options.max_size > 0 {
        let too_large = |p: &DataFile| size(&name_of(&p.path)).is_some_and(|n| n > options.max_size);
        let left_out = |p: &DataFile| p.split != Split::Test && too_large(p);
        let greater: Vec<String> = parts.iter().filter(|p| left_out(p)).map(|p| name_of(&p.path)).collect();
        if !greater.is_empty() {
            let which = names(greater.iter().map(String::as_str));
            let most = options.max_size;
            notes.push(said(format!("{} file(s) of a size above max_size = {most} not read: {which}", greater.len())));
        }
        parts.retain(|p| !left_out(p));
    }
    let mut parts = one_set(dir, parts, &mut notes)?;
    if format == Format::Series {
        // What is a clock is decided by what is trained on.
        parts.sort_by_key(|p| p.split);
    }
    if parts.is_empty() {
        let problem = format!("nothing in it can be read as {format}");
        return Err(Error::File { file: dir.into(), problem });
    }
    Ok(Listing { format, parts, notes })
}

/// Tables in a folder for each label.
fn of_labels(folders: &[PathBuf]) -> Result<Vec<DataFile>, Error> {
    let mut parts = Vec::new();
    for folder in folders {
        let label = name_of(folder);
        for path in
            entries(folder)?.into_iter().filter(|p| p.is_file() && Format::of_name(&name_of(p)) == Some(Format::Series))
        {
            let split = split_of(&name_of(&path)).unwrap_or(Split::Train);
            parts.push(DataFile { path, split, label: Some(label.clone()) });
        }
    }
    Ok(parts)
}

/// Whether a path can be a part of the format: of mixed folders only the files that look like it.
fn fits(path: &Path, format: Format) -> bool {
    // Brackets go by any name, after the label of a table too, and translations are columns.
    let of_name = Format::of_name(&name_of(path));
    let columns = matches!(format, Format::Brackets | Format::Translation | Format::Ucr | Format::Frames);
    if format == Format::Frames && (of_name.is_none() || frames::is_labels(&name_of(path))) {
        return false;
    }
    path.is_dir() || of_name.is_none_or(|f| f == format || (columns && f == Format::Series))
}

fn detect(dir: &Path, paths: &[PathBuf]) -> Result<Format, Error> {
    let unknown = |hint: String| Error::NoRecords { dir: dir.into(), hint };
    let (folders, files): (Vec<&PathBuf>, Vec<&PathBuf>) = paths.iter().partition(|p| p.is_dir());
    if let Some(folder) = folders.iter().find(|p| split_of(&name_of(p)) == Some(Split::Train)) {
        return match () {
            () if folder.join(pairs::WORDS).is_file() => Ok(Format::Pairs),
            () if channels::files(folder)?.is_some() => Ok(Format::Channels),
            () if has_classes(&entries(folder)?) => Ok(Format::Classes),
            () => Err(unknown(format!("{}/ contains none of them", name_of(folder)))),
        };
    }
    if is_ucr(&files)? {
        return Ok(Format::Ucr);
    }
    if let Some(format) = graphs(dir, &files)? {
        return Ok(format);
    }
    let known: BTreeSet<Format> = files.iter().filter_map(|p| Format::of_name(&name_of(p))).collect();
    let mut formats = known.into_iter();
    match (formats.next(), formats.next()) {
        (Some(format), None) => return Ok(format),
        (Some(a), Some(b)) => {
            let problem = format!(
                "files of several formats ({a}; {b}); choose with option `format`, or with `files`, a part of the names"
            );
            return Err(Error::File { file: dir.into(), problem });
        }
        (None, _) => {}
    }
    if let (Some(file), true) = (files.first(), folders.is_empty())
        && let Some(format) = Format::of_first_line(file)?
    {
        return Ok(format);
    }
    let texts: Vec<&&PathBuf> = files.iter().filter(|p| classes::is_class(&name_of(p))).collect();
    match texts.len() {
        0 if files.is_empty() && !folders.is_empty() => {
            let names = folders.iter().map(|p| name_of(p)).collect::<Vec<_>>().join(", ");
            Err(unknown(format!("it contains folders only ({names}): name one of them")))
        }
        0 => Err(unknown(match files.first() {
            Some(file) => format!("`{}` is none of them", name_of(file)),
            None => "it is empty".to_owned(),
        })),
        1 => Ok(Format::Text),
        _ if texts.iter().any(|p| split_of(&name_of(p)).is_some()) => Ok(Format::Text),
        _ => Ok(Format::Classes),
    }
}

/// Whether the files are of the UCR archive: by their ending or the split in their name, and by how each begins.
fn is_ucr(files: &[&PathBuf]) -> Result<bool, Error> {
    let like = |p: &&&PathBuf| {
        let name = name_of(p).to_ascii_lowercase();
        let name = name.strip_suffix(".gz").unwrap_or(&name);
        let series = matches!(Format::of_name(name), None | Some(Format::Series));
        name.ends_with(".tsv") || series && split_of(name).is_some()
    };
    let like: Vec<&&PathBuf> = files.iter().filter(like).collect();
    for path in &like {
        if !path.is_file() || !ucr::begins(path)? {
            return Ok(false);
        }
    }
    Ok(!like.is_empty())
}

/// Whether there are files of graphs; an error with their names where they are of several sets.
fn graphs(dir: &Path, files: &[&PathBuf]) -> Result<Option<Format>, Error> {
    let mut found = Vec::new();
    for path in files.iter().filter(|p| p.is_file() && Format::of_name(&name_of(p)).is_none()) {
        if dgcnn::begins(path)? {
            found.push(name_of(path));
        }
    }
    match &found[..] {
        [] => Ok(None),
        [_] => Ok(Some(Format::Graphs)),
        several if several.iter().any(|name| split_of(name).is_some()) => Ok(Some(Format::Graphs)),
        several => {
            let problem = format!(
                "DGCNN graphs of several sets ({}); choose one with option `files`, and name its file of folds, if there is \
                 one, with `folds`",
                several.join(", ")
            );
            Err(Error::File { file: dir.into(), problem })
        }
    }
}

fn has_classes(paths: &[PathBuf]) -> bool {
    paths.iter().filter(|p| classes::is_class(&name_of(p))).count() > 1
}

/// Keeps the files that belong together: those of valid and test that are named like those of train.
fn one_set(dir: &Path, parts: Vec<DataFile>, notes: &mut Vec<(NoteKind, String)>) -> Result<Vec<DataFile>, Error> {
    let family = |p: &DataFile| family(&name_of(&p.path));
    let train: BTreeSet<String> =
        parts.iter().filter(|p| p.split == Split::Train && split_of(&name_of(&p.path)).is_some()).map(family).collect();
    if train.len() > 1 {
        let of = |f: &String, cut: fn(&str) -> &str| {
            let files = parts.iter().filter(|p| p.split == Split::Train && family(p) == *f);
            common(files.map(|p| cut(&name_of(&p.path)).to_owned()))
        };
        let mut choices: Vec<String> = train.iter().map(|f| of(f, before_split)).collect();
        let alone = |choice: &String| {
            let fits = |p: &&DataFile| p.split == Split::Train && name_of(&p.path).contains(choice.as_str());
            parts.iter().filter(fits).map(family).collect::<BTreeSet<_>>().len() == 1
        };
        if !choices.iter().all(alone) {
            choices = train.iter().map(|f| of(f, |name| name)).collect();
        }
        let problem = format!(
            "several sets in one folder ({}); choose one with option `files`, as in files = \"{}\"",
            choices.join(", "),
            choices[0]
        );
        return Err(Error::File { file: dir.into(), problem });
    }
    let kin: Vec<bool> = parts.iter().map(|p| train.contains(&family(p))).collect();
    let has_kin = |split: Split| parts.iter().zip(&kin).any(|(p, &kin)| p.split == split && kin);
    let kept: Vec<bool> = parts.iter().zip(&kin).map(|(p, &kin)| kin || !has_kin(p.split)).collect();
    let mut out = Vec::new();
    for (part, kept) in parts.iter().zip(kept) {
        match kept {
            true => out.push(part.clone()),
            false => notes.push((NoteKind::SetAside, name_of(&part.path))),
        }
    }
    Ok(out)
}

/// A name up to the sign before the word for its split; all of it where nothing stands there.
fn before_split(name: &str) -> &str {
    let at = words(name).find(|(_, word)| split_word(word).is_some()).map_or(0, |(at, _)| at);
    let stem = name[..at].trim_end_matches(['_', '-', '.']);
    if stem.is_empty() { name } else { stem }
}

/// What names begin with.
fn common(names: impl Iterator<Item = String>) -> String {
    let both = |a: String, b: String| a.chars().zip(b.chars()).take_while(|(a, b)| a == b).map(|(a, _)| a).collect();
    names.reduce(both).unwrap_or_default()
}

/// Keeps the files that hold graphs; a note on the others.
fn graphs_alone(paths: &mut Vec<PathBuf>, options: &RecordOptions) -> Result<Option<(NoteKind, String)>, Error> {
    let (mut others, mut kept) = (Vec::new(), Vec::new());
    for path in paths.iter().filter(|p| !p.is_dir()) {
        match dgcnn::begins(path)? {
            true => kept.push(path.clone()),
            false => others.push(name_of(path)),
        }
    }
    // Where none begins as graphs do, the reader says why.
    if kept.is_empty() {
        return Ok(None);
    }
    *paths = kept;
    others.retain(|name| *name != options.folds);
    let which = names(others.iter().map(String::as_str));
    let note =
        || said(format!("{} file(s) without graphs not read: {which}; `folds` names one of folds", others.len()));
    Ok((!others.is_empty()).then(note))
}

/// The split that a name tells, as `train`, `valid`, `val`, `dev`, `test` and their like stand in it between other
/// signs than letters.
pub(super) fn split_of(name: &str) -> Option<Split> {
    words(name).find_map(|(_, word)| split_word(word))
}

/// A name without the word for its split and the sign before it.
pub(super) fn without_split(name: &str) -> String {
    match words(name).find(|(_, word)| split_word(word).is_some()) {
        Some((at, word)) => {
            let before = name[..at].trim_end_matches(['_', '-', '.']);
            format!("{before}{}", &name[at + word.len()..])
        }
        None => name.to_owned(),
    }
}

/// The number after the word for the split, as 4 of `train4.gz`: the size of the file's examples.
pub fn size(name: &str) -> Option<usize> {
    let (at, word) = words(name).find(|(_, word)| split_word(word).is_some())?;
    let after = &name[at + word.len()..];
    let end = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
    after[..end].parse().ok()
}

/// What the names of one set share: digits left out, `#` for the split.
fn family(name: &str) -> String {
    let name = match words(name).find(|(_, word)| split_word(word).is_some()) {
        Some((at, word)) => format!("{}#{}", &name[..at], &name[at + word.len()..]),
        None => name.to_owned(),
    };
    let name = name.strip_suffix(".gz").unwrap_or(&name).to_ascii_lowercase().replace("_even", "").replace("_odd", "");
    name.chars().filter(|c| !c.is_ascii_digit()).collect()
}

/// Runs of letters and where they begin.
fn words(name: &str) -> impl Iterator<Item = (usize, &str)> {
    name.split(|c: char| !c.is_ascii_alphabetic())
        .filter(|w| !w.is_empty())
        .map(move |w| (w.as_ptr() as usize - name.as_ptr() as usize, w))
}

fn split_word(word: &str) -> Option<Split> {
    match word.to_ascii_lowercase().as_str() {
        "train" | "training" | "tra" => Some(Split::Train),
        "valid" | "validation" | "val" | "dev" | "devel" => Some(Split::Valid),
        "test" | "testing" | "tes" | "tst" => Some(Split::Test),
        _ => None,
    }
}

/// Files that tell about data instead of holding it.
pub(crate) fn is_documentation(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    ["SOURCE", "README", "LICENSE", "LICENCE", "UPSTREAM_", "COPYING", "NOTICE"].iter().any(|w| name.starts_with(w))
        || name.ends_with(".MD")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_by_name() {
        for (name, split) in [
            ("wnut17train.conll", Some(Split::Train)),
            ("emerging.dev.conll", Some(Split::Valid)),
            ("weiboNER_2nd_conll.train", Some(Split::Train)),
            ("pendigits_test_even.tes", Some(Split::Test)),
            ("JapaneseVowels_TEST_odd.ts", Some(Split::Test)),
            ("pendigits.tra", Some(Split::Train)),
            ("val", Some(Split::Valid)),
            ("training_log.csv", Some(Split::Train)),
            ("contest.txt", None),
            ("poet.tang.0.json.gz", None),
        ] {
            assert_eq!(split_of(name), split, "{name}");
        }
        assert_eq!((size("train4.gz"), size("test12_even"), size("d20s_train.tsv")), (Some(4), Some(12), None));
        assert_eq!(without_split("body_acc_x_train"), "body_acc_x");
        assert_eq!(family("GunPoint_TEST_even.ts"), family("GunPoint_TRAIN.ts"));
        assert_ne!(family("r2.17_dev.conllu.gz"), family("zh-ud-train.conllu.gz"));
    }
}
