//! What recipes reached: docs/recipes.toml, and docs/recipes.md made from it.

use anyhow::{Context, Result};
use elman_pipeline::evaluate::Figure;
use elman_tools::ui::{bytes, thousands};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::{self, Write};

use elman_figures::root;

/// What a recipe reached: a line of the table in docs/recipes.md.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Reached {
    pub figure: String,
    pub share: bool,
    pub split: String,
    pub seeds: u64,
    pub float: f64,
    pub integer: f64,
    pub weights: usize,
    pub blob_bytes: usize,
    pub ram_bytes: usize,
    /// Counted on the emulated Cortex-M4.
    pub instructions: Option<f64>,
    pub bit_exact: Option<bool>,
    /// Of processor time, of all threads.
    pub train_seconds: f64,
    /// The least median of |U| as integers, over recurrent layers and runs; none without U.
    #[serde(default)]
    pub recurrent_median: Option<u32>,
    /// The commit that was measured.
    #[serde(default)]
    pub commit: String,
    #[serde(default)]
    pub more: Vec<MoreFigure>,
}

impl Reached {
    /// A value of the figure as people read it.
    pub fn text(&self, value: f64) -> String {
        text(self.share, value)
    }

    /// What rounding costs: points of a share, per cent of an error.
    pub fn loss(&self) -> f64 {
        if self.share { 100.0 * (self.float - self.integer) } else { 100.0 * (self.integer / self.float - 1.0) }
    }
}

/// A figure in addition to the main one; values add up over the runs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MoreFigure {
    pub figure: String,
    share: bool,
    runs: u64,
    float: f64,
    integer: f64,
}

impl MoreFigure {
    /// Of one run.
    pub fn new(figure: &Figure, float: f64) -> Self {
        MoreFigure { figure: figure.name.clone(), share: figure.share, runs: 1, float, integer: figure.value }
    }
    /// Another run's.
    pub fn add(&mut self, float: f64, integer: f64) {
        self.runs += 1;
        self.float += float;
        self.integer += integer;
    }
}

impl fmt::Display for MoreFigure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mean = |sum: f64| text(self.share, sum / self.runs as f64);
        write!(f, "{} {} / {}", self.figure, mean(self.float), mean(self.integer))
    }
}

fn text(share: bool, value: f64) -> String {
    if share { format!("{:.2} %", 100.0 * value) } else { format!("{value:.4}") }
}

/// Puts new figures over those that docs/recipes.toml holds, and renders docs/recipes.md from them.
pub fn write(new: &BTreeMap<String, Reached>) -> Result<()> {
    let data = root().join("docs/recipes.toml");
    let mut all: BTreeMap<String, Reached> = match std::fs::read_to_string(&data) {
        Ok(text) => toml::from_str(&text).with_context(|| data.display().to_string())?,
        Err(_) => BTreeMap::new(),
    };
    all.extend(new.iter().map(|(name, r)| (name.clone(), r.clone())));
    std::fs::write(&data, toml::to_string(&all)?)?;
    let mut text = String::from(
        "# What the recipes reach\n\n\
         Written by `cargo xtask recipes --data DIR --write-docs` from its own runs: trained by tools/recipes/NAME.toml,\n\
         quantized to int8, evaluated on the named split, run on the emulated Cortex-M4. Figures are means over the seeds;\n\
         weights, bytes and instructions are those of seed 1. The loss is in percentage points of a share, in per cent of an\n\
         error. RAM is that of the states, exact; a step is one frame or symbol, or one answer of a tree, without the\n\
         front end. |U| is the least median of the recurrent weights' magnitudes, of 127 steps, over layers and seeds.\n\n\
         | recipe | figure, split | seeds | float | int8 | loss | weights | \\|U\\| | blob | RAM | M4 instructions per step | bit-exact | training, processor |\n\
         |---|---|---|---|---|---|---|---|---|---|---|---|---|\n",
    );
    for (name, r) in &all {
        let exact = r.bit_exact.map_or("not run", |e| if e { "yes" } else { "NO" });
        let n = r.instructions.map_or("not run".to_owned(), |n| thousands(n.round() as u64));
        writeln!(
            text,
            "| {name} | {}, {} | {} | {} | {} | {:+.2} | {} | {} | {} | {} | {n} | {exact} | {:.0} s |",
            r.figure,
            r.split,
            r.seeds,
            r.text(r.float),
            r.text(r.integer),
            r.loss(),
            thousands(r.weights as u64),
            r.recurrent_median.map_or("–".to_owned(), |m| m.to_string()),
            bytes(r.blob_bytes),
            bytes(r.ram_bytes),
            r.train_seconds,
        )?;
    }
    let commits: std::collections::BTreeSet<&str> = all.values().map(|r| r.commit.as_str()).collect();
    for commit in commits {
        let rows: Vec<&str> = all.iter().filter(|(_, r)| r.commit == commit).map(|(name, _)| name.as_str()).collect();
        let which = if rows.len() == all.len() { "all rows".to_owned() } else { rows.join(", ") };
        let commit = if commit.is_empty() { "an earlier commit" } else { commit };
        write!(text, "\nMeasured at {commit}: {which}.\n")?;
    }
    text.push_str(
        "\n## More figures\n\n\
         Of the same runs, float / int8: the label at the root of a tree, and on which side of the scale's middle it is;\n\
         accuracy by the number of connectives in a formula.\n\n",
    );
    for (name, r) in all.iter().filter(|(_, r)| !r.more.is_empty()) {
        let each: Vec<String> = r.more.iter().map(MoreFigure::to_string).collect();
        writeln!(text, "- **{name}**: {}", each.join("; "))?;
    }
    std::fs::write(root().join("docs/recipes.md"), text)?;
    Ok(())
}
