//! `elman export`: blob, Rust module and C header.

use std::path::PathBuf;

use anyhow::{Context, Result};
use elman::blob::Model;
use serde::Serialize;

use super::literal::{c_string, comment, identifier};
use crate::ui::Ui;
use elman_data::files::write_atomically;
use elman_quant::model::ModelFile;
use elman_quant::repack;

/// Writes a model for firmware: the blob, a Rust module with its sizes and labels, a C header with its bytes.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  elman export runs/keywords --to firmware/src/model --core m55")]
pub struct Cmd {
    /// A blob, or a run folder
    pub model: PathBuf,
    /// Folder to write to; created where it does not exist
    #[arg(long, value_name = "DIR")]
    pub to: PathBuf,
    /// The core that it is for, which decides the order of the weights: m0, m3, m4, m7, m33, m55, rv32
    #[arg(long, value_name = "CORE", default_value = "m4")]
    pub core: String,
}

#[derive(Serialize)]
struct Exported {
    blob: PathBuf,
    rust: PathBuf,
    c: PathBuf,
    bytes: usize,
    layout: &'static str,
}

impl Cmd {
    /// Runs it.
    pub fn run(self, ui: Ui) -> Result<()> {
        let file = ModelFile::read(&self.model)?;
        let file = ModelFile::from_bytes(file.path(), &repack::for_core(&file.bytes(), &self.core)?)?;
        let model = file.model()?;
        std::fs::create_dir_all(&self.to).with_context(|| format!("cannot make {}", self.to.display()))?;
        let stem = identifier(model.name());
        let path = |ending: &str| self.to.join(format!("{stem}.{ending}"));
        let bytes = file.bytes();
        write_atomically(&path("elman"), &bytes)?;
        write_atomically(&path("rs"), rust(&stem, &model).as_bytes())?;
        write_atomically(&path("h"), c(&stem, &model, &bytes).as_bytes())?;
        for ending in ["elman", "rs", "h"] {
            ui.line(format!("wrote {}", path(ending).display()));
        }
        let layout = model.frame().layout;
        ui.line(format!("weights packed as `{}`, for {}", layout.name(), layout.cores()));
        ui.result(&Exported {
            blob: path("elman"),
            rust: path("rs"),
            c: path("h"),
            bytes: bytes.len(),
            layout: layout.name(),
        })
    }
}

fn labels<'a>(model: &Model<'a>) -> Vec<&'a str> {
    model.descriptor().labels.lines().collect()
}

fn rust(stem: &str, model: &Model<'_>) -> String {
    let labels = labels(model);
    format!(
        "//! Model `{name}`, written by `elman export`.\n\n\
         /// The blob, aligned in flash.\n\
         pub static BLOB: elman::Blob<'static> = elman::include_blob!(\"{stem}.elman\");\n\
         /// Words of memory for a stream.\n\
         pub const MEMORY_WORDS: usize = {memory};\n\
         /// Words of memory for the audio front end, 0 without one.\n\
         pub const AUDIO_WORDS: usize = {audio};\n\
         /// Elements of an input frame.\n\
         pub const INPUTS: usize = {inputs};\n\
         /// Elements of the output.\n\
         pub const OUTPUTS: usize = {outputs};\n\
         /// Fraction bits of the output.\n\
         pub const OUT_FRAC: u8 = {frac};\n\
         /// Labels of the outputs.\n\
         pub const LABELS: [&str; {count}] = {labels:?};\n\n\
         const _: () = assert!(MEMORY_WORDS == BLOB.memory_words() && AUDIO_WORDS == BLOB.audio_words());\n",
        name = comment(model.name()),
        memory = model.memory_words(),
        audio = model.frame().audio_words,
        inputs = model.inputs(),
        outputs = model.outputs(),
        frac = model.out_frac(),
        count = labels.len(),
    )
}

fn c(stem: &str, model: &Model<'_>, bytes: &[u8]) -> String {
    let upper = stem.to_uppercase();
    let words: Vec<String> = bytes
        .as_chunks::<32>()
        .0
        .iter()
        .map(|c| &c[..])
        .chain([bytes.as_chunks::<32>().1])
        .filter(|line| !line.is_empty())
        .map(|line| {
            let words = line.as_chunks::<4>().0.iter().map(|w| format!("0x{:08x}u", u32::from_le_bytes(*w)));
            format!("    {},\n", words.collect::<Vec<_>>().join(", "))
        })
        .collect();
    let labels: Vec<String> = labels(model).into_iter().map(c_string).collect();
    format!(
        "/* Model `{name}`, written by `elman export`. */\n\
         #ifndef {upper}_H\n#define {upper}_H\n#include <stdint.h>\n\n\
         #define {upper}_MEMORY_WORDS {memory}u\n#define {upper}_AUDIO_WORDS {audio}u\n\
         #define {upper}_INPUTS {inputs}u\n#define {upper}_OUTPUTS {outputs}u\n#define {upper}_OUT_FRAC {frac}u\n\n\
         static const char *const {stem}_labels[] = {{{labels}}};\n\n\
         static const uint32_t {stem}_blob[{count}] = {{\n{words}}};\n\n#endif\n",
        name = comment(model.name()),
        memory = model.memory_words(),
        audio = model.frame().audio_words,
        inputs = model.inputs(),
        outputs = model.outputs(),
        frac = model.out_frac(),
        labels = if labels.is_empty() { "0".to_owned() } else { labels.join(", ") },
        count = bytes.len() / 4,
        words = words.concat(),
    )
}
