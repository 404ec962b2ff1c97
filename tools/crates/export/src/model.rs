//! A model as C: a header with its sizes and labels, a source with its words and its list of parts, a test.

use anyhow::{Context, Result};
use elman::blob::{Blob, Model};
use elman::net::SNAPSHOT_EXTRA_WORDS;
use elman_integer::{repack, synthetic, words_of};

use crate::literal::{c_string, comment, identifier};
use crate::{Core, parts};

/// Steps of the test that is written with a model.
const TEST_STEPS: usize = 8;

/// A model, packed for a core, as C has it.
#[derive(Clone, Debug)]
pub struct CModel {
    /// What its names begin with, and the names of its files.
    pub stem: String,
    /// Its name, harmless in a comment.
    pub name: String,
    /// Whether it runs whole sequences.
    pub sequence: bool,
    /// Whether it has front end and detector.
    pub listens: bool,
    words: Vec<u32>,
    parts: Vec<String>,
    sizes: Vec<(&'static str, usize, &'static str)>,
    labels: Vec<String>,
    fracs: [Vec<i8>; 2],
    frames: Vec<i16>,
    logits: Vec<i16>,
}

/// [`identifier`], but none that the header has.
fn stem(name: &str) -> String {
    let stem = identifier(name);
    if stem == "elman" || stem.starts_with("elman_") { format!("model_{stem}") } else { stem }
}

impl CModel {
    /// A blob for a core.
    ///
    /// # Errors
    /// Where the blob does not load, or the library for C does not run such models.
    pub fn new(blob: &[u8], core: &Core) -> Result<Self> {
        Self::with_test(blob, core, TEST_STEPS)
    }

    /// [`CModel::new`] with a test of so many steps.
    ///
    /// # Errors
    /// As [`CModel::new`].
    pub fn with_test(blob: &[u8], core: &Core, steps: usize) -> Result<Self> {
        let bytes = repack::for_core(blob, core.name)?;
        let words = words_of(&bytes)?;
        let model = Model::load(Blob::new(&words)).map_err(|e| anyhow::anyhow!("{e}"))?;
        let parts = parts::of(&model)?;
        let (frames, logits) = test(&model, steps)?;
        let sequence = model.max_steps() > 0;
        let listener = Blob::new(&words).listener_words();
        let listens = model.audio().is_some() && model.detect().is_some();
        let mut sizes = vec![
            ("BLOB_WORDS", words.len(), "Words (uint32_t) of the blob."),
            ("MEMORY_WORDS", model.memory_words(), "Words (uint32_t) of memory for a stream or sequence."),
            ("INPUTS", model.inputs(), "Elements (int16_t) of an input frame."),
            ("OUTPUTS", model.outputs(), "Elements (int16_t) of the output."),
            ("IN_FRAC", model.in_frac().into(), "Fraction bits of an input frame: x stands for x / 2^bits."),
            ("OUT_FRAC", model.out_frac().into(), "Fraction bits of the output."),
        ];
        match sequence {
            true => sizes.push(("MAX_STEPS", model.max_steps(), "Steps of the longest sequence.")),
            false => sizes.push((
                "SNAPSHOT_WORDS",
                model.memory_words() + SNAPSHOT_EXTRA_WORDS,
                "Words (uint32_t) of a snapshot.",
            )),
        }
        if model.feedback() > 0 {
            let text = "Elements of a frame in closed loop: elman_step_closed().";
            sizes.push(("EXTERNAL_INPUTS", model.external_inputs(), text));
        }
        if let Some(audio) = model.audio() {
            sizes.push(("SAMPLE_RATE", audio.sample_rate as usize, "Samples a second, in Hz."));
            sizes.push(("HOP", audio.hop.into(), "Samples from a frame to the next."));
        }
        if listens {
            sizes.push(("LISTENER_WORDS", listener, "Words (uint32_t) of memory for a listener."));
        }
        let fracs = [
            model.input_scaling().map_or(Vec::new(), |s| s.channels().map(|c| c.raw_frac).collect()),
            model.output_scaling().map_or(Vec::new(), |s| s.channels().map(|c| c.raw_frac).collect()),
        ];
        let labels = model.descriptor().labels.lines().map(str::to_owned).collect();
        let (stem, name) = (stem(model.name()), comment(model.name()));
        let words = words.clone();
        Ok(CModel { stem, name, sequence, listens, parts, sizes, labels, fracs, frames, logits, words })
    }

