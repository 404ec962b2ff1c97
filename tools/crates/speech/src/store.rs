//! Files that other people made: the neural voice, its speakers and a pronouncing dictionary, in the user's cache.
//!
//! | file | what | bytes | licence |
//! |---|---|---|---|
//! | kokoro-v1.0.int8.onnx | Kokoro-82M, weights of 8 bits | 92,361,271 | Apache-2.0, the ONNX export MIT |
//! | kokoro-js-1.2.1.tgz | 54 speakers | 24 MB | Apache-2.0 |
//! | cmu-pronouncing-dictionary-3.0.0.tgz | English words and phonemes | 1 MB | of the words BSD-2-Clause, of the package ISC |
//!
//! Each is known by its SHA-256, and checked in full each time before it is used.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use flate2::read::GzDecoder;

/// A file of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Its name.
    pub name: &'static str,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: &'static str,
}

/// The network.
pub const MODEL: Piece =
    Piece { name: "kokoro-v1.0.int8.onnx", sha256: "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb" };
/// The speakers.
pub const SPEAKERS: Piece =
    Piece { name: "kokoro-js-1.2.1.tgz", sha256: "1f0d0383ef0349af0bd9440d81dc12abbea3a5392eb645283eda876f537f5860" };
/// The dictionary.
pub const DICTIONARY: Piece = Piece {
    name: "cmu-pronouncing-dictionary-3.0.0.tgz",
    sha256: "ca16ac157e95277ffe1ca105a5ca2c833a15626024f15711c2a425da367b68ce",
};

/// Rows of a speaker's table, one for each number of tokens.
pub const STYLE_ROWS: usize = 510;
/// Values in a row.
pub const STYLE: usize = 256;

/// A folder with these files.
#[derive(Clone, Debug)]
pub struct Store {
    folder: PathBuf,
}

/// SHA-256 in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    hmac_sha256::Hash::hash(bytes).iter().fold(String::new(), |mut text, byte| {
        // Writing into a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

impl Store {
    /// `elman/voices` in the user's cache.
    pub fn of_user() -> Self {
        Self::at(&dirs::cache_dir().unwrap_or_else(std::env::temp_dir).join("elman/voices"))
    }

    /// In this folder.
    pub fn at(folder: &Path) -> Self {
        Store { folder: folder.to_owned() }
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where a file of it is.
    pub fn path(&self, piece: Piece) -> PathBuf {
        self.folder.join(piece.name)
    }

    /// Whether a file is there, whatever is in it.
    pub fn has(&self, piece: Piece) -> bool {
        self.path(piece).is_file()
    }

    /// Whether all that the neural voice needs is there.
    pub fn speaks(&self) -> bool {
        self.has(MODEL) && self.has(SPEAKERS) && self.python().is_file()
    }

    /// The Python of the environment that runs the network.
    pub fn python(&self) -> PathBuf {
        self.folder.join(if cfg!(windows) { "python/Scripts/python.exe" } else { "python/bin/python" })
    }

    /// The bytes of a file.
    ///
    /// # Errors
    /// Where it is missing, or its bytes are others than those it is known by.
    pub fn read(&self, piece: Piece) -> Result<Vec<u8>> {
        let path = self.path(piece);
        let bytes = std::fs::read(&path)
            .with_context(|| format!("{} is missing; `elman synth --setup` fetches it", path.display()))?;
        let found = sha256(&bytes);
        ensure!(
            found == piece.sha256,
            "{} is damaged: its SHA-256 is {found} instead of {}; `elman synth --setup` fetches it again",
            path.display(),
            piece.sha256
        );
        Ok(bytes)
    }

    /// The speakers by their names, each a table of [`STYLE_ROWS`] x [`STYLE`] values.
    ///
    /// # Errors
    /// As of [`Store::read`].
    pub fn speakers(&self) -> Result<BTreeMap<String, Vec<f32>>> {
        let mut speakers = BTreeMap::new();
        each(&self.read(SPEAKERS)?, |name, bytes| {
            if let Some(name) = name.strip_prefix("package/voices/").and_then(|name| name.strip_suffix(".bin")) {
                ensure!(bytes.len() == 4 * STYLE_ROWS * STYLE, "{}: {name} has {} bytes", SPEAKERS.name, bytes.len());
                let value = |b: &[u8]| b.try_into().map(f32::from_le_bytes).unwrap_or_default();
                speakers.insert(name.to_owned(), bytes.chunks_exact(4).map(value).collect());
            }
            Ok(())
        })?;
        ensure!(!speakers.is_empty(), "{} has no speakers", SPEAKERS.name);
        Ok(speakers)
    }

    /// The text of the dictionary.
    ///
    /// # Errors
    /// As of [`Store::read`].
    pub fn dictionary(&self) -> Result<String> {
        let mut text = None;
        each(&self.read(DICTIONARY)?, |name, bytes| {
            if name == "package/index.js" {
                text = Some(String::from_utf8(bytes).context("the dictionary is no UTF-8")?);
            }
            Ok(())
        })?;
        text.with_context(|| format!("{} has no index.js", DICTIONARY.name))
    }
}

/// The files of a packed archive.
fn each(packed: &[u8], mut take: impl FnMut(&str, Vec<u8>) -> Result<()>) -> Result<()> {
    let mut archive = tar::Archive::new(GzDecoder::new(packed));
    for entry in archive.entries()? {
        let mut entry = entry?;
        let name = entry.path()?.to_string_lossy().into_owned();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes)?;
        take(&name, bytes)?;
    }
    Ok(())
}

/// The one file with this name in a folder or those below it.
pub(crate) fn find(folder: &Path, name: &str) -> Result<PathBuf> {
    let mut left = vec![folder.to_owned()];
    while let Some(folder) = left.pop() {
        for entry in std::fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let path = entry?.path();
            if path.is_dir() {
                left.push(path);
            } else if path.file_name().is_some_and(|n| n == name) {
                return Ok(path);
            }
        }
    }
    bail!("there is no {name} in {}", folder.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_sha_256() {
        assert_eq!(sha256(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn what_is_missing_or_damaged_is_named_with_the_way_out() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::at(dir.path());
        assert!(!store.speaks());
        let missing = format!("{:#}", store.read(MODEL).unwrap_err());
        assert!(missing.contains("is missing; `elman synth --setup` fetches it"), "{missing}");
        std::fs::write(store.path(MODEL), b"half a file").unwrap();
        let damaged = format!("{:#}", store.read(MODEL).unwrap_err());
        assert!(damaged.contains("is damaged: its SHA-256 is") && damaged.contains("fetches it again"), "{damaged}");
        std::fs::write(store.path(SPEAKERS), b"\x1f\x8b").unwrap();
        assert!(store.speakers().unwrap_err().to_string().contains("damaged"));
    }
}
