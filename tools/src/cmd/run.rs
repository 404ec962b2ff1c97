//! `elman run`: streams a recording, a text or a csv through the integer network.

use std::path::PathBuf;

use anyhow::{Result, bail, ensure};
use elman::audio::FrontEnd;
use elman::blob::{Model, Readout};
use elman::net::{Output, Probability};
use elman::scaling::Channel;
use serde::Serialize;

use super::{run_text, run_trace};
use crate::ui::Ui;
use elman_data::{Numbers, Task};
use elman_pipeline::evaluate::host;
use elman_pipeline::run::RunFolder;
use elman_pipeline::{self as pipeline, Encoding, readings};
use elman_quant::model::ModelFile;

/// Streams an input through the integer network of the device.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  elman run runs/fsdd seven.wav\n  elman run runs/snips commands.txt\n  elman run model.elman features.csv --every 10\n  elman run model.elman steps.csv --trace trace.json"
)]
pub struct Cmd {
    /// A blob, or a run folder
    pub model: PathBuf,
    /// A wav or flac, a text of which each line is a sequence, or a csv with a frame a line:
    /// values in their own units, raw features where the model reads sound; with --trace also a json of integers
    pub input: PathBuf,
    /// Shows the outputs as values, not as probabilities of labels; the default for a series
    #[arg(long)]
    pub values: bool,
    /// Shows the answer at each N-th frame too
    #[arg(long, value_name = "N")]
    pub every: Option<usize>,
    /// Writes what every layer computes at every step, in integers, as JSON
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,
}

/// The answer at a frame.
#[derive(Clone, Debug, Serialize)]
struct Answer {
    frame: usize,
    seconds: Option<f64>,
    output: usize,
    label: Option<String>,
    /// Probability, by the integer softmax.
    probability: f64,
    scores: Vec<f64>,
}

#[derive(Serialize)]
struct Answers {
    input: PathBuf,
    frames: usize,
    answers: Vec<Answer>,
}

/// A value to five places, or as many digits where it is small.
fn value(v: f64) -> String {
    if v == 0.0 || v.abs() >= 0.01 { format!("{v:.5}") } else { format!("{v:.5e}") }
}

impl Answer {
    /// As text: of series the values, else the class and how likely it is.
    fn line(&self, series: bool) -> String {
        if series {
            return self.scores.iter().map(|v| value(*v)).collect::<Vec<_>>().join(",");
        }
        let when = self.seconds.map_or(format!("frame {:>5}", self.frame), |s| format!("{s:>7.2} s"));
        let what = self.label.clone().unwrap_or_else(|| format!("output {}", self.output));
        format!("{when}  {what:<12} {:>5.1} %", 100.0 * self.probability)
    }
}

/// Frames of one width, one after another: hours of sound have millions.
#[derive(Debug)]
pub(super) struct Frames {
    values: Vec<i16>,
    width: usize,
}

impl Frames {
    fn len(&self) -> usize {
        self.values.len() / self.width.max(1)
    }

    /// Each frame.
    pub(super) fn iter(&self) -> impl Iterator<Item = &[i16]> {
        self.values.chunks_exact(self.width.max(1))
    }
}

