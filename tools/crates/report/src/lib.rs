//! `report.html`: the results of a run, on one page without any other file.
//!
//! [`Report`] is plain data; [`Report::html`] draws it. A part without data is left out.
#![forbid(unsafe_code)]

mod attention;
mod chart;
mod confusion;
mod frontier;
mod html;
mod page;
mod scene;

use serde::{Deserialize, Serialize};

use elman_listen::Scene;

/// The content of a report.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Report {
    /// Heading: the run's name.
    pub title: String,
    /// The few figures that matter, shown large.
    pub summary: Vec<Fact>,
    /// What the losses are of: a step, a sequence; empty where that is not known.
    pub loss_of: String,
    /// Loss and accuracy over the epochs.
    pub epochs: Vec<Epoch>,
    /// Confusion matrices, of each network that was evaluated.
    pub confusions: Vec<Confusion>,
    /// Share of the words missed over false accepts an hour.
    pub trade_off: Vec<(f64, f64)>,
    /// Scenes of misses and false accepts.
    pub scenes: Vec<Scene>,
    /// Attention weights of a decoder, example by example.
    pub attention: Vec<Attention>,
    /// The error of quantization in each layer.
    pub layers: Vec<Layer>,
    /// Histograms of the weights of each layer.
    pub histograms: Vec<Histogram>,
    /// Points with names: embeddings in two dimensions.
    pub maps: Vec<Map>,
    /// Memory, instructions: a table.
    pub costs: Vec<Fact>,
    /// Notes for the user.
    pub notes: Vec<String>,
    /// The resolved recipe, as text.
    pub recipe: String,
}

/// A named curve of a chart; gaps where y is not finite.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Curve {
    /// Its name.
    pub name: String,
    /// (x, y), in the order of x.
    pub points: Vec<(f64, f64)>,
}

pub use frontier::on_frontier;

/// A table of a page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// Its heading.
    pub title: String,
    /// Names of the columns.
    pub header: Vec<String>,
    /// Columns of numbers, which are aligned to the right.
    pub numbers: Vec<usize>,
    /// The rows.
    pub rows: Vec<Vec<String>>,
}

/// A chart of points with names.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scatter {
    /// Its heading.
    pub title: String,
    /// What the horizontal axis is; its scale is logarithmic.
    pub x_name: String,
    /// Place, name, and whether the point is filled.
    pub points: Vec<(f64, f64, String, bool)>,
}

/// A page of facts, charts and tables, and a text at its end, such as a recipe.
pub fn overview(title: &str, facts: &[Fact], charts: &[Scatter], tables: &[Table], text: &str) -> String {
    page::overview(title, facts, charts, tables, text)
}

/// A page with one chart.
pub fn curves(title: &str, x_name: &str, curves: &[Curve]) -> String {
    let line = |c: &Curve| chart::Line { name: c.name.clone(), points: c.points.clone() };
    page::one(title, &chart::lines(title, x_name, &curves.iter().map(line).collect::<Vec<_>>(), None))
}

/// A named value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// What it is.
    pub name: String,
    /// Its value, as it is printed.
    pub value: String,
    /// Its unit; may be empty.
    pub unit: String,
    /// How it was measured, or what it is compared with; may be empty.
    pub note: String,
}

impl Fact {
    /// A value with its unit, without a note.
    pub fn new(name: impl Into<String>, value: impl ToString, unit: impl Into<String>) -> Self {
        Fact { name: name.into(), value: value.to_string(), unit: unit.into(), note: String::new() }
    }

    /// The same with a note.
    pub fn with_note(self, note: impl Into<String>) -> Self {
        Fact { note: note.into(), ..self }
    }
}

/// One epoch. A figure that was not taken is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// From 1.
    pub epoch: usize,
    /// Mean training loss, of what [`Report::loss_of`] says.
    pub train_loss: Option<f64>,
    /// Mean validation loss.
    pub valid_loss: Option<f64>,
    /// Share of training sequences that are right, 0 to 1.
    pub train_accuracy: Option<f64>,
    /// Share of validation sequences that are right, 0 to 1.
    pub valid_accuracy: Option<f64>,
    /// Whether it gave the best network so far.
    pub best: bool,
}

/// A confusion matrix.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confusion {
    /// Which network on which data.
    pub title: String,
    /// Names of rows and columns.
    pub labels: Vec<String>,
    /// Rows: label; columns: answer.
    pub counts: Vec<Vec<u64>>,
}

/// The attention weights of a decoder for one example.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Attention {
    /// The example.
    pub title: String,
    /// Symbols read.
    pub read: Vec<String>,
    /// Symbols written, and the end.
    pub written: Vec<String>,
    /// Of each symbol written, the weights of those read.
    pub weights: Vec<Vec<f64>>,
}

/// What quantization did to a layer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Layer {
    /// Its name: position and kind.
    pub name: String,
    /// Signal to rounding noise of the weights, in dB; `None` without weights.
    pub weights_db: Option<f64>,
    /// Signal to quantization noise of the output, in dB.
    pub output_db: f64,
    /// Outputs that are saturated.
    pub saturated: u64,
    /// Outputs compared.
    pub outputs: u64,
    /// Root mean square error of the hidden state at each time step.
    pub drift: Vec<f64>,
}

/// A histogram with bins of equal width.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Histogram {
    /// What was counted.
    pub title: String,
    /// Lower end of the first bin.
    pub low: f64,
    /// Upper end of the last bin.
    pub high: f64,
    /// Counts.
    pub bins: Vec<u64>,
}

/// Named points in two dimensions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Map {
    /// What the points are.
    pub title: String,
    /// Place and name of each.
    pub points: Vec<(f64, f64, String)>,
}

impl Histogram {
    /// Bins from -m to m, where m is the largest magnitude; values that are not finite are left out.
    pub fn of(title: impl Into<String>, values: &[f32], bins: usize) -> Self {
        let finite = || values.iter().map(|&v| v as f64).filter(|v| v.is_finite());
        let m = finite().fold(f64::MIN_POSITIVE, |m, v| m.max(v.abs()));
        let mut counts = vec![0; bins.max(1)];
        for v in finite() {
            let at = ((v / m + 1.0) / 2.0 * counts.len() as f64) as usize;
            let last = counts.len() - 1;
            counts[at.min(last)] += 1;
        }
        Histogram { title: title.into(), low: -m, high: m, bins: counts }
    }
}

impl Report {
    /// The page: one HTML document that loads nothing.
    pub fn html(&self) -> String {
        page::render(self)
    }
}

#[cfg(test)]
mod tests;
