//! `elman export`: blob, Rust module and C header; firmware in C.

use std::path::PathBuf;

use anyhow::{Context, Result};
use elman::blob::Model;
use elman::scaling::Channel;
use serde::Serialize;

use super::export_c::{CFlags, Written};
use super::export_float;
use crate::ui::Ui;
use elman_data::files::write_atomically;
use elman_export::literal::{c_string, comment, identifier};
use elman_quant::model::ModelFile;
use elman_quant::repack;

/// Writes a model for firmware: for Rust the blob and a module with its sizes and labels, for C a library and the model.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  elman export runs/keywords --to firmware/src/model --core m55\n  elman export runs/keywords --c \
                        firmware/keywords --core m4 --hard-float"
)]
pub struct Cmd {
    /// A blob, or a run folder
    pub model: PathBuf,
    /// Folder for the blob, a Rust module and a C header of the bytes; created where it does not exist. Or the float network of a run:
    /// model.onnx, model.safetensors
    #[arg(long, value_name = "DIR", required_unless_present_any = ["c", "arduino", "zephyr", "platformio"])]
    pub to: Option<PathBuf>,
    #[command(flatten)]
    for_c: CFlags,
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

#[derive(Serialize)]
struct ForC {
    for_c: Vec<Written>,
}

impl Cmd {
    /// Runs it.
    pub fn run(self, ui: Ui) -> Result<()> {
        if let Some(to) = &self.to
            && let Some(target) = export_float::target(to)
        {
            return export_float::run(&self.model, to, target, ui);
        }
        let file = ModelFile::read(&self.model)?;
        if self.for_c.any() {
            let for_c = self.for_c.write(&file.bytes(), &self.core, ui)?;
            if self.to.is_none() {
                return ui.result(&ForC { for_c });
            }
        }
        let Some(to) = &self.to else { return Ok(()) };
        let file = ModelFile::from_bytes(file.path(), &repack::for_core(&file.bytes(), &self.core)?)?;
        let model = file.model()?;
        std::fs::create_dir_all(to).with_context(|| format!("cannot make {}", to.display()))?;
        let stem = identifier(model.name());
        let path = |ending: &str| to.join(format!("{stem}.{ending}"));
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
         {scaling}const _: () = assert!(MEMORY_WORDS == BLOB.memory_words() && AUDIO_WORDS == BLOB.audio_words());\n",
        name = comment(model.name()),
        memory = model.memory_words(),
        audio = model.frame().audio_words,
        inputs = model.inputs(),
        outputs = model.outputs(),
        frac = model.out_frac(),
        count = labels.len(),
        scaling = rust_scaling(model),
    )
}

/// Fraction bits of readings, as constants.
fn rust_scaling(model: &Model<'_>) -> String {
    let list = |name: &str, what: &str, fracs: Vec<i8>| match fracs.is_empty() {
        true => String::new(),
        false => format!(
            "/// Fraction bits of the readings of each {what}: a number v is round(v * 2^frac).\n\
             pub const {name}: [i8; {}] = {fracs:?};\n\n",
            fracs.len()
        ),
    };
    let fracs = |channels: &mut dyn Iterator<Item = Channel>| channels.map(|c| c.raw_frac).collect::<Vec<i8>>();
    let input = model.input_scaling().map_or(Vec::new(), |s| fracs(&mut s.channels()));
    let output = model.output_scaling().map_or(Vec::new(), |s| fracs(&mut s.channels()));
    list("INPUT_RAW_FRAC", "input, for `Model::input_scaling().quantize_i32`", input)
        + &list("OUTPUT_RAW_FRAC", "output, from `Model::output_scaling().restore_i32`", output)
}

/// The scaling of inputs and outputs, as tables with their equations.
fn c_scaling(stem: &str, model: &Model<'_>) -> String {
    let table = |name: &str, equation: &str, channels: Vec<Channel>| match channels.is_empty() {
        true => String::new(),
        false => {
            // C has no literal for the smallest number.
            let offset = |c: &Channel| match c.offset {
                i32::MIN => "-2147483647 - 1".to_owned(),
                offset => offset.to_string(),
            };
            let row = |c: &Channel| format!("    {{{}, {}, {}, {}}},\n", offset(c), c.multiplier, c.shift, c.raw_frac);
            format!(
                "/* Of each channel: offset, multiplier m, shift, fraction bits of a reading (a number v is round(v * 2^frac)).\n   \
                 {equation} */\nstatic const int32_t {stem}_{name}[][4] = {{\n{}}};\n\n",
                channels.iter().map(row).collect::<String>()
            )
        }
    };
    let input = model.input_scaling().map_or(Vec::new(), |s| s.channels().collect());
    let output = model.output_scaling().map_or(Vec::new(), |s| s.channels().collect());
    table("input", "Element = floor(((reading - offset) * 2^shift * m + 2^31) / 2^32), saturated at 16 bits.", input)
        + &table("output", "Reading = offset + floor((output * m + 2^15) / 2^16), saturated at 32 bits.", output)
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
         static const char *const {stem}_labels[] = {{{labels}}};\n\n{scaling}\
         static const uint32_t {stem}_blob[{count}] = {{\n{words}}};\n\n#endif\n",
        name = comment(model.name()),
        memory = model.memory_words(),
        audio = model.frame().audio_words,
        inputs = model.inputs(),
        outputs = model.outputs(),
        frac = model.out_frac(),
        scaling = c_scaling(stem, model),
        labels = if labels.is_empty() { "0".to_owned() } else { labels.join(", ") },
        count = bytes.len() / 4,
        words = words.concat(),
    )
}
