//! The text of a trace: JSON with a step on each line, so that a difference is one line.

use std::fmt::Write;

use anyhow::Result;
use elman::Model;
use elman::blob::{Direction, FORMAT_VERSION};
use serde::Serialize;

use super::{Example, LayerInfo, VERSION, chain_of};

/// Items of a list, each on a line.
fn lines<T: Serialize>(items: &[T]) -> Result<String> {
    let lines = items.iter().map(serde_json::to_string).collect::<serde_json::Result<Vec<_>>>()?;
    Ok(lines.join(",\n"))
}

/// The blob's bytes in hexadecimal.
fn hex(words: &[u32]) -> String {
    words.iter().flat_map(|w| w.to_le_bytes()).fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn layers(model: &Model<'_>) -> Vec<LayerInfo> {
    let info = |(layer, view): (usize, &elman::cell::LayerView<'_>)| LayerInfo {
        layer,
        chain: chain_of(model, layer).0,
        kind: view.spec().name,
        inputs: view.inputs(),
        units: view.units(),
        in_frac: view.in_frac(),
        out_frac: view.formats().out_frac,
        carried_frac: view.formats().carried_frac,
        backward: view.direction() == Direction::Backward,
    };
    model.layers().iter().enumerate().map(info).collect()
}

fn example(e: &Example) -> Result<String> {
    let input = serde_json::to_string(&e.input)?;
    let mut text = format!("{{\"input\":{input},\n\"steps\":[\n{}\n]", lines(&e.steps)?);
    if !e.drawn.is_empty() {
        let _ = write!(text, ",\n\"drawn\":{}", serde_json::to_string(&e.drawn)?);
    }
    if let Some(written) = &e.written {
        let _ = write!(text, ",\n\"written\":{}", serde_json::to_string(written)?);
    }
    if !e.search.is_empty() {
        let _ = write!(text, ",\n\"search\":[\n{}\n]", lines(&e.search)?);
    }
    text.push('}');
    Ok(text)
}

/// The whole file.
pub(super) fn text(model: &Model<'_>, words: &[u32], examples: &[Example]) -> Result<String> {
    let name = serde_json::to_string(model.name())?;
    let examples = examples.iter().map(example).collect::<Result<Vec<_>>>()?.join(",\n");
    Ok(format!(
        "{{\"trace\":{VERSION},\n\"format\":{FORMAT_VERSION},\n\"name\":{name},\n\"blob\":\"{}\",\n\"layers\":[\n{}\n],\n\"examples\":[\n{examples}\n]}}\n",
        hex(words),
        lines(&layers(model))?
    ))
}
