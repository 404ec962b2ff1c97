//! `elman export --c`, `--arduino`, `--zephyr`, `--platformio`: a model for firmware in C.

use std::path::PathBuf;

use anyhow::Result;
use elman_export::{CModel, Core, Float, Folder, Libraries, arduino, make, platformio, zephyr};
use serde::Serialize;

use crate::ui::Ui;

/// Folders for firmware in C.
#[derive(clap::Args, Debug)]
pub struct CFlags {
    /// Folder for C: the core's library, its header, the model as an array, an example, Makefile and CMakeLists.txt
    #[arg(long, value_name = "DIR")]
    c: Option<PathBuf>,
    /// Folder of an Arduino library, for every core
    #[arg(long, value_name = "DIR")]
    arduino: Option<PathBuf>,
    /// Folder of a Zephyr module, for every core of Arm's
    #[arg(long, value_name = "DIR")]
    zephyr: Option<PathBuf>,
    /// Folder of a PlatformIO library, for every core
    #[arg(long, value_name = "DIR")]
    platformio: Option<PathBuf>,
    /// Floats in registers of their unit (-mfloat-abi=hard), as the rest of the firmware
    #[arg(long, requires = "c")]
    hard_float: bool,
    /// Zip of the libraries of all cores, as a release has it; without it they are built from the sources
    #[arg(long, value_name = "ZIP")]
    libraries: Option<PathBuf>,
}

/// What was written.
#[derive(Serialize)]
pub struct Written {
    what: &'static str,
    files: Vec<PathBuf>,
    blob_bytes: usize,
}

impl CFlags {
    /// Whether something is asked for.
    pub fn any(&self) -> bool {
        [&self.c, &self.arduino, &self.zephyr, &self.platformio].iter().any(|path| path.is_some())
    }

    /// Writes the folders.
    ///
    /// # Errors
    /// Where the model does not run from C, there is no library, or a file cannot be written.
    pub fn write(&self, blob: &[u8], core: &str, ui: Ui) -> Result<Vec<Written>> {
        let libraries = Libraries::new(self.libraries.as_deref());
        let float = if self.hard_float { Float::Hard } else { Float::Soft };
        let mut all = Vec::new();
        let mut done = |what, bytes, folder: Folder| {
            let files = folder.written().to_vec();
            files.iter().for_each(|path| ui.line(format!("wrote {}", path.display())));
            all.push(Written { what, files, blob_bytes: bytes });
        };
        if let Some(path) = &self.c {
            let core = Core::find(core)?;
            let model = CModel::new(blob, core)?;
            done("c", model.bytes(), make::write(path, &model, core, float, &libraries)?);
        }
        if let Some(path) = &self.arduino {
            done("arduino", blob.len(), arduino::write(path, blob, &libraries)?);
        }
        if let Some(path) = &self.zephyr {
            done("zephyr", blob.len(), zephyr::write(path, blob, &libraries)?);
        }
        if let Some(path) = &self.platformio {
            done("platformio", blob.len(), platformio::write(path, blob, &libraries)?);
        }
        Ok(all)
    }
}