    /// What its macros begin with.
    pub fn upper(&self) -> String {
        self.stem.to_uppercase()
    }

    /// Names of the parts that it needs: functions `elman_part_NAME`.
    pub fn parts(&self) -> &[String] {
        &self.parts
    }

    /// Whether its outputs have labels.
    pub fn labelled(&self) -> bool {
        !self.labels.is_empty()
    }

    /// Frames of the test, one after the other.
    pub fn test_frames(&self) -> &[i16] {
        &self.frames
    }

    /// Their outputs.
    pub fn test_logits(&self) -> &[i16] {
        &self.logits
    }

    /// Bytes of the blob.
    pub fn bytes(&self) -> usize {
        self.words.len() * 4
    }

    /// Steps of the test.
    pub fn test_steps(&self) -> usize {
        self.logits.len() / self.size("OUTPUTS").max(1)
    }

    fn size(&self, name: &str) -> usize {
        self.sizes.iter().find(|(n, ..)| *n == name).map_or(0, |(_, value, _)| *value)
    }

    /// The header `STEM.h`.
    pub fn header(&self) -> String {
        let (stem, upper) = (&self.stem, self.upper());
        let sizes: String = self
            .sizes
            .iter()
            .map(|(name, value, text)| format!("/** {text} */\n#define {upper}_{name} {value}u\n"))
            .collect();
        let labels: String = self
            .labels
            .iter()
            .enumerate()
            .map(|(k, label)| format!("#define {upper}_LABEL_{k} {}\n", c_string(label)))
            .collect();
        let labels = match self.labels.is_empty() {
            true => String::new(),
            false => format!(
                "/** Labels of the outputs, in UTF-8. */\n{labels}extern const char *const {stem}_labels[{upper}_OUTPUTS];\n\n"
            ),
        };
        let fracs = ["input", "output"].iter().zip(&self.fracs).filter(|(_, fracs)| !fracs.is_empty());
        let fracs: String = fracs
            .map(|(what, fracs)| {
                format!(
                    "/** Fraction bits of each {what}'s reading: a number v is round(v * 2^bits). */\nextern const int8_t \
                     {stem}_{what}_reading_frac[{}];\n\n",
                    fracs.len()
                )
            })
            .collect();
        format!(
            "/** @file\n * Model `{name}`, written by `elman export`.\n */\n#ifndef {upper}_H\n#define {upper}_H\n\n#include \
             \"elman.h\"\n\n#ifdef __cplusplus\nextern \"C\" {{\n#endif\n\n{sizes}\n{labels}{fracs}/** The blob: it is read in \
             place, in flash. */\nextern const uint32_t {stem}_blob[{upper}_BLOB_WORDS];\n/** The layers and parts that it needs, for \
             elman_load(). */\nextern const elman_part_t {stem}_parts[];\n\n/** elman_load() of this model. */\nstatic inline \
             elman_status_t {stem}_load(elman_model_t *model, elman_error_t *error) {{\n    return elman_load(model, {stem}_blob, \
             {upper}_BLOB_WORDS, {stem}_parts, error);\n}}\n\n#ifdef __cplusplus\n}}\n#endif\n\n#endif\n",
            name = self.name,
        )
    }

    /// The source `STEM.c`.
    pub fn source(&self) -> String {
        let (stem, upper) = (&self.stem, self.upper());
        let parts: String = self.parts.iter().map(|part| format!("    elman_part_{part},\n")).collect();
        let labels = match self.labels.is_empty() {
            true => String::new(),
            false => {
                let names: String = (0..self.labels.len()).map(|k| format!("    {upper}_LABEL_{k},\n")).collect();
                format!("const char *const {stem}_labels[{upper}_OUTPUTS] = {{\n{names}}};\n\n")
            }
        };
        let fracs = ["input", "output"].iter().zip(&self.fracs).filter(|(_, fracs)| !fracs.is_empty());
        let fracs: String = fracs
            .map(|(what, fracs)| {
                let numbers: Vec<String> = fracs.iter().map(i8::to_string).collect();
                let numbers = numbers.join(", ");
                format!("const int8_t {stem}_{what}_reading_frac[{}] = {{{numbers}}};\n\n", fracs.len())
            })
            .collect();
        format!(
            "/* Model `{name}`, written by `elman export`. */\n#include \"{stem}.h\"\n\nconst elman_part_t {stem}_parts[] = \
             {{\n{parts}    NULL,\n}};\n\n{labels}{fracs}const uint32_t {stem}_blob[{upper}_BLOB_WORDS] = {{\n{words}}};\n",
            name = self.name,
            words = rows(self.words.iter().map(|w| format!("0x{w:08x}u")), 8),
        )
    }

