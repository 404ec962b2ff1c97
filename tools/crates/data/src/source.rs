//! Where the bytes of a clip are: a file, or a member of a tar.

use super::{Error, files, sniff, sound::Input};
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

/// The bytes of one recording on disk.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Source {
    path: PathBuf,
    /// Offset and length inside `path`, where that is a tar.
    member: Option<(u64, u64)>,
}

impl Source {
    pub(super) fn file(path: PathBuf) -> Self {
        Source { path, member: None }
    }

    /// The file, or the tar.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Its bytes, read where they are needed.
    pub(super) fn input(&self) -> Result<Input, Error> {
        let (start, length) = match self.member {
            Some((offset, length)) => (offset, Some(length)),
            None => (0, None),
        };
        Input::file(files::open(&self.path)?, start, length).map_err(Error::io(&self.path))
    }
}

/// The recordings in a folder or in tars, by name.
#[derive(Debug)]
pub(super) struct ClipStore {
    /// The folder or the tar.
    pub(super) place: PathBuf,
    members: HashMap<String, Source>,
    folder: bool,
    /// Members that have the name of one before them.
    pub(super) twice: Vec<String>,
}

impl ClipStore {
    /// Names are paths below `dir`.
    pub(super) fn folder(dir: &Path) -> Self {
        ClipStore { place: dir.to_path_buf(), members: HashMap::new(), folder: true, twice: Vec::new() }
    }

    /// Names are those of the tar's members.
    pub(super) fn tar(path: &Path) -> Result<Self, Error> {
        let mut start = Vec::new();
        files::open(path)?.take(512).read_to_end(&mut start).map_err(Error::io(path))?;
        let problem = |problem: String| Error::File { file: path.into(), problem };
        if let Some(kind) = sniff::known(&start).filter(|kind| kind.what != "a tar archive") {
            return Err(problem(format!("{}, no tar; {}", kind.what, kind.way)));
        }
        let mut store = ClipStore { folder: false, ..ClipStore::folder(path) };
        match store.index(path) {
            Ok(()) => Ok(store),
            Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied) => Err(Error::io(path)(e)),
            Err(_) => Err(problem(
                "no tar, or one that is cut off or damaged; copy it again, or pack it again: tar -cf".into(),
            )),
        }
    }

    fn index(&mut self, path: &Path) -> std::io::Result<()> {
        let mut archive = tar::Archive::new(File::open(path)?);
        for entry in archive.entries_with_seek()? {
            let entry = entry?;
            if entry.header().entry_type().is_file() {
                let name = entry.path()?.to_string_lossy().trim_start_matches("./").to_string();
                let member = Some((entry.raw_file_position(), entry.size()));
                if self.members.insert(name.clone(), Source { path: path.to_path_buf(), member }).is_some() {
                    self.twice.push(name);
                }
            }
        }
        Ok(())
    }

    /// The recording called `name`, which was checked by [`plain`].
    pub(super) fn find(&self, name: &str) -> Option<Source> {
        if self.folder {
            let path = self.place.join(name);
            path.is_file().then(|| Source::file(path))
        } else {
            self.members.get(name).cloned()
        }
    }

    /// All recordings of a tar, by name.
    pub(super) fn members(&self) -> impl Iterator<Item = (&str, &Source)> {
        self.members.iter().map(|(name, source)| (name.as_str(), source))
    }
}

/// A name in a list or a manifest as a path below its folder: `/` between its parts, nothing before them.
///
/// # Errors
/// Where it leads out of the folder.
pub(super) fn plain(name: &str) -> Result<String, String> {
    let name = name.replace('\\', "/");
    let drive = name.as_bytes().get(1) == Some(&b':') && name.starts_with(|c: char| c.is_ascii_alphabetic());
    if name.starts_with('/') || drive {
        return Err(format!("`{name}` is an absolute name; write it as it is below the folder of this file"));
    }
    if name.split('/').any(|part| part == "..") {
        return Err(format!("`{name}` leads out of the folder; recordings are in it, next to this file or below"));
    }
    let parts: Vec<&str> = name.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    Ok(parts.join("/"))
}

/// Entries of a folder in order of their names; hidden ones are left out.
pub(super) fn list(dir: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(dir).map_err(Error::io(dir))? {
        let path = entry.map_err(Error::io(dir))?.path();
        let name = name_of(&path);
        if !name.starts_with('.') && !is_of_system(&name) {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// Whether a name is of what systems leave in folders.
pub(super) fn is_of_system(name: &str) -> bool {
    name.starts_with("._")
        || matches!(
            name,
            ".DS_Store" | "__MACOSX" | "Thumbs.db" | "desktop.ini" | "System Volume Information" | "$RECYCLE.BIN"
        )
}

/// The last part of a path, as text.
pub(super) fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_in_their_folder() {
        assert_eq!(plain("./a\\b//c.wav").as_deref(), Ok("a/b/c.wav"));
        assert_eq!(plain("a..b.wav").as_deref(), Ok("a..b.wav"));
        for out in ["../a.wav", "a/../../b.wav", "a\\..\\..\\b.wav"] {
            assert!(plain(out).unwrap_err().contains("leads out of the folder"), "{out}");
        }
        for absolute in ["/etc/passwd", "C:\\x.wav", "\\\\server\\x.wav"] {
            assert!(plain(absolute).unwrap_err().contains("is an absolute name"), "{absolute}");
        }
    }
}
