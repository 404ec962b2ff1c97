//! The run information: everything about a trained network but its weights, as stored in run.json.

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

use elman::blob::Structure;
use elman::text::TextUnit;
use elman_data::records::{Task, Unit};
use elman_nn::{END, NetworkSpec, Target};
use elman_quant::network::{LayerFormats, Surroundings};
use elman_quant::scaling::{Moments, SCALED_FRAC, scaled};
use elman_quant::{IntegerLayer, channels};
use elman_train::Sequence;

use crate::{Answer, Encoding, Example, Frames, fingerprint, structure};
use elman_recipe::{Recipe, RequestedNetwork};

/// Everything about a trained network but its weights, as stored in run.json.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunInfo {
    /// How examples become frames and targets.
    pub encoding: Encoding,
    /// Offset and multiplier of each feature of a frame of sound; empty where frames are readings or symbols.
    pub scale: Vec<(i16, i16)>,
    /// Shift of the scale layer.
    pub scale_shift: u8,
    /// Offset and deviation of each output of a series: the network gives (y - offset) / deviation.
    pub target: Vec<(f64, f64)>,
    /// Steps of the longest example.
    pub longest: usize,
    /// How chains of layers are joined, with the extent of the largest example.
    #[serde(default)]
    pub structure: Structure,
    /// Hash of recipe, data and seed.
    pub fingerprint: u64,
    /// Whether the network was imported: its encoding is that of the file, not one that follows from the data.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub imported: bool,
}

impl RunInfo {
    /// The run information of a network trained on these examples; `others` are those of valid, then of test. The limits of
    /// trees and graphs come from train and valid alone: test is not known beforehand.
    ///
    /// # Errors
    /// Where there is nothing to train on.
    pub fn of(encoding: Encoding, recipe: &Recipe, train: &[Example], others: &[&[Example]]) -> Result<Self> {
        ensure!(!train.is_empty(), "there are no examples to train on");
        let inputs = encoding.inputs();
        let all = || train.iter().chain(others.iter().copied().flatten());
        let longest = all().map(|e| e.steps(inputs)).max().unwrap_or(0);
        let fingerprint = fingerprint(recipe, &encoding, all())?;
        let known = train.iter().chain(others.first().copied().into_iter().flatten());
        let structure = if recipe.network.seq2seq.is_some() {
            structure(&recipe.network, all())
        } else {
            structure(&recipe.network, known)
        };
        let mut about = RunInfo {
            encoding,
            scale: Vec::new(),
            scale_shift: 0,
            target: Vec::new(),
            longest,
            structure,
            fingerprint,
            imported: false,
        };
        if let (true, Some(in_frac)) = (about.scales_outputs(), about.in_frac()) {
            about.target = about.targets(train, in_frac);
        } else if let Some(in_frac) = about.in_frac() {
            let mut moments = Moments::default();
            train.iter().for_each(|e| moments.add(&e.frames, inputs));
            let layer = moments.layer(in_frac);
            (about.scale, about.scale_shift) = (layer.scale, layer.carried_frac);
            about.target = about.targets(train, in_frac);
        }
        Ok(about)
    }

    /// Fraction bits of a frame's values.
    fn in_frac(&self) -> Option<u8> {
        match &self.encoding.frames {
            Frames::Audio(_) => Some(elman::audio::FEATURE_FRAC as u8),
            Frames::Values { frac, .. } => Some(*frac),
            Frames::Symbols(_) => None,
        }
    }

    /// Offset and deviation of each output. Outputs that are fed back are scaled like the inputs that they become.
    fn targets(&self, train: &[Example], in_frac: u8) -> Vec<(f64, f64)> {
        let outputs = self.encoding.outputs();
        if let Frames::Values { feedback: feedback @ 1.., scaling, .. } = &self.encoding.frames {
            if let Some(channels) = scaling.len().checked_sub(*feedback).and_then(|at| scaling.get(at..)) {
                return channels.iter().map(|channel| channels::affine(channel, in_frac)).collect();
            }
            let unit = 2f64.powi(in_frac.into());
            let shift = 2f64.powi((self.scale_shift + SCALED_FRAC).into());
            return self.scale[self.scale.len().saturating_sub(outputs)..]
                .iter()
                .map(|(offset, m)| (f64::from(*offset) / unit, shift / (f64::from(*m) * unit)))
                .collect();
        }
        let values = || train.iter().map(|e| e.answer.values());
        let n = values().map(|v| v.len() / outputs.max(1)).sum::<usize>() as f64;
        if n == 0.0 {
            return Vec::new();
        }
        (0..outputs)
            .map(|k| {
                let column = || values().flat_map(|v| v.iter().skip(k).step_by(outputs)).map(|v| f64::from(*v));
                let mean = column().sum::<f64>() / n;
                let variance = column().map(|v| (v - mean).powi(2)).sum::<f64>() / n;
                (mean, if variance > 0.0 { variance.sqrt() } else { 1.0 })
            })
            .collect()
    }

    /// Whether outputs are scaled at the border of the blob; otherwise the last layer gives physical values.
    fn scales_outputs(&self) -> bool {
        matches!(&self.encoding.frames, Frames::Values { scaling, .. } if !scaling.is_empty())
    }

