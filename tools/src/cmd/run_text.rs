//! `elman run` on text: a line at a time through a model that reads symbols.

use anyhow::{Context, Result, bail, ensure};
use elman::blob::{Readout, Structure};
use elman::text::{Text, TextUnit};
use elman::{Model, RunError};
use serde::Serialize;

use super::run_tree;
use elman_pipeline::evaluate::score::Nats;
use elman_pipeline::evaluate::{host, is_too_large, larger_memory};

/// The answer of a model to a line.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Line {
    /// The line.
    text: String,
    /// Its label, where the model gives one for the whole.
    label: Option<String>,
    /// Its symbols with their labels, where the model gives one for each.
    tags: Vec<(String, String)>,
    /// Nats per symbol of a language model, the first symbol not counted.
    nats: Option<f64>,
    /// The sequence that a model writes for it.
    written: Option<String>,
    /// Why it has no answer, where it is larger than the model's memory allows.
    #[serde(skip_serializing_if = "Option::is_none")]
    too_large: Option<String>,
}

/// Symbols as text: characters joined, words separated.
pub fn written<'a>(symbols: impl Iterator<Item = &'a str>) -> String {
    let symbols: Vec<&str> = symbols.collect();
    let characters = symbols.iter().all(|s| s.chars().count() == 1);
    symbols.join(if characters { "" } else { " " })
}

impl Line {
    /// A line with one label.
    pub(super) fn labelled(text: String, label: String) -> Self {
        Line { text, label: Some(label), ..Line::default() }
    }

    /// A line without an answer, as it is larger than the model's memory allows; other errors stay errors.
    pub(super) fn too_large(model: &Model<'_>, place: &str, text: &str, error: RunError) -> Result<Line> {
        ensure!(is_too_large(&error), "{place}: {error}");
        let why = format!("{place}: {error}; {}", larger_memory(model.structure()));
        Ok(Line { text: text.to_owned(), too_large: Some(why), ..Line::default() })
    }

    /// As text.
    pub fn text(&self, unit: TextUnit) -> String {
        if let Some(why) = &self.too_large {
            return format!("{:<20} {}  ({why})", "does not fit", self.text);
        }
        if let Some(written) = &self.written {
            return format!("{}  ->  {written}", self.text);
        }
        match (&self.label, self.nats) {
            (Some(label), _) => format!("{label:<20} {}", self.text),
            (None, Some(nats)) => format!("{nats:.3} nats per symbol   {}", self.text),
            (None, None) => {
                let separator = if unit == TextUnit::Words { " " } else { "  " };
                self.tags.iter().map(|(s, t)| format!("{s}/{t}")).collect::<Vec<_>>().join(separator)
            }
        }
    }
}

/// The symbols of a line as written.
fn symbols(unit: TextUnit, line: &str) -> Vec<String> {
    match unit {
        TextUnit::Characters => line.chars().map(String::from).collect(),
        TextUnit::Words => line.split_whitespace().map(str::to_owned).collect(),
    }
}

/// Longest line in bytes: each of its symbols has an answer of its own.
const MOST_LINE: usize = 4 << 20;

/// Runs every line of `content` that has a symbol; states are reset before each.
///
/// # Errors
/// A line that cannot be read, by its number. One that is larger than the model's memory allows has no answer.
pub fn run(model: &Model<'_>, text: Text<'_>, name: &str, content: &str) -> Result<Vec<Line>> {
    let mut memory = vec![0; model.memory_words()];
    let mut lines = Vec::new();
    for (number, line) in content.lines().enumerate() {
        ensure!(
            line.len() <= MOST_LINE,
            "{name}:{}: a line of {} bytes, and {MOST_LINE} at most are one sequence; break it into lines",
            number + 1,
            line.len()
        );
        if let Structure::Tree { roots, .. } = model.structure() {
            if !line.trim().is_empty() {
                let place = format!("{name}:{}", number + 1);
                let read = run_tree::line(model, &mut memory, text, (&place, line), roots.into());
                lines.push(read.with_context(|| place)?);
            }
            continue;
        }
        let frames: Vec<i16> =
            text.read(line.as_bytes()).map_err(|e| anyhow::anyhow!("{e}"))?.map(|k| k as i16).collect();
        if frames.is_empty() {
            continue;
        }
        let place = || format!("{name}:{}", number + 1);
        let mut out = Line { text: line.to_owned(), ..Line::default() };
        if let Structure::Seq2seq { .. } = model.structure() {
            let symbols = match host::seq2seq::symbols(model, &mut memory, &frames) {
                Ok(symbols) => symbols,
                Err(e) => {
                    lines.push(Line::too_large(model, &place(), line, e)?);
                    continue;
                }
            };
            out.written = Some(written(symbols.into_iter().filter_map(|k| model.label(k as u16))));
            lines.push(out);
            continue;
        }
        let best = |scores: &[f64]| {
            let k = (1..scores.len()).fold(0, |best, k| if scores[k] > scores[best] { k } else { best });
            model.label(k as u16).map_or(format!("output {k}"), str::to_owned)
        };
        // Nothing is kept of a step but its answer: a line may have millions.
        let (last, language) = (model.readout() == Readout::Last, model.descriptor().labels.is_empty());
        let mut nats = Nats::default();
        let mut labels = Vec::new();
        let answer = |t: usize, scores: &[f64]| match (last, language) {
            (true, _) => out.label = Some(best(scores)),
            (false, true) => {
                frames.get(t + 1).into_iter().for_each(|next| nats.add(scores, usize::from(*next as u16)));
            }
            (false, false) => labels.push(best(scores)),
        };
        if let Err(e) = steps(model, &mut memory, &frames, answer) {
            lines.push(Line::too_large(model, &place(), line, e)?);
            continue;
        }
        match (last, language) {
            (true, _) => {}
            (false, true) => out.nats = Some(nats.mean()),
            (false, false) => out.tags = symbols(text.unit, line).into_iter().zip(labels).collect(),
        }
        lines.push(out);
    }
    Ok(lines)
}

/// An error where no line has an answer, as all are larger than the model's memory allows.
///
/// # Errors
/// Why the first is.
pub fn check_any_fits(lines: &[Line]) -> Result<()> {
    match lines.first().and_then(|l| l.too_large.as_ref()) {
        Some(why) if lines.iter().all(|l| l.too_large.is_some()) => bail!("{why}"),
        _ => Ok(()),
    }
}

/// Gives the logits of every step, in real numbers.
fn steps(
    model: &Model<'_>,
    memory: &mut [u32],
    frames: &[i16],
    mut answer: impl FnMut(usize, &[f64]),
) -> Result<(), RunError> {
    let mut scores = Vec::new();
    let each = |t: usize, output: elman::net::Output<'_>| {
        let unit = 2f64.powi(-i32::from(output.frac));
        scores.clear();
        scores.extend(output.logits.iter().map(|s| f64::from(*s) * unit));
        answer(t, &scores);
    };
    host::run(model, memory, frames.chunks(1), |_| true, each)
}
