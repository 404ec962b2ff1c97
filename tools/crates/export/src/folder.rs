//! Files that are written together.

use anyhow::{Context, Result};
use std::path::{Path, PathBuf};

/// A folder that is written.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    written: Vec<PathBuf>,
}

impl Folder {
    /// A folder, made where it does not exist.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub fn new(path: &Path) -> Result<Self> {
        std::fs::create_dir_all(path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Folder { path: path.to_owned(), written: Vec::new() })
    }

    /// Writes a file, and the folders that it is in.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn write(&mut self, name: &str, bytes: impl AsRef<[u8]>) -> Result<()> {
        let path = self.path.join(name);
        let parent = path.parent().unwrap_or(&self.path);
        std::fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
        std::fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
        self.written.push(path);
        Ok(())
    }

    /// What was written, in order.
    pub fn written(&self) -> &[PathBuf] {
        &self.written
    }
}

/// A template with its `@NAME@` replaced.
pub(crate) fn fill(template: &str, values: &[(&str, &str)]) -> String {
    values.iter().fold(template.to_owned(), |text, (name, value)| text.replace(&format!("@{name}@"), value))
}