    /// Offset and deviation that the weights of the last layer contain; empty where they contain none.
    pub fn folded(&self) -> &[(f64, f64)] {
        if self.scales_outputs() { &[] } else { &self.target }
    }

    /// The layer that scales features, where there is one.
    pub fn scale_layer(&self) -> Option<IntegerLayer> {
        (!self.scale.is_empty()).then_some(())?;
        Some(IntegerLayer {
            variant: "scale".to_owned(),
            inputs: self.scale.len(),
            units: self.scale.len(),
            in_frac: self.in_frac()?,
            out_frac: SCALED_FRAC,
            carried_frac: self.scale_shift,
            scale: self.scale.clone(),
            ..IntegerLayer::default()
        })
    }

    /// The network's input for a device's frames.
    pub fn network_frames(&self, frames: &[i16]) -> Vec<f32> {
        match self.scale_layer() {
            Some(layer) => scaled(&layer, frames),
            None if self.scales_outputs() => {
                let unit = 2f32.powi(-i32::from(self.in_frac().unwrap_or(SCALED_FRAC)));
                frames.iter().map(|x| f32::from(*x) * unit).collect()
            }
            None => frames.iter().map(|s| f32::from(*s as u16)).collect(),
        }
    }

    /// The network's targets for the steps `start..end` of `[steps, outputs]` physical values.
    pub fn network_values(&self, values: &[f32], start: usize, end: usize) -> Vec<f32> {
        let outputs = self.target.len().max(1);
        let scaled = |(v, (offset, deviation)): (&f32, &(f64, f64))| ((f64::from(*v) - offset) / deviation) as f32;
        values[start * outputs..end * outputs].iter().zip(self.target.iter().cycle()).map(scaled).collect()
    }

    /// The network's outputs in physical units.
    pub fn physical(&self, outputs: &mut [f32]) {
        for (y, (offset, deviation)) in outputs.iter_mut().zip(self.target.iter().cycle()) {
            *y = (f64::from(*y) * deviation + offset) as f32;
        }
    }

    /// What the blob contains in addition to the network.
    pub fn surroundings(&self, recipe: &Recipe) -> Surroundings {
        let (mut audio, mut text, mut feedback, mut input) = (None, None, 0, None);
        match &self.encoding.frames {
            Frames::Audio(config) => audio = Some(*config),
            Frames::Values { frac, feedback: n, scaling, .. } => {
                (feedback, input) = (*n as u16, Some((*frac, scaling.clone())).filter(|(_, s)| !s.is_empty()));
            }
            Frames::Symbols(vocabulary) => {
                let unit = match vocabulary.unit() {
                    Unit::Characters => TextUnit::Characters,
                    Unit::Words => TextUnit::Words,
                };
                text = Some((unit, vocabulary.symbols().to_vec()));
            }
        }
        let longest = self.longest.min(usize::from(u16::MAX)) as u16;
        Surroundings {
            name: recipe.name.clone(),
            labels: self.encoding.labels.clone(),
            fingerprint: self.fingerprint,
            audio,
            text,
            feedback,
            max_steps: if recipe.quantize.max_steps == 0 { longest } else { recipe.quantize.max_steps },
            scale: self.scale_layer(),
            input,
            target: self.target.clone(),
            structure: self.structure,
            weights: LayerFormats { all: recipe.quantize.weights.0, layers: recipe.quantize.of_layers().collect() },
        }
    }

    /// An example as the trainer reads it, whole.
    pub fn sequence(&self, example: &Example) -> Sequence {
        let inputs = self.encoding.inputs();
        let steps = example.steps(inputs);
        let frames = self.network_frames(&example.frames[..steps * inputs]);
        let target = self.target(example, 0, steps);
        Sequence { frames, joints: example.joints.clone(), target }
    }

    /// The trainer's target for the steps `start..end` of an example; of all, where it is no sequence.
    pub fn target(&self, example: &Example, start: usize, end: usize) -> Target {
        match &example.answer {
            Answer::Class(class) => Target::Class(*class),
            Answer::Steps(classes) if !example.is_sequence() => Target::Steps(classes.clone()),
            Answer::Steps(classes) => Target::Steps(classes[start..end].to_vec()),
            Answer::Symbols(symbols) => Target::Steps(symbols.iter().copied().chain([END]).collect()),
            Answer::Next => Target::Steps(example.next_symbols().skip(start).take(end - start).collect()),
            Answer::Last(values) => Target::Values(self.network_values(values, 0, 1)),
            Answer::Values(values) => Target::Values(self.network_values(values, start, end)),
        }
    }

    /// The network of a recipe between these frames and targets.
    pub fn network(&self, recipe: &Recipe) -> NetworkSpec {
        recipe.network.spec(RequestedNetwork {
            inputs: self.encoding.inputs(),
            outputs: self.encoding.outputs(),
            symbols: self.encoding.symbols(),
            every: matches!(self.encoding.task, Task::Tag | Task::Segment),
            edge_features: self.encoding.edges.len(),
        })
    }
}
