//! An Arduino library with precompiled code, as the library specification (1.5, revision 2.2) has it: `src/MCU/lib*.a`, where MCU is the
//! board's `build.mcu`.

use anyhow::Result;
use std::path::Path;

use crate::folder::fill;
use crate::{CModel, Core, Float, Folder, HEADER, Libraries};

/// Folders of `src` with a library: what boards call their core, and the library for it. With `-hardfp` a board's floats are in
/// registers, as those of Mbed's and STM32's cores are (`build.fpu`, `build.float-abi`).
const MCUS: &[(&str, &str, Float)] = &[
    ("cortex-m0", "m0", Float::Soft),
    ("cortex-m0plus", "m0", Float::Soft),
    ("cortex-m3", "m3", Float::Soft),
    ("cortex-m4", "m4", Float::Soft),
    ("cortex-m4/fpv4-sp-d16-softfp", "m4", Float::Soft),
    ("cortex-m4/fpv4-sp-d16-hard", "m4", Float::Hard),
    ("cortex-m7", "m7", Float::Soft),
    ("cortex-m7/fpv5-d16-softfp", "m7", Float::Soft),
    ("cortex-m7/fpv5-d16-hard", "m7", Float::Hard),
    ("cortex-m33", "m33", Float::Soft),
    ("cortex-m33/fpv5-sp-d16-hard", "m33", Float::Hard),
    ("cortex-m55", "m55", Float::Soft),
];

const PROPERTIES: &str = include_str!("templates/library.properties");
const SKETCH: &str = include_str!("templates/sketch.ino");

/// Writes the library. The blob is in it once for each layout of weights; the compiler takes the one of the board's core.
///
/// # Errors
/// Where the library for C does not run the model, there is no library for a core, or a file cannot be written.
pub fn write(path: &Path, blob: &[u8], libraries: &Libraries) -> Result<Folder> {
    let models = Layouts::new(blob)?;
    let stem = models.first().stem.clone();
    let values = [("STEM", stem.as_str()), ("UPPER", &models.first().upper()), ("NAME", &models.first().name)];
    let mut to = Folder::new(path)?;
    to.write("library.properties", fill(PROPERTIES, &[("STEM", &stem), ("VERSION", env!("CARGO_PKG_VERSION"))]))?;
    let mut built: Vec<(String, Vec<u8>)> = Vec::new();
    for (folder, core, float) in MCUS {
        let core = Core::find(core)?;
        let name = core.folder(*float);
        if !built.iter().any(|(n, _)| *n == name) {
            built.push((name.clone(), libraries.get(core, *float)?));
        }
        let library = built.iter().find(|(n, _)| *n == name).map_or(&[][..], |(_, bytes)| bytes);
        to.write(&format!("src/{folder}/libelman_{stem}.a"), library)?;
    }
    models.write(&mut to, "src/", "src/")?;
    to.write(&format!("examples/{stem}_example/{stem}_example.ino"), fill(SKETCH, &values))?;
    Ok(to)
}

/// A model for every layout of weights.
pub(crate) struct Layouts {
    /// The layout's name, its condition for the preprocessor, the model.
    models: Vec<(&'static str, &'static str, CModel)>,
}

/// Names of layouts, which macros of GCC choose them (in order), and a core of each.
const LAYOUTS: [(&str, &str, &str); 3] = [
    ("rows", "defined(__ARM_FEATURE_MVE)", "m55"),
    ("pairs", "defined(__ARM_FEATURE_DSP) && __ARM_FEATURE_DSP", "m4"),
    ("columns", "1", "m0"),
];

impl Layouts {
    pub(crate) fn new(blob: &[u8]) -> Result<Self> {
        let one = |(name, condition, core): (&'static str, &'static str, &str)| {
            Ok((name, condition, CModel::new(blob, Core::find(core)?)?))
        };
        Ok(Layouts { models: LAYOUTS.into_iter().map(one).collect::<Result<_>>()? })
    }

    /// All have the same sizes but that of the blob.
    pub(crate) fn first(&self) -> &CModel {
        &self.models[0].2
    }

    /// The header of the library, and header, source and test of the model, each a choice by the core that is compiled for.
    pub(crate) fn write(&self, to: &mut Folder, include: &str, source: &str) -> Result<()> {
        let stem = &self.first().stem;
        to.write(&format!("{include}elman.h"), HEADER)?;
        let choice = |text: &dyn Fn(&CModel) -> String| -> String {
            let mut all = String::new();
            for (k, (name, condition, model)) in self.models.iter().enumerate() {
                let directive = if k == 0 { "#if" } else { "#elif" };
                all += &format!("{directive} {condition} /* {name} */\n{}", text(model));
            }
            all + "#endif\n"
        };
        to.write(&format!("{include}{stem}.h"), choice(&CModel::header))?;
        to.write(&format!("{include}{stem}_test.h"), self.first().test())?;
        to.write(&format!("{source}{stem}.c"), choice(&CModel::source))
    }
}
