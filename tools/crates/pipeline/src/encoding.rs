//! How examples become frames of integers and targets: fixed when a network is trained, and stored with it.

use std::collections::{BTreeSet, HashMap};

use anyhow::{Context, Result, ensure};
use elman::audio;
use elman::blob::Model;
use elman::scaling::Channel;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{Answer, Example, Source};
use crate::{readings, streams};
use elman_data::records::{self, Input, Record, Records, Task};
use elman_data::{ExampleStructure, Split, Vocabulary, VocabularyOptions};
use elman_listen::StreamRecipe;
use elman_nn::{NO_CLASS, Reads};
use elman_recipe::{Recipe, Usage};

/// What a frame is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Frames {
    /// Features of sound, by the device's front end.
    Audio(audio::Config),
    /// Values, followed in closed loop by the outputs of the previous step.
    Values {
        /// Fraction bits: of the values, or of their elements where there is a scaling.
        frac: u8,
        /// Names of the values.
        channels: Vec<String>,
        /// How many values at the end are the outputs of the previous step.
        feedback: usize,
        /// The scaling of each channel; empty in runs from before there was one.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        scaling: Vec<Channel>,
    },
    /// The index of a symbol of this vocabulary.
    Symbols(Vocabulary),
}

/// How examples become frames and targets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Encoding {
    /// The task.
    pub task: Task,
    /// Labels in the order of the outputs; names of the outputs of a series; empty where the next symbol is the target.
    pub labels: Vec<String>,
    /// What a frame is.
    pub frames: Frames,
    /// Names of each edge's features in a graph.
    #[serde(default)]
    pub edges: Vec<String>,
    /// How clips become streams, if they do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<StreamRecipe>,
}

impl Encoding {
    /// Fixes the encoding for a source that is to be trained on.
    ///
    /// # Errors
    /// Where the front end's parameters are invalid, or the source and the recipe do not fit.
    pub fn of(source: &Source, recipe: &Recipe) -> Result<Self> {
        let records = match source {
            Source::Sound(corpus) => {
                let frames = Frames::Audio(recipe.features.config(corpus.sample_rate)?);
                let (task, labels) = match &recipe.stream {
                    Some(stream) => (Task::Tag, stream.labels(&corpus.labels)),
                    None => (Task::Class, corpus.labels.clone()),
                };
                return Ok(Encoding { task, labels, frames, edges: Vec::new(), stream: recipe.stream.clone() });
            }
            Source::Records(records) => records,
        };
        let frames = match records.unit {
            Some(unit) => Frames::Symbols(Vocabulary::build(&records.train, unit, &recipe.vocabulary)),
            None => {
                let feedback = if recipe.network.feeds_back() { records.outputs.len() } else { 0 };
                let mut channels = records.channels.clone();
                channels.extend(records.outputs.iter().take(feedback).cloned());
                ensure!(
                    !channels.is_empty(),
                    "{} has outputs only; a network that predicts a series from its own past ends in a `narx` layer",
                    records.dir.display()
                );
                let (frac, scaling) = readings::fit(records, feedback);
                Frames::Values { frac, channels, feedback, scaling }
            }
        };
        Ok(Encoding {
            task: records.task,
            labels: labels(records, &recipe.vocabulary)?,
            frames,
            edges: records.edges.clone(),
            stream: None,
        })
    }

    /// The encoding that a model was trained with, from its blob.
    ///
    /// # Errors
    /// Where source and model do not fit.
    pub fn of_model(model: &Model<'_>, source: &Source) -> Result<Self> {
        let labels = model.descriptor().labels.lines().map(str::to_owned).collect();
        let (task, channels) = match source {
            Source::Sound(_) => (Task::Class, Vec::new()),
            Source::Records(r) => (r.task, r.channels.iter().chain(&r.outputs).take(model.inputs()).cloned().collect()),
        };
        let frames = match (model.audio(), &model.descriptor().text) {
            (Some(audio), _) => Frames::Audio(*audio),
            (None, Some(text)) => Frames::Symbols(Vocabulary::of_text(text)),
            (None, None) => Frames::Values {
                frac: model.layers().first().map_or(0, elman::cell::LayerView::in_frac),
                channels,
                feedback: model.descriptor().feedback as usize,
                scaling: model.input_scaling().map_or(Vec::new(), |s| s.channels().collect()),
            },
        };
        Ok(Encoding { task, labels, frames, edges: Vec::new(), stream: None })
    }

