//! `elman eval`: float and integer networks on examples with labels.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use elman::blob::Model;
use serde::{Deserialize, Serialize};

use super::operating_point;
use super::samples::{self, Sample};
use crate::ui::Ui;
use elman_data::Split;
use elman_data::files::{check_place, write_atomically};
use elman_data::records::{RecordOptions, Task};
use elman_listen::Recording;
use elman_pipeline::evaluate::monte_carlo::{self, MonteCarlo};
use elman_pipeline::evaluate::{self, Confusion, EvalFlags, ExampleResult, Figure};
use elman_pipeline::readings::ChannelReport;
use elman_pipeline::run::RunFolder;
use elman_pipeline::{Answer, Encoding, Example, Source, fingerprint, readings, recordings};
use elman_quant::model::ModelFile;
use elman_recipe::Recipe;
use elman_recipe::Usage;

/// Compares float and integer networks on examples: accuracy, F1, nats or error, confusion, disagreement.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  elman eval runs/fsdd --data ~/data/fsdd\n  elman eval runs/fsdd --data ~/data/fsdd --mc 30\n  elman eval runs/words --audio evenings/"
)]
pub struct Cmd {
    /// A run folder, or a blob alone
    pub model: PathBuf,
    /// Folder of the corpus
    #[arg(long, value_name = "DIR", required_unless_present = "audio")]
    pub data: Option<PathBuf>,
    /// Folder of long recordings, each with a label file NAME.txt: evaluates the detector's own operating point on them
    #[arg(long, value_name = "DIR", conflicts_with_all = ["data", "split", "recipe", "mc"])]
    pub audio: Option<PathBuf>,
    /// Split to evaluate on; by default test, or valid where the corpus has no test
    #[arg(long, value_enum)]
    pub split: Option<SplitName>,
    /// Recipe that says how the data is read; by default the run folder's
    #[arg(long, value_name = "RECIPE")]
    pub recipe: Option<PathBuf>,
    /// Changes a value of the recipe that says how the data is read, as in --set data.files=Airline
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Leaves out files that cannot be read, and says which
    #[arg(long)]
    pub skip_bad: bool,
    /// Runs the float network M times with dropout on, and evaluates the mean (on the host only)
    #[arg(long, value_name = "M")]
    pub mc: Option<usize>,
    /// Writes each example's label and answers to a file of JSON, where the answer is a label
    #[arg(long, value_name = "FILE", conflicts_with = "audio")]
    pub answers: Option<PathBuf>,
}

/// Names of splits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum SplitName {
    /// Training examples
    Train,
    /// Examples that decided when to stop
    Valid,
    /// Examples for the final figure
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

/// The result of an evaluation.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Evaluated {
    /// The split.
    pub split: String,
    /// Labels, in the order of the confusions' rows and columns.
    pub labels: Vec<String>,
    /// Examples.
    pub examples: usize,
    /// Figures of the float network, where the run folder has it; the one that counts first.
    pub float: Option<Vec<Figure>>,
    /// Figures of the integer network.
    pub integer: Vec<Figure>,
    /// Answers in which the two networks differ; sequences that are written count as a whole.
    pub disagree: Option<usize>,
    /// Answers compared.
    #[serde(default)]
    pub compared: Option<usize>,
    /// The mean over networks that dropout drew, with --mc.
    #[serde(default)]
    pub monte_carlo: Option<MonteCarlo>,
    /// Outputs of the integer network, where it writes sequences.
    #[serde(default)]
    pub samples: Vec<Sample>,
    /// A note on examples that do not fit into the model's memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub too_large: Option<String>,
    /// Channels of which values were clamped to the range of the input format.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clamped: Vec<ChannelReport>,
    /// Confusion of the float network, where the answers are labels.
    pub float_confusion: Option<Confusion>,
    /// Confusion of the integer network, where the answers are labels.
    pub integer_confusion: Option<Confusion>,
}

impl Evaluated {
    /// Which examples, in words.
    pub fn examples_text(&self) -> String {
        match &self.split[..] {
            ALL => format!("{} examples, all that there are", self.examples),
            split => format!("{} examples of the {split} split", self.examples),
        }
    }

    /// The figure that counts: of the float network, where there is one, and of the integer one.
    pub fn main(&self) -> (Option<f64>, f64) {
        let value = |figures: &[Figure]| figures.first().map_or(f64::NAN, |f| f.value);
        (self.float.as_deref().map(value), value(&self.integer))
    }
}

