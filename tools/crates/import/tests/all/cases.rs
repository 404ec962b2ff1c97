//! The models of tests/import/models.zip.

use elman_import::Asked;
use elman_nn::LayerSpec;
use serde::Deserialize;
use std::io::Read;

/// A model with a sequence and what the framework makes of it.
#[derive(Debug, Deserialize)]
pub struct Case {
    /// Its file.
    pub file: String,
    /// The file's content.
    #[serde(skip)]
    pub bytes: Vec<u8>,
    /// Values a frame.
    pub inputs: usize,
    /// `[steps, inputs]`
    pub frames: Vec<f64>,
    /// `[outputs]`, or `[steps, outputs]`
    pub outputs: Vec<f64>,
    /// Whether there are outputs of every step.
    pub per_step: bool,
    /// Layers that a recipe names.
    #[serde(default)]
    pub recipe: Option<String>,
    /// The device's layers that it becomes.
    #[serde(default)]
    pub expect: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Layers {
    layers: Vec<LayerSpec>,
}

impl Case {
    /// What the file does not say.
    pub fn asked(&self) -> Asked {
        let layers = self.recipe.as_ref().map(|text| toml::from_str::<Layers>(text).expect("a recipe").layers);
        Asked { layers, per_step: self.per_step }
    }
}

/// All of them.
pub fn cases() -> Vec<Case> {
    const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../tests/import/models.zip");
    let file = std::fs::File::open(FILE).expect("tests/import/models.zip");
    let mut zip = zip::ZipArchive::new(file).expect("a zip file");
    let mut read = |name: &str| {
        let mut bytes = Vec::new();
        zip.by_name(name).expect(name).read_to_end(&mut bytes).expect(name);
        bytes
    };
    let mut cases: Vec<Case> = serde_json::from_slice(&read("cases.json")).expect("cases.json");
    cases.iter_mut().for_each(|case| case.bytes = read(&case.file));
    cases
}
