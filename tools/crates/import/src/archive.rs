//! Zip files, as `torch.save` and Keras write them, with a bound on what they unpack to.

use std::io::{Cursor, Read};

use crate::{ImportError, MOST_BYTES, Result};

/// A zip file in memory.
pub struct Archive<'a> {
    zip: zip::ZipArchive<Cursor<&'a [u8]>>,
    /// Bytes that may still be unpacked.
    left: u64,
}

impl<'a> Archive<'a> {
    /// Opens it.
    pub fn open(bytes: &'a [u8]) -> Result<Self> {
        let zip = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|e| ImportError::damaged("the zip file", e))?;
        Ok(Archive { zip, left: MOST_BYTES })
    }

    /// Names of the files in it.
    pub fn names(&self) -> Vec<String> {
        self.zip.file_names().flatten().map(|name| name.into_owned()).collect()
    }

    /// The content of a file in it.
    pub fn read(&mut self, name: &str) -> Result<Vec<u8>> {
        let file = self.zip.by_name(name).map_err(|e| ImportError::damaged(format!("{name} in the zip file"), e))?;
        // The size in the directory may be a lie: what counts is what comes out.
        let mut bytes = Vec::new();
        let read = file.take(self.left + 1).read_to_end(&mut bytes);
        read.map_err(|e| ImportError::damaged(format!("{name} in the zip file"), e))?;
        match self.left.checked_sub(bytes.len() as u64) {
            Some(left) => self.left = left,
            None => return Err(ImportError::TooLarge { bytes: MOST_BYTES + 1, most: MOST_BYTES }),
        }
        Ok(bytes)
    }
}
