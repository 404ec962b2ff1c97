//! A Zephyr module: module.yml, CMake, Kconfig and a sample.

use anyhow::Result;
use std::path::Path;

use crate::arduino::Layouts;
use crate::folder::fill;
use crate::{CORES, Float, Folder, Libraries, library};

const MODULE: &str = include_str!("templates/zephyr/module.yml");
const KCONFIG: &str = include_str!("templates/zephyr/Kconfig");
const CMAKE: &str = include_str!("templates/zephyr/CMakeLists.txt");
const SAMPLE_CMAKE: &str = include_str!("templates/zephyr/sample.cmake");
const SAMPLE_YAML: &str = include_str!("templates/zephyr/sample.yaml");
const SAMPLE_MAIN: &str = include_str!("templates/zephyr/main.c");

/// Writes the module.
///
/// # Errors
/// Where the library for C does not run the model, there is no library for a core, or a file cannot be written.
pub fn write(path: &Path, blob: &[u8], libraries: &Libraries) -> Result<Folder> {
    let models = Layouts::new(blob)?;
    let first = models.first();
    let (stem, upper) = (first.stem.clone(), first.upper());
    let values = [("STEM", stem.as_str()), ("UPPER", &upper), ("NAME", &first.name)];
    let mut to = Folder::new(path)?;
    to.write("zephyr/module.yml", fill(MODULE, &values))?;
    to.write("zephyr/Kconfig", fill(KCONFIG, &values))?;
    to.write("zephyr/CMakeLists.txt", fill(CMAKE, &values))?;
    models.write(&mut to, "include/", "src/")?;
    for core in CORES.iter().filter(|core| core.is_arm()) {
        for float in [Float::Soft, Float::Hard] {
            if core.target(float).is_ok() {
                to.write(&format!("lib/{}/{}", core.folder(float), library::NAME), libraries.get(core, float)?)?;
            }
        }
    }
    to.write("samples/self_test/CMakeLists.txt", fill(SAMPLE_CMAKE, &values))?;
    to.write("samples/self_test/prj.conf", format!("CONFIG_ELMAN_{upper}=y\n"))?;
    to.write("samples/self_test/sample.yaml", fill(SAMPLE_YAML, &values))?;
    to.write("samples/self_test/src/main.c", fill(SAMPLE_MAIN, &values))?;
    Ok(to)
}
