//! A PlatformIO library: library.json, and a script that links the library of the board's core.

use anyhow::Result;
use std::path::Path;

use crate::arduino::Layouts;
use crate::folder::fill;
use crate::{CORES, Float, Folder, Libraries, library};

const JSON: &str = include_str!("templates/library.json");
const SCRIPT: &str = include_str!("templates/platformio.py");
const MAIN: &str = include_str!("templates/sketch.ino");

/// Writes the library.
///
/// # Errors
/// Where the library for C does not run the model, there is no library for a core, or a file cannot be written.
pub fn write(path: &Path, blob: &[u8], libraries: &Libraries) -> Result<Folder> {
    let models = Layouts::new(blob)?;
    let first = models.first();
    let (stem, upper) = (first.stem.clone(), first.upper());
    let values =
        [("STEM", stem.as_str()), ("UPPER", &upper), ("NAME", &first.name), ("VERSION", env!("CARGO_PKG_VERSION"))];
    let mut to = Folder::new(path)?;
    to.write("library.json", fill(JSON, &values))?;
    to.write("link.py", SCRIPT)?;
    models.write(&mut to, "include/", "src/")?;
    for core in CORES.iter().filter(|core| core.is_arm()) {
        for float in [Float::Soft, Float::Hard] {
            if core.target(float).is_ok() {
                to.write(&format!("lib/{}/{}", core.folder(float), library::NAME), libraries.get(core, float)?)?;
            }
        }
    }
    to.write(&format!("examples/{stem}_example/{stem}_example.ino"), fill(MAIN, &values))?;
    Ok(to)
}