    /// Checks that a recipe's first layer reads frames of this kind.
    ///
    /// # Errors
    /// The layer to put first.
    pub fn suits(&self, recipe: &Recipe) -> Result<()> {
        let takes = recipe.network.first().first().is_some_and(|first| first.reads() == Reads::Symbol);
        let symbols = matches!(self.frames, Frames::Symbols(_));
        ensure!(
            takes || !symbols,
            Usage("the data are symbols: the network's first layer must be an `embedding` or `one-hot`".to_owned())
        );
        ensure!(
            symbols || !takes,
            Usage("the data are values: an `embedding` or `one-hot` layer reads symbols only".to_owned())
        );
        Ok(())
    }

    /// Checks that a recipe's interchangeable symbols are among those of the data.
    ///
    /// # Errors
    /// The first that is not.
    pub fn knows(&self, recipe: &Recipe) -> Result<()> {
        for symbol in &recipe.sequences.interchangeable {
            let known = matches!(&self.frames, Frames::Symbols(vocabulary) if vocabulary.index(symbol) > 0);
            ensure!(known, Usage(format!("sequences.interchangeable: the data have no symbol `{symbol}`")));
        }
        Ok(())
    }

    /// Values per frame.
    pub fn inputs(&self) -> usize {
        match &self.frames {
            Frames::Audio(config) => config.features(),
            Frames::Values { channels, .. } => channels.len(),
            Frames::Symbols(_) => 1,
        }
    }

    /// Outputs of the network.
    pub fn outputs(&self) -> usize {
        match &self.frames {
            Frames::Symbols(vocabulary) if self.task == Task::Next => vocabulary.rows(),
            _ => self.labels.len(),
        }
    }

    /// Number of symbols, the unknown one counted; 0 where frames are values.
    pub fn symbols(&self) -> usize {
        if let Frames::Symbols(vocabulary) = &self.frames { vocabulary.rows() } else { 0 }
    }

    /// The examples of a split.
    ///
    /// # Errors
    /// Where the source is of another kind than the encoding, or has labels that it does not know.
    pub fn examples(&self, source: &Source, split: Split) -> Result<Vec<Example>> {
        match (source, &self.frames) {
            (Source::Sound(corpus), Frames::Audio(audio)) if self.stream.is_some() => {
                let stream = self.stream.clone().unwrap_or_default();
                super::known_labels(&stream.labels(&corpus.labels), &corpus.dir, &self.labels)?;
                streams::examples(&stream, corpus, split, &self.labels, audio)
            }
            (Source::Sound(corpus), Frames::Audio(audio)) => {
                let labels = super::known_labels(&corpus.labels, &corpus.dir, &self.labels)?;
                let mut examples = super::examples(corpus.split(split), audio)?;
                for example in &mut examples {
                    if let Answer::Class(class) = &mut example.answer {
                        *class = labels[*class as usize] as u32;
                    }
                }
                Ok(examples)
            }
            (Source::Records(records), Frames::Values { frac, channels, feedback, scaling }) => {
                let inputs = records.channels.len() + feedback;
                ensure!(
                    inputs == channels.len(),
                    "{} has {inputs} values per step, the model reads {}",
                    records.dir.display(),
                    channels.len()
                );
                let unlabelled = records.split(split).iter().find(|r| r.answer == records::Answer::None);
                if let Some(record) = unlabelled {
                    anyhow::bail!(
                        "{} has no label, so that nothing can be compared with it; put labels next to the frames (y.npy, or a \
                         column `label`), or see what the model answers with `elman run`",
                        record.name
                    );
                }
                let unit = 2f64.powi((*frac).into());
                self.each(records, split, |r| {
                    readings::frames(records, r, *feedback, |k, v| match scaling.get(k) {
                        Some(channel) => readings::element(channel, v).0,
                        None => (v * unit).round().clamp(-32768.0, 32767.0) as i16,
                    })
                })
            }
            (Source::Records(records), Frames::Symbols(vocabulary)) => {
                ensure!(
                    records.unit == Some(vocabulary.unit()),
                    "{} does not contain {}, which the model reads",
                    records.dir.display(),
                    vocabulary.unit()
                );
                self.each(records, split, |r| match &r.input {
                    Input::Symbols(symbols) => vocabulary.encode(symbols).into_iter().map(|k| k as i16).collect(),
                    Input::Values(_) => Vec::new(),
                })
            }
            (source, _) => anyhow::bail!(
                "{} is not the kind of data that the model was trained on; name a corpus like the one it was trained on",
                source.dir().display()
            ),
        }
    }