impl Cmd {
    /// Runs it.
    pub fn run(self, ui: Ui) -> Result<()> {
        let file = ModelFile::read(&self.model)?;
        if let Some(dir) = &self.audio {
            let (audio, ..) = elman_listen::listener_setup(&file.model()?)?;
            let recordings = recordings(dir, &audio, self.skip_bad, &ui)?.into_iter();
            let recordings: Vec<_> = recordings.map(|r| Box::new(r) as Box<dyn Recording>).collect();
            return ui.result(&operating_point::evaluate(&file, &recordings, ui)?);
        }
        let data = self.data.as_ref().context(Usage("name the examples by --data".to_owned()))?;
        let model = file.model()?;
        let mut recipe = recipe_for(&self.model, self.recipe.as_deref(), &model)?.changed(&self.set)?;
        recipe.skip_bad |= self.skip_bad;
        recipe.evaluate = true;
        let mut source = Source::open(data, &recipe, model.audio().map(|a| a.sample_rate), &ui)?;
        let folder = self.model.is_dir().then(|| RunFolder::open(&self.model)).transpose()?;
        let own = folder.as_ref().is_none_or(|folder| is_own(folder, &source));
        // New examples in one heap are all evaluated.
        let all = !own && self.split.is_none() && source.is_train_alone();
        if all {
            source.join_valid();
        }
        let split = if all { Split::Train } else { source.evaluation_split(self.split.map(Split::from))? };
        self.answers.as_deref().map_or(Ok(()), check_place)?;
        let (mut evaluated, answers) = evaluate_each(&self.model, &file, &recipe, &source, split)?;
        if let Some(path) = &self.answers {
            let fingerprint = model.descriptor().fingerprint;
            let all = Answers { fingerprint, split: evaluated.split.clone(), answers };
            write_atomically(path, &serde_json::to_vec(&all)?)?;
        }
        if all {
            evaluated.split = ALL.to_owned();
        }
        if let Some(passes) = self.mc {
            ensure!(passes > 0, Usage("--mc is at least 1".to_owned()));
            ensure!(self.model.is_dir(), "--mc needs a run folder: a blob has no dropout");
            let folder = RunFolder::open(&self.model)?;
            let about = folder.about()?;
            let examples = about.encoding.examples(&source, split)?;
            evaluated.monte_carlo = Some(monte_carlo::predict(&folder.network()?, &about, &examples, passes)?);
        }
        evaluated.too_large.iter().for_each(|note| ui.note(format!("note: {note}")));
        evaluated.clamped.iter().filter_map(|r| r.clamped_text(&evaluated.split)).for_each(|note| ui.note(note));
        show(&evaluated, ui);
        match &folder {
            Some(folder) if own => {
                folder.add_result("eval", &evaluated)?;
                crate::cmd::report::write(folder)?;
                ui.line(format!("report: {}", folder.report_path().display()));
            }
            // The run's own results stay what they are.
            Some(folder) => {
                let path = crate::cmd::report::write_other(folder, evaluated.clone(), data)?;
                ui.line(format!("{} is not the data of the run; report: {}", data.display(), path.display()));
            }
            None => {}
        }
        ui.result(&evaluated)
    }
}

/// What stands for a split where all examples were evaluated.
const ALL: &str = "all";

/// Whether a source is the data that a run was trained on, valid and test included.
fn is_own(folder: &RunFolder, source: &Source) -> bool {
    let own = || -> Result<bool> {
        let (recipe, about) = (folder.recipe()?, folder.about()?);
        let splits = [Split::Train, Split::Valid, Split::Test].map(|split| about.encoding.examples(source, split));
        let splits = splits.into_iter().collect::<Result<Vec<_>>>()?;
        Ok(fingerprint(&recipe, &about.encoding, splits.iter().flatten())? == about.fingerprint)
    };
    // Data that do not even fit the run are others; why, the evaluation says.
    own().unwrap_or(false)
}

/// The recipe that says how data is read for a model: the run folder's, the one named, or what the model's input
/// suggests.
///
/// # Errors
/// Where a recipe cannot be read.
pub fn recipe_for(model: &Path, named: Option<&Path>, loaded: &Model<'_>) -> Result<Recipe> {
    if let Some(path) = named {
        return Recipe::read(path, &[]);
    }
    if model.is_dir() {
        return RunFolder::open(model)?.recipe();
    }
    Ok(Recipe { data: loaded.audio().is_none().then(RecordOptions::default), ..Recipe::default() })
}

/// The answers to one example, by number of the label.
#[derive(Clone, Debug, Serialize)]
pub struct Answered {
    /// Its class, which for recordings is their folder.
    class: String,
    /// Its name in there.
    name: String,
    /// Its label.
    label: u32,
    /// The float network's answer.
    float: Option<u32>,
    /// The integer network's.
    integer: u32,
}

/// All answers of an evaluation.
#[derive(Serialize)]
struct Answers {
    /// The model's: answers of another one are old.
    fingerprint: u64,
    split: String,
    answers: Vec<Answered>,
}

impl Answered {
    /// `None` where an example has no single answer.
    fn of(example: &Example, float: Option<&ExampleResult>, integer: &ExampleResult) -> Option<Self> {
        let Answer::Class(label) = &example.answer else { return None };
        let (class, name) = example.name.rsplit_once('/').unwrap_or(("", &example.name));
        let float = float.and_then(|part| part.answers.last().copied());
        let (class, name) = (class.to_owned(), name.to_owned());
        Some(Answered { class, name, label: *label, float, integer: *integer.answers.last()? })
    }
}