impl Cmd {
    /// Runs it.
    pub fn run(self, ui: Ui) -> Result<()> {
        ensure!(self.every != Some(0), elman_recipe::Usage("--every counts from 1".to_owned()));
        self.trace.as_deref().map_or(Ok(()), elman_data::files::check_place)?;
        let file = ModelFile::read(&self.model)?;
        let model = file.model()?;
        if run_trace::is_inputs(&self.input) {
            let usage = || elman_recipe::Usage("inputs in integers (.json) are for --trace FILE".to_owned());
            let to = self.trace.as_ref().ok_or_else(usage)?;
            return ui.result(&run_trace::write(to, &file, &run_trace::inputs(&self.input)?, ui)?);
        }
        if let Some(text) = model.text() {
            let name = self.input.display().to_string();
            let content = elman_data::files::text(&self.input)?;
            let lines = run_text::run(&model, text, &name, &content)?;
            ensure!(!lines.is_empty(), "{name} contains no text");
            run_text::check_any_fits(&lines)?;
            if let Some(to) = &self.trace {
                run_trace::write(to, &file, &run_trace::of_text(&model, text, &content)?, ui)?;
            }
            lines.iter().for_each(|line| ui.line(line.text(text.unit)));
            return ui.result(&lines);
        }
        let frames = self.frames(&model, ui)?;
        if let Some(to) = &self.trace {
            run_trace::write(to, &file, &run_trace::of_frames(&model, &self.input, &frames)?, ui)?;
        }
        let hop = model.audio().map(|a| a.hop as f64 / a.sample_rate as f64);
        let window = model.audio().map_or(0.0, |a| a.window as f64 / a.sample_rate as f64);
        let every = if model.readout() == Readout::EveryStep { Some(self.every.unwrap_or(1)) } else { self.every };
        let wanted = |t: usize| t + 1 == frames.len() || every.is_some_and(|n| (t + 1).is_multiple_of(n));
        // The softmax of values says nothing, and of one output it is always 1.
        let is_series = self.encoding()?.is_some_and(|e| e.task == Task::Series);
        let series = self.values
            || model.feedback() > 0
            || model.outputs() == 1
            || is_series
            || model.output_scaling().is_some();
        let mut answers = Vec::new();
        let answer = |t: usize, output: Output<'_>| {
            let mut p = vec![Probability::ZERO; output.logits.len()];
            output.softmax(&mut p);
            let Some(best) = output.argmax() else { return };
            let mut values = vec![0.0; output.logits.len()];
            host::values(&model, &output, &mut values);
            let answer = Answer {
                frame: t,
                seconds: hop.map(|h| t as f64 * h + window),
                output: best.into(),
                label: model.label(best).map(str::to_owned),
                probability: p[usize::from(best)].to_num(),
                scores: values.into_iter().map(f64::from).collect(),
            };
            ui.line(answer.line(series));
            // Hours of sound have millions of answers.
            if ui.json {
                answers.push(answer);
            }
        };
        let mut memory = vec![0; model.memory_words()];
        host::run(&model, &mut memory, frames.iter(), wanted, answer)
            .map_err(|e| anyhow::anyhow!("{}: {e}", self.input.display()))?;
        ui.result(&Answers { input: self.input.clone(), frames: frames.len(), answers })
    }

    /// How the data of a run folder was read; a blob alone does not say.
    fn encoding(&self) -> Result<Option<Encoding>> {
        let about = || Ok(RunFolder::open(&self.model)?.about()?.encoding);
        self.model.is_dir().then(about).transpose()
    }

    fn frames(&self, model: &Model<'_>, ui: Ui) -> Result<Frames> {
        let name = self.input.display();
        let is_sound = elman_data::is_sound(&self.input.to_string_lossy());
        let ending = self.input.extension().and_then(|e| e.to_str()).unwrap_or("").to_ascii_lowercase();
        match (ending.as_str(), model.audio()) {
            ("csv" | "tsv", _) => self.table(model, ui),
            (_, Some(audio)) => {
                let mut memory = vec![0; audio.memory_words()];
                let mut front_end = FrontEnd::new(*audio, &mut memory).map_err(|e| anyhow::anyhow!("{e}"))?;
                let mut frames = Frames { values: Vec::new(), width: audio.features() };
                let mut samples = 0;
                let notes = pipeline::play_clip(&self.input, audio, &mut |piece| {
                    samples += piece.len();
                    front_end.push(piece, |f| frames.values.extend_from_slice(f));
                })?;
                notes.iter().for_each(|n| ui.note(format!("note: {n}")));
                ensure!(
                    frames.len() > 0,
                    "{name} has {samples} samples; the front end needs at least {}",
                    audio.window
                );
                Ok(frames)
            }
            (_, None) if is_sound => {
                bail!("{name} is sound, but this model reads {} numbers a frame", model.inputs())
            }
            (_, None) => bail!(
                "{name}: the input's name must end in .csv or .tsv, as this model reads {} numbers a frame; text is for models \
                that read text",
                model.inputs()
            ),
        }
    }

    /// Frames of a table: raw features of a model that reads sound, else values in their own units, in the columns that
    /// it was trained on or in as many as it takes. Values beyond the range of the input are clamped, as the device does, and
    /// counted.
    fn table(&self, model: &Model<'_>, ui: Ui) -> Result<Frames> {
        let name = self.input.display();
        let (inputs, closed) = (model.inputs(), model.external_inputs());
        let unit = match model.audio() {
            Some(_) => 1.0,
            None => 2f64.powi(i32::from(model.in_frac())),
        };
        let named = match self.encoding()?.map(|e| e.frames) {
            Some(pipeline::Frames::Values { mut channels, feedback, .. }) => {
                channels.truncate(channels.len() - feedback.min(channels.len()));
                channels
            }
            _ => Vec::new(),
        };
        let table = Numbers::read(&self.input, &named, &[inputs, closed], model.outputs())?;
        table.notes.iter().for_each(|n| ui.note(format!("note: {n}")));
        let scaling: Vec<Channel> = model.input_scaling().map_or(Vec::new(), |s| s.channels().collect());
        let element = |k: usize, number: f64| match scaling.get(k) {
            Some(channel) => readings::element(channel, number),
            None => {
                let rounded = (number * unit).round();
                let clamped = rounded.clamp(-32768.0, 32767.0);
                (clamped as i16, clamped != rounded)
            }
        };
        let mut clamped = vec![0usize; inputs];
        let mut frames = Frames { values: Vec::new(), width: table.names.len() };
        for (line, row) in &table.rows {
            for ((k, number), column) in row.iter().enumerate().zip(&table.names) {
                let (x, saturated) = element(k, *number);
                ensure!(
                    !saturated || model.audio().is_none(),
                    "{name}:{line}: column {column}: {number} is no feature of sound, which has 16 bits"
                );
                clamped[k] += usize::from(saturated);
                frames.values.push(x);
            }
        }
        for ((count, column), all) in clamped.iter().zip(&table.names).zip(std::iter::repeat(frames.len())) {
            if *count > 0 {
                ui.note(format!(
                    "note: column {column}: {count} of {all} values are beyond the range of the model's input and were \
                     clamped, as the device does"
                ));
            }
        }
        ensure!(frames.len() > 0, "{name} has no frames");
        Ok(frames)
    }
}