    fn each(
        &self,
        records: &Records,
        split: Split,
        frames: impl Fn(&Record) -> Vec<i16> + Sync,
    ) -> Result<Vec<Example>> {
        let index: HashMap<&str, u32> = self.labels.iter().zip(0..).map(|(l, k)| (l.as_str(), k)).collect();
        let of = |r: &Record, label: &str| {
            index.get(label).copied().with_context(|| {
                format!("{}: the label {label:?} is not among the model's: {}", r.name, self.labels.join(" "))
            })
        };
        records
            .split(split)
            .par_iter()
            .map(|r| {
                let answer = match &r.answer {
                    records::Answer::None => Answer::Next,
                    records::Answer::Label(label) => Answer::Class(of(r, label)?),
                    records::Answer::Tags(tags) => Answer::Steps(tags.iter().map(|t| of(r, t)).collect::<Result<_>>()?),
                    records::Answer::Symbols(symbols) => Answer::Symbols(
                        symbols.iter().map(|s| index.get(s.as_str()).copied().unwrap_or(NO_CLASS)).collect(),
                    ),
                    records::Answer::Values(v) if v.len() == self.labels.len() && single(records, r) => {
                        Answer::Last(v.iter().map(|v| *v as f32).collect())
                    }
                    records::Answer::Values(v) => Answer::Values(v.iter().map(|v| *v as f32).collect()),
                };
                Ok(Example { name: r.name.clone(), frames: frames(r), joints: r.joints.clone(), answer })
            })
            .collect()
    }
}

/// Whether values that fit one step are the target of a whole record.
fn single(records: &Records, record: &Record) -> bool {
    records.steps(record) > 1 || matches!(record.joints, ExampleStructure::Graph(_))
}

/// Stands for the end of a target, and before its first symbol.
const END: &str = "<end>";

/// Labels of all splits, sorted; names of the outputs of a series; of targets, the end and the symbols of train.
pub(crate) fn labels(records: &Records, options: &VocabularyOptions) -> Result<Vec<String>> {
    if records.task == Task::Seq2seq {
        let options = VocabularyOptions { lower_case: false, fold_digits: false, ..options.clone() };
        let symbols = Vocabulary::of_targets(&records.train, &options);
        ensure!(
            !symbols.iter().any(|s| s == END),
            "{}: a target contains {END:?}, which ends it",
            records.dir.display()
        );
        return Ok(std::iter::once(END.to_owned()).chain(symbols).collect());
    }

    let mut labels = BTreeSet::new();
    for record in records.train.iter().chain(&records.valid).chain(&records.test) {
        match &record.answer {
            records::Answer::Label(label) => {
                labels.insert(label.clone());
            }
            records::Answer::Tags(tags) => labels.extend(tags.iter().cloned()),
            records::Answer::Values(_) => return Ok(records.outputs.clone()),
            records::Answer::None | records::Answer::Symbols(_) => return Ok(Vec::new()),
        }
    }
    Ok(labels.into_iter().collect())
}
