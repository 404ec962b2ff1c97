//! What a folder of data holds, in figures.

use super::{Answer, Corpus, Input, Record, Records, Split};
use serde::Serialize;
use std::collections::BTreeMap;

/// Figures of a folder of data, of sound or of records.
#[derive(Clone, Debug, Serialize)]
pub struct Survey {
    /// The format or layout.
    pub format: String,
    /// What the answers are: class, tag, segment, next, series.
    pub task: String,
    /// What a symbol is, where the input is symbols.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Samples per second in Hz, where the input is sound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sample_rate: Option<u32>,
    /// Input channels by name.
    pub channels: Vec<String>,
    /// Output values by name.
    pub outputs: Vec<String>,
    /// Different symbols of train.
    pub symbols: usize,
    /// The splits that are not empty.
    pub splits: Vec<SplitSurvey>,
    /// Whether valid was carved out of train.
    pub valid_is_carved: bool,
    /// Recordings of background noise and their seconds, where the input is sound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub noise: Option<(usize, f64)>,
    /// What was set aside or looks doubtful, in sentences.
    pub notes: Vec<String>,
}

/// Figures of a split.
#[derive(Clone, Debug, Serialize)]
pub struct SplitSurvey {
    /// Its name.
    pub split: String,
    /// Examples.
    pub examples: usize,
    /// Steps (samples for sound) of the shortest, the median and the longest example.
    pub lengths: [usize; 3],
    /// Steps of all examples.
    pub steps: usize,
    /// Examples per label, or steps per tag.
    pub labels: BTreeMap<String, usize>,
    /// Smallest and largest value per input channel.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ranges: Vec<[f64; 2]>,
    /// Smallest and largest value per output.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub output_ranges: Vec<[f64; 2]>,
}

const SPLITS: [Split; 3] = [Split::Train, Split::Valid, Split::Test];

impl Survey {
    /// Figures of records.
    pub fn of_records(records: &Records) -> Survey {
        let split = |split: Split| {
            let examples = records.split(split);
            let lengths = examples.iter().map(|r| records.steps(r)).collect();
            let mut survey = SplitSurvey::new(split, lengths);
            for record in examples {
                match &record.answer {
                    Answer::Label(label) => *survey.labels.entry(label.clone()).or_default() += 1,
                    Answer::Tags(tags) | Answer::Symbols(tags) => {
                        tags.iter().for_each(|t| *survey.labels.entry(t.clone()).or_default() += 1);
                    }
                    Answer::Values(values) => widen(&mut survey.output_ranges, values, records.outputs.len()),
                    Answer::None => {}
                }
                if let Input::Values(values) = &record.input {
                    widen(&mut survey.ranges, values, records.channels.len());
                }
            }
            survey
        };
        let mut symbols = std::collections::HashSet::new();
        for Record { input, .. } in &records.train {
            if let Input::Symbols(of_steps) = input {
                symbols.extend(of_steps);
            }
        }
        Survey {
            format: records.format.to_string(),
            task: records.task.to_string(),
            unit: records.unit.map(|u| u.to_string()),
            sample_rate: None,
            channels: records.channels.clone(),
            outputs: records.outputs.clone(),
            symbols: symbols.len(),
            splits: SPLITS.into_iter().filter(|&s| !records.split(s).is_empty()).map(split).collect(),
            valid_is_carved: records.valid_is_carved,
            noise: None,
            notes: records.notes.iter().map(ToString::to_string).collect(),
        }
    }

    /// Figures of a corpus of sound.
    pub fn of_corpus(corpus: &Corpus) -> Survey {
        let split = |split: Split| {
            let clips = corpus.split(split);
            let mut survey = SplitSurvey::new(split, clips.iter().map(|c| c.length).collect());
            for clip in clips {
                *survey.labels.entry(corpus.labels[clip.label].clone()).or_default() += 1;
            }
            survey
        };
        Survey {
            format: format!("sound, {}", corpus.layout),
            task: "class".to_owned(),
            unit: None,
            sample_rate: Some(corpus.sample_rate),
            channels: Vec::new(),
            outputs: Vec::new(),
            symbols: 0,
            splits: SPLITS.into_iter().filter(|&s| !corpus.split(s).is_empty()).map(split).collect(),
            valid_is_carved: corpus.valid_is_carved,
            noise: Some((corpus.noise.len(), corpus.noise_seconds())),
            notes: corpus.notes.iter().map(ToString::to_string).collect(),
        }
    }
}

impl SplitSurvey {
    fn new(split: Split, mut lengths: Vec<usize>) -> Self {
        lengths.sort_unstable();
        let at = |k: usize| lengths.get(k).copied().unwrap_or(0);
        SplitSurvey {
            split: split.to_string(),
            examples: lengths.len(),
            lengths: [at(0), at(lengths.len() / 2), at(lengths.len().saturating_sub(1))],
            steps: lengths.iter().sum(),
            labels: BTreeMap::new(),
            ranges: Vec::new(),
            output_ranges: Vec::new(),
        }
    }
}

/// Widens the range of every channel so that it holds `values` `[steps * channels]`.
fn widen(ranges: &mut Vec<[f64; 2]>, values: &[f64], channels: usize) {
    if channels == 0 {
        return;
    }
    ranges.resize(channels, [f64::INFINITY, f64::NEG_INFINITY]);
    for step in values.chunks_exact(channels) {
        for (range, &value) in ranges.iter_mut().zip(step) {
            *range = [range[0].min(value), range[1].max(value)];
        }
    }
}