/// Evaluates a blob, and the float network too where `path` is a run folder.
///
/// # Errors
/// Where a file of the run cannot be read or the data do not fit the model.
pub fn evaluate(path: &Path, file: &ModelFile, recipe: &Recipe, source: &Source, split: Split) -> Result<Evaluated> {
    Ok(evaluate_each(path, file, recipe, source, split)?.0)
}

/// As [`evaluate()`], with the answers to each example.
fn evaluate_each(
    path: &Path,
    file: &ModelFile,
    recipe: &Recipe,
    source: &Source,
    split: Split,
) -> Result<(Evaluated, Vec<Answered>)> {
    let model = file.model()?;
    let how = EvalFlags::of_model(recipe, &model);
    let folder = if path.is_dir() { Some(RunFolder::open(path)?) } else { None };
    let encoding = match &folder {
        Some(folder) => {
            let about = folder.about()?;
            ensure!(
                about.fingerprint == model.descriptor().fingerprint,
                Usage(format!(
                    "{} is another run's model: quantize {} again, or evaluate the file by its own name",
                    file.path().display(),
                    folder.path().display()
                ))
            );
            about.encoding
        }
        None => Encoding::of_model(&model, source)?,
    };
    let examples = encoding.examples(source, split)?;
    encoding.evaluates(recipe, &examples, split)?;
    let integer = evaluate::integer(&model, &examples, how)?;
    let float = match &folder {
        Some(folder) => Some(evaluate::float(&folder.network()?, &folder.about()?, &examples, how)),
        None => None,
    };
    let confusion = |parts: &[ExampleResult]| {
        let few =
            encoding.labels.len() <= MOST_LABELS && !matches!(encoding.task, Task::Next | Task::Series | Task::Seq2seq);
        let pairs = evaluate::pairs(&examples, parts).map(|(a, b)| (a as usize, b as usize));
        few.then(|| Confusion::of(encoding.labels.len(), pairs))
    };
    let answered = examples.iter().zip(&integer).enumerate();
    let answered =
        answered.filter_map(|(k, (example, part))| Answered::of(example, float.as_ref().map(|f| &f[k]), part));
    let answers: Vec<Answered> = answered.collect();
    let differ = float.as_ref().map(|f| evaluate::disagreements(&examples, f, &integer));
    let figures = |parts: &[ExampleResult]| evaluate::figures(&encoding, &examples, parts, how);
    let evaluated = Evaluated {
        split: split.to_string(),
        examples: examples.len(),
        disagree: differ.map(|[differ, _]| differ),
        compared: differ.map(|[_, all]| all),
        float: float.as_deref().map(figures),
        integer: figures(&integer),
        monte_carlo: None,
        samples: samples::of(&model, &encoding, &examples)?,
        too_large: evaluate::too_large_text(model.structure(), &integer),
        clamped: readings::report(&encoding, source, split).into_iter().filter(|r| r.clamped > 0).collect(),
        float_confusion: float.as_deref().and_then(confusion),
        integer_confusion: confusion(&integer),
        labels: encoding.labels.clone(),
    };
    Ok((evaluated, answers))
}

/// Most labels whose confusion is shown.
const MOST_LABELS: usize = 100;

fn show(e: &Evaluated, ui: Ui) {
    ui.line(e.examples_text());
    for (k, figure) in e.integer.iter().enumerate() {
        let float = e.float.as_ref().and_then(|f| f.get(k));
        let float = float.map_or(String::new(), |f| format!("float {:>10}   ", f.text()));
        ui.line(format!("{:<24} {float}integer {:>10}", figure.name, figure.text()));
    }
    if let Some(disagree) = e.disagree.filter(|_| e.integer_confusion.is_some()) {
        ui.line(format!("{disagree} answers of the integer network differ from the float network's"));
    }
    if let Some(m) = &e.monte_carlo {
        ui.line(format!(
            "mean of {} passes with dropout: accuracy {:.2} %; deviation of an answer's probability {:.4} where right, \
             {:.4} where wrong",
            m.passes,
            100.0 * m.accuracy,
            m.spread_right,
            m.spread_wrong
        ));
    }
    e.samples.iter().for_each(|s| ui.line(s.text()));
    let Some(confusion) = e.integer_confusion.as_ref().filter(|c| c.counts.len() <= 30) else { return };
    let width = e.labels.iter().map(|l| l.chars().count()).max().unwrap_or(0).max(4);
    ui.line("confusion of the integer network (rows: label, columns: answer)");
    let header: String = e.labels.iter().map(|l| format!(" {:>4}", l.chars().take(4).collect::<String>())).collect();
    ui.line(format!("{:>width$} {header}", ""));
    for (label, row) in e.labels.iter().zip(&confusion.counts) {
        let cells: String = row.iter().map(|n| if *n == 0 { "    .".to_owned() } else { format!(" {n:>4}") }).collect();
        ui.line(format!("{label:>width$} {cells}"));
    }
}
