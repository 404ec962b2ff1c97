//! Where the bytes of a clip are: a file, or a member of a tar.

use super::Error;
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// The bytes of one recording on disk.
#[derive(Clone, Debug)]
pub(super) struct Source {
    path: PathBuf,
    /// Offset and length inside `path`, where that is a tar.
    member: Option<(u64, u64)>,
}

impl Source {
    pub(super) fn file(path: PathBuf) -> Self {
        Source { path, member: None }
    }

    pub(super) fn read(&self) -> Result<Vec<u8>, Error> {
        let Some((offset, length)) = self.member else {
            return fs::read(&self.path).map_err(Error::io(&self.path));
        };
        let read = || {
            let mut file = File::open(&self.path)?;
            file.seek(SeekFrom::Start(offset))?;
            let mut bytes = Vec::new();
            file.take(length).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        read().map_err(Error::io(&self.path))
    }
}

/// The recordings in a folder or in tars, by name.
#[derive(Debug)]
pub(super) struct Shelf {
    /// The folder or the tar.
    pub(super) place: PathBuf,
    members: HashMap<String, Source>,
    folder: bool,
}

impl Shelf {
    /// Names are paths below `dir`.
    pub(super) fn folder(dir: &Path) -> Self {
        Shelf { place: dir.to_path_buf(), members: HashMap::new(), folder: true }
    }

    /// Names are those of the tar's members.
    pub(super) fn tar(path: &Path) -> Result<Self, Error> {
        let mut members = HashMap::new();
        let mut index = || {
            let mut archive = tar::Archive::new(File::open(path)?);
            for entry in archive.entries_with_seek()? {
                let entry = entry?;
                if entry.header().entry_type().is_file() {
                    let name = entry.path()?.to_string_lossy().trim_start_matches("./").to_string();
                    let member = Some((entry.raw_file_position(), entry.size()));
                    members.insert(name, Source { path: path.to_path_buf(), member });
                }
            }
            Ok(())
        };
        index().map_err(Error::io(path))?;
        Ok(Shelf { place: path.to_path_buf(), members, folder: false })
    }

    /// The recording called `name`.
    pub(super) fn find(&self, name: &str) -> Option<Source> {
        if self.folder {
            let path = self.place.join(name);
            path.is_file().then(|| Source::file(path))
        } else {
            self.members.get(name.trim_start_matches("./")).cloned()
        }
    }

    /// All recordings of a tar, by name.
    pub(super) fn members(&self) -> impl Iterator<Item = (&str, &Source)> {
        self.members.iter().map(|(name, source)| (name.as_str(), source))
    }
}

/// Whether a name ends as a recording does.
pub(super) fn is_audio(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    lower.ends_with(".wav") || lower.ends_with(".flac")
}

/// Entries of a folder in order of their names; hidden ones are left out.
pub(super) fn list(dir: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(dir).map_err(Error::io(dir))? {
        let path = entry.map_err(Error::io(dir))?.path();
        if !name_of(&path).starts_with('.') {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// The last part of a path, as text.
pub(super) fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
