//! A model file on disk.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use elman::blob::{Blob, Model};

use crate::{foreign, words_of};

/// Name of the blob in a run folder.
pub const MODEL: &str = "model.elman";

/// Most bytes of a file that may be a model; the longest memory of a microcontroller is a fraction of it.
const MOST_BYTES: u64 = 256 << 20;

/// The bytes of a regular file: a pipe would wait for ever, and a device never ends.
fn read(path: &Path) -> Result<Vec<u8>> {
    let about = std::fs::metadata(path)?;
    ensure!(about.is_file(), "it is a pipe or a device, not a file");
    ensure!(about.len() <= MOST_BYTES, "it has {} bytes, and a model at most {MOST_BYTES}", about.len());
    Ok(std::fs::read(path)?)
}

/// The words of a blob, and where they came from.
#[derive(Clone, Debug)]
pub struct ModelFile {
    path: PathBuf,
    words: Vec<u32>,
}

impl ModelFile {
    /// Reads `path`: a blob, or a run folder, whose `model.elman` is taken.
    ///
    /// # Errors
    /// Where the file cannot be read or is no blob that this build runs; the message names the file and the way out.
    pub fn read(path: &Path) -> Result<Self> {
        let path = if path.is_dir() { path.join(MODEL) } else { path.to_owned() };
        let name = path.display();
        if !path.exists() {
            bail!("{name} does not exist; `elman quantize RUN` writes it from a trained run");
        }
        let bytes = read(&path).with_context(|| format!("cannot read {name}"))?;
        if let Some(what) = foreign::what(&bytes) {
            bail!("{name} is no elman model, but {what}; `elman quantize RUN` writes one from a trained run");
        }
        let words = words_of(&bytes).with_context(|| format!("{name} is no model"))?;
        Model::load(Blob::new(&words)).map_err(|e| {
            anyhow::anyhow!("{name} is no model that this build runs: {e}; export it again from its run folder")
        })?;
        Ok(ModelFile { path, words })
    }

    /// A model that was just made.
    pub fn from_bytes(path: &Path, bytes: &[u8]) -> Result<Self> {
        Ok(ModelFile { path: path.to_owned(), words: words_of(bytes)? })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The blob's words.
    pub fn words(&self) -> &[u32] {
        &self.words
    }

    /// The blob's bytes.
    pub fn bytes(&self) -> Vec<u8> {
        self.words.iter().flat_map(|w| w.to_le_bytes()).collect()
    }

    /// The loaded model.
    pub fn model(&self) -> Result<Model<'_>> {
        Model::load(Blob::new(&self.words)).map_err(|e| anyhow::anyhow!("{}: {e}", self.path.display()))
    }
}
