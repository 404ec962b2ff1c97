//! `elman run --trace`: all that is computed of an input, as docs/trace.md says.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use elman::Model;
use elman::blob::Structure;
use elman::net::Node;
use elman::text::Text;
use serde::Serialize;

use super::run::Frames;
use super::run_tree;
use crate::ui::Ui;
use elman_pipeline as pipeline;
use elman_quant::model::ModelFile;
use elman_quant::trace::{self, Input};

/// Whether a file has inputs in integers, as a trace has them.
pub(super) fn is_inputs(path: &Path) -> bool {
    path.extension().is_some_and(|e| e.eq_ignore_ascii_case("json"))
}

/// The inputs of a trace, or of a file of the same form.
pub(super) fn inputs(path: &Path) -> Result<Vec<Input>> {
    let name = path.display();
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {name}"))?;
    trace::inputs(&text).with_context(|| name.to_string())
}

/// The lines of a text that have a symbol.
pub(super) fn of_text(model: &Model<'_>, text: Text<'_>, content: &str) -> Result<Vec<Input>> {
    let mut inputs = Vec::new();
    for (number, line) in content.lines().enumerate() {
        let (frames, nodes): (Vec<i16>, _) = match model.structure() {
            Structure::Tree { .. } if line.trim().is_empty() => continue,
            Structure::Tree { roots, .. } => {
                run_tree::input(text, line, roots.into()).with_context(|| format!("line {}", number + 1))?
            }
            _ => {
                let symbols = text.read(line.as_bytes()).map_err(|e| anyhow!("{e}"))?;
                (symbols.map(|k| k as i16).collect(), Vec::new())
            }
        };
        if frames.is_empty() {
            continue;
        }
        let node = |node: Node| match node {
            Node::Leaf(frame) => vec![frame],
            Node::Inner { left, right } => vec![left, right],
        };
        inputs.push(Input {
            text: Some(line.to_owned()),
            frames: frames.chunks(1).map(<[i16]>::to_vec).collect(),
            nodes: nodes.into_iter().map(node).collect(),
            ..Input::default()
        });
    }
    Ok(inputs)
}

/// A recording as samples; anything else as the frames that were read of it.
pub(super) fn of_frames(model: &Model<'_>, path: &Path, frames: &Frames) -> Result<Vec<Input>> {
    let table = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("csv") || e.eq_ignore_ascii_case("tsv"));
    let input = match model.audio().filter(|_| !table) {
        Some(audio) => Input { samples: pipeline::read_clip(path, audio)?.0, ..Input::default() },
        None => Input { frames: frames.iter().map(<[i16]>::to_vec).collect(), ..Input::default() },
    };
    Ok(vec![input])
}

/// What was written, where nothing else is printed.
#[derive(Debug, Serialize)]
pub(super) struct Traced {
    trace: PathBuf,
    inputs: usize,
}

/// Writes the trace of inputs to a file.
pub(super) fn write(to: &Path, file: &ModelFile, inputs: &[Input], ui: Ui) -> Result<Traced> {
    let text = trace::trace(file.words(), inputs)?;
    std::fs::write(to, text).with_context(|| format!("cannot write {}", to.display()))?;
    ui.note(format!("{} input(s) traced to {}", inputs.len(), to.display()));
    Ok(Traced { trace: to.to_owned(), inputs: inputs.len() })
}
