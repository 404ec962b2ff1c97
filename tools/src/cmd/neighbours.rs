//! `elman neighbours`: the symbols that are near one another in a model's embedding.

use std::path::PathBuf;

use anyhow::{Result, bail};
use serde::Serialize;

use crate::ui::Ui;
use elman_pipeline::embedding::{Embedding, Neighbour};
use elman_quant::model::ModelFile;

/// Shows the symbols nearest to a word or character in a model's embedding.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  elman neighbours runs/snips tomorrow")]
pub struct Cmd {
    /// A blob, or a run folder
    pub model: PathBuf,
    /// The word or character
    pub word: String,
    /// How many
    #[arg(long, default_value_t = 10)]
    pub count: usize,
}

#[derive(Serialize)]
struct Neighbours<'a> {
    word: &'a str,
    neighbours: Vec<Neighbour>,
}

impl Cmd {
    /// Runs it.
    pub fn run(self, ui: Ui) -> Result<()> {
        let file = ModelFile::read(&self.model)?;
        let embedding = Embedding::of(&file.model()?).map_err(|e| e.context(file.path().display().to_string()))?;
        let Some(k) = embedding.find(&self.word) else {
            let near = embedding.symbols().iter().skip(1);
            let near =
                near.max_by(|a, b| strsim::jaro_winkler(a, &self.word).total_cmp(&strsim::jaro_winkler(b, &self.word)));
            bail!(
                "{} does not know `{}`{}",
                file.path().display(),
                self.word,
                near.map_or(String::new(), |n| format!("; did you mean `{n}`?"))
            );
        };
        let neighbours = embedding.neighbours(k, self.count);
        for n in &neighbours {
            ui.line(format!("{:.3}  {}", n.cosine, n.symbol));
        }
        ui.result(&Neighbours { word: &self.word, neighbours })
    }
}