    /// The header `STEM_test.h`: frames and the outputs that the host computed of them.
    pub fn test(&self) -> String {
        let (stem, upper) = (&self.stem, self.upper());
        let numbers = |of: &[i16]| rows(of.iter().map(i16::to_string), 12);
        format!(
            "/** @file\n * Frames for model `{name}`, and the outputs that the PC computed of them: a firmware gives the same, bit for \
             bit.\n */\n#ifndef {upper}_TEST_H\n#define {upper}_TEST_H\n\n#include \"{stem}.h\"\n\n/** Steps of the test. */\n#define \
             {upper}_TEST_STEPS {steps}u\n\nstatic const int16_t {stem}_test_frames[{upper}_TEST_STEPS * {upper}_INPUTS] = \
             {{\n{frames}}};\n\nstatic const int16_t {stem}_test_logits[{upper}_TEST_STEPS * {upper}_OUTPUTS] = \
             {{\n{logits}}};\n\n#endif\n",
            name = self.name,
            steps = self.test_steps(),
            frames = numbers(&self.frames),
            logits = numbers(&self.logits),
        )
    }
}

/// Numbers in lines of so many.
fn rows(numbers: impl Iterator<Item = String>, count: usize) -> String {
    let numbers: Vec<String> = numbers.collect();
    numbers.chunks(count).map(|row| format!("    {},\n", row.join(", "))).collect()
}

/// Frames of all kinds of values, and the logits of each step.
fn test(model: &Model<'_>, steps: usize) -> Result<(Vec<i16>, Vec<i16>)> {
    let steps = if model.max_steps() > 0 { steps.min(model.max_steps()) } else { steps };
    let mut frames = synthetic::frames(model.inputs(), steps, 11);
    if let Some(text) = model.text() {
        let symbols = text.len().max(1);
        frames.iter_mut().enumerate().for_each(|(k, x)| *x = (k * 7 % symbols) as i16);
    }
    let mut memory = vec![0; model.memory_words()];
    let mut logits = Vec::new();
    if model.max_steps() > 0 {
        let mut net = model.sequence(&mut memory).context("the model's test")?;
        net.run(&frames).context("the model's test")?.iter().for_each(|y| logits.extend_from_slice(y.logits));
    } else {
        let mut net = model.stream(&mut memory).context("the model's test")?;
        frames.chunks(model.inputs().max(1)).for_each(|frame| logits.extend_from_slice(net.step(frame).logits));
    }
    Ok((frames, logits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_never_those_of_the_library() {
        assert_eq!(stem("elman"), "model_elman");
        assert_eq!(stem("ELMAN step"), "model_elman_step");
        assert_eq!(stem("elmangesture"), "elmangesture");
        assert_eq!(stem("Key words-2"), "key_words_2");
    }

    #[test]
    fn a_header_has_sizes_labels_and_parts() {
        let mut model = synthetic::gestures(4, 3, 1);
        model.labels = ["wave", "gro\u{308}\u{df}e", "what??!"].map(str::to_owned).to_vec();
        let model = CModel::new(&model.to_blob().unwrap(), Core::find("m4").unwrap()).unwrap();
        let header = model.header();
        assert!(
            header.contains("_LABEL_1 \"gro\\314\\210\\303\\237e\"\n") && header.contains("what\\077\\077!"),
            "{header}"
        );
        assert!(header.is_ascii() && header.contains("_OUTPUTS 3u\n"), "{header}");
        assert!(model.source().contains("elman_part_dense,\n"), "{}", model.source());
        assert_eq!(model.test_steps(), TEST_STEPS);
    }
}
