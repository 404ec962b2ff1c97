//! A model file on disk.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use elman::blob::{Blob, Model};

use crate::words_of;

/// Name of the blob in a run folder.
pub const MODEL: &str = "model.elman";

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
        let bytes = std::fs::read(&path).with_context(|| format!("cannot read {name}"))?;
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
