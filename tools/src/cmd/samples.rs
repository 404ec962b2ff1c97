//! A few examples of what a model writes for what it reads.

use anyhow::{Result, anyhow};
use elman::blob::{Model, Structure};
use serde::{Deserialize, Serialize};

use super::run_text::written;
use elman_pipeline::evaluate::{host, is_too_large};
use elman_pipeline::{Answer, Encoding, Example, Frames};

/// How many.
const COUNT: usize = 8;

/// The sequence that the integer network writes for one source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Where the example came from.
    pub name: String,
    /// Symbols read; `?` for one that the model does not know.
    pub read: Vec<String>,
    /// Target symbols; `?` likewise.
    pub wanted: Vec<String>,
    /// Symbols written.
    pub said: Vec<String>,
    /// Of each symbol written and the end, the weights of those read; empty without attention.
    pub weights: Vec<Vec<f64>>,
}

impl Sample {
    /// As text.
    pub fn text(&self) -> String {
        let line = |symbols: &[String]| written(symbols.iter().map(String::as_str));
        let mark = if self.said == self.wanted { String::new() } else { format!("  (wanted {})", line(&self.wanted)) };
        format!("{}  ->  {}{mark}", line(&self.read), line(&self.said))
    }
}

/// Some examples, evenly spread, through a model that writes sequences; none of another.
///
/// # Errors
/// Where the model cannot run.
pub fn of(model: &Model<'_>, encoding: &Encoding, examples: &[Example]) -> Result<Vec<Sample>> {
    let (Structure::Seq2seq { .. }, Frames::Symbols(vocabulary)) = (model.structure(), &encoding.frames) else {
        return Ok(Vec::new());
    };
    let mut memory = vec![0; model.memory_words()];
    let count = COUNT.min(examples.len());
    let label = |k: &u32| encoding.labels.get(*k as usize).cloned().unwrap_or_else(|| "?".to_owned());
    let sample = |k: usize| {
        let example = &examples[k * examples.len() / count];
        let (said, weights) = match host::seq2seq::write(model, &mut memory, &example.frames) {
            // It is counted with the figures.
            Err(e) if is_too_large(&e) => return None,
            result => match result.map_err(|e| anyhow!("{}: {e}", example.name)) {
                Ok(written) => written,
                Err(e) => return Some(Err(e)),
            },
        };
        let symbol = |s: &i16| vocabulary.symbol(usize::from(*s as u16)).unwrap_or("?").to_owned();
        let wanted = if let Answer::Symbols(wanted) = &example.answer { &wanted[..] } else { &[] };
        let row = |a: Vec<u32>| a.into_iter().map(|a| f64::from(a) / 32768.0).collect();
        let attends = weights.iter().any(|w| !w.is_empty());
        Some(Ok(Sample {
            name: example.name.clone(),
            read: example.frames.iter().map(symbol).collect(),
            wanted: wanted.iter().map(label).collect(),
            said: said.iter().map(label).collect(),
            weights: if attends { weights.into_iter().map(row).collect() } else { Vec::new() },
        }))
    };
    (0..count).filter_map(sample).collect()
}
