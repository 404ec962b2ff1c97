//! `elman eval`: float beside integer on labelled clips.

use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::data::Split;
use crate::evaluate::{Confusion, Example, integer};
use crate::model::ModelFile;
use crate::pipeline;
use crate::run::RunFolder;
use crate::ui::{Ui, percent};

/// Compares float and integer networks on labelled clips: accuracy, confusion, disagreement.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  elman eval runs/fsdd --data ~/data/fsdd")]
pub struct Cmd {
    /// A run folder, or a blob alone
    pub model: PathBuf,
    /// Folder of the corpus
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// Split to judge by; by default test, or valid where the corpus has no test
    #[arg(long, value_enum)]
    pub split: Option<SplitName>,
}

/// Names of splits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum SplitName {
    /// What was trained on
    Train,
    /// What stopped the training
    Valid,
    /// What judges
    Test,
}

impl From<SplitName> for Split {
    fn from(name: SplitName) -> Split {
        match name {
            SplitName::Train => Split::Train,
            SplitName::Valid => Split::Valid,
            SplitName::Test => Split::Test,
        }
    }
}

/// What an evaluation found.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Evaluated {
    /// The split.
    pub split: String,
    /// Labels, in the order of the confusion's rows and columns.
    pub labels: Vec<String>,
    /// Clips.
    pub clips: usize,
    /// Accuracy of the float network, where the run folder has it.
    pub float_accuracy: Option<f64>,
    /// Accuracy of the integer network.
    pub integer_accuracy: f64,
    /// Clips that the two hear differently.
    pub disagree: Option<usize>,
    /// Confusion of the float network.
    pub float_confusion: Option<Confusion>,
    /// Confusion of the integer network.
    pub integer_confusion: Confusion,
}

impl Cmd {
    /// Runs it.
    pub fn run(self, ui: Ui) -> Result<()> {
        let file = ModelFile::read(&self.model)?;
        let model = file.model()?;
        let audio =
            *model.audio().ok_or_else(|| anyhow::anyhow!("{} does not listen to sound", file.path().display()))?;
        let corpus = pipeline::open_corpus(&self.data, Some(audio.sample_rate), ui)?;
        let labels: Vec<String> = model.descriptor().labels.lines().map(str::to_owned).collect();
        pipeline::same_labels(&corpus, &labels)?;
        let split = pipeline::judging(&corpus, self.split.map(Split::from))?;
        let examples = pipeline::examples(corpus.split(split), &audio)?;
        let evaluated = evaluate(&self.model, &file, split, &examples)?;
        show(&evaluated, ui);
        if self.model.is_dir() {
            let folder = RunFolder::open(&self.model)?;
            folder.add_result("eval", &evaluated)?;
            crate::cmd::report::write(&folder)?;
            ui.line(format!("report: {}", folder.report_path().display()));
        }
        ui.result(&evaluated)
    }
}

/// Judges a blob, and the float network beside it where `path` is a run folder.
///
/// # Errors
/// Where a file of the run cannot be read.
pub fn evaluate(path: &Path, file: &ModelFile, split: Split, examples: &[Example]) -> Result<Evaluated> {
    let model = file.model()?;
    let labels: Vec<String> = model.descriptor().labels.lines().map(str::to_owned).collect();
    let is = || examples.iter().map(|e| e.label);
    let heard = integer(&model, examples);
    let float = if path.is_dir() {
        let folder = RunFolder::open(path)?;
        Some(pipeline::float_answers(&folder.network()?, &folder.about()?.scale_layer(), examples))
    } else {
        None
    };
    let integer_confusion = Confusion::of(labels.len(), is().zip(heard.iter().copied()));
    let float_confusion = float.as_ref().map(|f| Confusion::of(labels.len(), is().zip(f.iter().copied())));
    Ok(Evaluated {
        split: split.to_string(),
        clips: examples.len(),
        float_accuracy: float_confusion.as_ref().map(Confusion::accuracy),
        integer_accuracy: integer_confusion.accuracy(),
        disagree: float.map(|f| f.iter().zip(&heard).filter(|(a, b)| a != b).count()),
        labels,
        float_confusion,
        integer_confusion,
    })
}

fn show(e: &Evaluated, ui: Ui) {
    let width = e.labels.iter().map(|l| l.chars().count()).max().unwrap_or(0).max(4);
    ui.line(format!("{} clips of the {} split", e.clips, e.split));
    if let (Some(float), Some(disagree)) = (e.float_accuracy, e.disagree) {
        ui.line(format!("float    {}", percent(float)));
        ui.line(format!(
            "integer  {}  ({:+.2} points; {disagree} clips heard differently)",
            percent(e.integer_accuracy),
            100.0 * (e.integer_accuracy - float)
        ));
    } else {
        ui.line(format!("integer  {}", percent(e.integer_accuracy)));
    }
    ui.line("confusion of the integer network (rows: what it is, columns: what was heard)");
    let header: String = e.labels.iter().map(|l| format!(" {:>4}", l.chars().take(4).collect::<String>())).collect();
    ui.line(format!("{:>width$} {header}", ""));
    for (label, row) in e.labels.iter().zip(&e.integer_confusion.counts) {
        let cells: String = row.iter().map(|n| if *n == 0 { "    .".to_owned() } else { format!(" {n:>4}") }).collect();
        ui.line(format!("{label:>width$} {cells}"));
    }
}
