//! Values of sensors as the elements of a frame: fixed for each channel by the training data, counted wherever data is read.

use elman::scaling::Channel;
use elman_data::Split;
use elman_data::records::{Answer, Input, Record, Records};
use elman_quant::channels::{self, CLOSED_FRAC, reading};
use elman_quant::scaling::SCALED_FRAC;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{Encoding, Frames, Source};

/// The fraction bits of all elements and the scaling of each channel, for the training data; the last `feedback` channels are
/// the outputs.
pub fn fit(records: &Records, feedback: usize) -> (u8, Vec<Channel>) {
    let frac = if feedback > 0 { CLOSED_FRAC } else { SCALED_FRAC };
    let inputs = records.channels.len();
    let channel = |k: usize| {
        let values = column(records, &records.train, k);
        let still = values.iter().all(|v| *v == values[0]);
        // What is fed back needs a unit in any case.
        if still && k < inputs { channels::left_out(&values, frac) } else { channels::input(&values, frac) }
    };
    (frac, (0..inputs + feedback).into_par_iter().map(channel).collect())
}

/// All values of channel `k`; the channels after the inputs are the outputs.
fn column(records: &Records, of: &[Record], k: usize) -> Vec<f64> {
    let (inputs, outputs) = (records.channels.len(), records.outputs.len().max(1));
    let mut all = Vec::new();
    for record in of {
        match (&record.input, &record.answer) {
            (Input::Values(v), _) if k < inputs => all.extend(v.iter().skip(k).step_by(inputs)),
            (_, Answer::Values(v)) if k >= inputs => all.extend(v.iter().skip(k - inputs).step_by(outputs)),
            _ => {}
        }
    }
    all
}

/// Frames of values, `element` by number of the channel: the inputs of each step and, in closed loop, the measured outputs of
/// the step before, 0 in the first step.
pub fn frames(records: &Records, record: &Record, feedback: usize, element: impl Fn(usize, f64) -> i16) -> Vec<i16> {
    let Input::Values(inputs) = &record.input else { return Vec::new() };
    let width = records.channels.len();
    let step = |at: usize, values: &[f64]| -> Vec<i16> {
        values.iter().enumerate().map(|(k, v)| element(at + k, *v)).collect()
    };
    if feedback == 0 {
        return inputs.chunks(width.max(1)).flat_map(|x| step(0, x)).collect();
    }
    let Answer::Values(outputs) = &record.answer else { return Vec::new() };
    let mut before = vec![0; feedback];
    let mut frames = Vec::with_capacity(inputs.len() + outputs.len());
    for (t, y) in outputs.chunks_exact(feedback).enumerate() {
        frames.extend(step(0, &inputs[t * width..][..width]));
        frames.append(&mut before);
        before = step(width, y);
    }
    frames
}

/// The element of a value.
pub fn element(channel: &Channel, value: f64) -> (i16, bool) {
    channel.quantize(reading(value, channel.raw_frac))
}

/// What became of a channel's values.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ChannelReport {
    /// Its name.
    pub name: String,
    /// The smallest value.
    pub low: f64,
    /// The largest value.
    pub high: f64,
    /// Steps of the input format that the deviation of its elements covers.
    pub steps: f64,
    /// Values that were clamped to the range of the format.
    pub clamped: usize,
    /// All values.
    pub values: usize,
    /// The range of the format.
    pub range: [f64; 2],
    /// Fraction bits of a reading.
    pub raw_frac: i8,
    /// Whether it never moved in training and is left out.
    pub left_out: bool,
    /// Steps of an f32 that the deviation covers.
    pub float_steps: f64,
}

/// Below so many steps a deviation is too small for its format.
const FEW_STEPS: f64 = 8.0;

impl ChannelReport {
    fn of(name: &str, channel: &Channel, frac: u8, values: &[f64]) -> Self {
        let elements: Vec<(i16, bool)> = values.iter().map(|v| element(channel, *v)).collect();
        let n = values.len().max(1) as f64;
        let mean = elements.iter().map(|(x, _)| f64::from(*x)).sum::<f64>() / n;
        let steps = (elements.iter().map(|(x, _)| (f64::from(*x) - mean).powi(2)).sum::<f64>() / n).sqrt();
        let (low, high) = values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(*v), b.max(*v)));
        let (offset, unit) = match channel.multiplier {
            0 => (channels::number(channel.offset, channel.raw_frac), 0.0),
            _ => channels::affine(channel, frac),
        };
        let end = |x: i16| offset + f64::from(x) / 2f64.powi(frac.into()) * unit;
        // The distance of neighbouring f32 at the middle of the range.
        let float = f64::from(f32::EPSILON) * offset.abs().max(f64::MIN_POSITIVE);
        let deviation = steps * unit / 2f64.powi(frac.into());
        ChannelReport {
            name: name.to_owned(),
            low,
            high,
            steps,
            clamped: elements.iter().filter(|(_, saturated)| *saturated).count(),
            values: values.len(),
            range: [end(i16::MIN), end(i16::MAX)],
            raw_frac: channel.raw_frac,
            left_out: channel.multiplier == 0,
            float_steps: deviation / float,
        }
    }

    /// Whether all values are one.
    pub fn constant(&self) -> bool {
        self.values > 0 && self.low == self.high
    }

    /// What is doubtful about it.
    pub fn doubt(&self) -> Option<String> {
        if self.left_out || self.constant() {
            return Some("constant, so that it tells the network nothing and is left out".to_owned());
        }
        if self.steps < FEW_STEPS {
            return Some(format!(
                "its deviation covers {:.1} steps of the input format, which is too coarse for it",
                self.steps
            ));
        }
        (self.float_steps < FEW_STEPS).then(|| {
            format!(
                "its deviation covers {:.1} steps of an f32: give the device readings of 32 bits, or subtract an offset",
                self.float_steps
            )
        })
    }

    /// A line about it.
    pub fn text(&self) -> String {
        if let Some(doubt) = self.doubt().filter(|_| self.left_out) {
            return format!("channel {}: {}, {doubt}", self.name, short(self.low));
        }
        let doubt = self.doubt().map_or(String::new(), |d| format!("; {d}"));
        format!(
            "channel {}: {} to {}, deviation {:.0} steps, {} of {} values clamped to {} .. {}; readings with {} fraction \
             bits{doubt}",
            self.name,
            short(self.low),
            short(self.high),
            self.steps,
            self.clamped,
            self.values,
            short(self.range[0]),
            short(self.range[1]),
            self.raw_frac,
        )
    }

    /// A note about values that were clamped, if any were.
    pub fn clamped_text(&self, split: &str) -> Option<String> {
        (self.clamped > 0).then(|| {
            format!(
                "note: channel {}: {} of {} values of {split} are beyond {} .. {} and were clamped, as the device does",
                self.name,
                self.clamped,
                self.values,
                short(self.range[0]),
                short(self.range[1])
            )
        })
    }
}

/// Most channels with a line of their own.
const MOST_LINES: usize = 16;

/// What a user should know of the channels: a line for each, or where they are many for those that are doubtful.
pub fn summary(reports: &[ChannelReport]) -> Vec<String> {
    if reports.len() <= MOST_LINES {
        return reports.iter().map(ChannelReport::text).collect();
    }
    let doubtful: Vec<&ChannelReport> = reports.iter().filter(|r| r.clamped > 0 || r.doubt().is_some()).collect();
    let clamped: usize = reports.iter().map(|r| r.clamped).sum();
    let steps = reports.iter().filter(|r| !r.constant()).fold(f64::INFINITY, |least, r| least.min(r.steps));
    let mut lines = vec![format!(
        "{} channels: deviations of {steps:.0} steps and more of the input format, {clamped} values clamped; {} are doubtful or \
         have clamped values",
        reports.len(),
        doubtful.len()
    )];
    lines.extend(doubtful.iter().take(MOST_LINES).map(|r| r.text()));
    lines
}

/// A number to seven digits.
pub fn short(value: f64) -> String {
    let rounded: f64 = format!("{value:.6e}").parse().unwrap_or(value);
    match rounded == 0.0 || (1e-4..1e10).contains(&rounded.abs()) {
        true => format!("{rounded}"),
        false => format!("{rounded:e}"),
    }
}

/// What becomes of the values of a split; empty where frames are no readings.
pub fn report(encoding: &Encoding, source: &Source, split: Split) -> Vec<ChannelReport> {
    let (Source::Records(records), Frames::Values { frac, channels, scaling, .. }) = (source, &encoding.frames) else {
        return Vec::new();
    };
    let of = records.split(split);
    scaling
        .par_iter()
        .zip(channels)
        .enumerate()
        .map(|(k, (channel, name))| ChannelReport::of(name, channel, *frac, &column(records, of, k)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        for (value, text) in [
            (0.0, "0"),
            (101_325.0, "101325"),
            (-8_000_311.4, "-8000311"),
            (0.1 + 0.2, "0.3"),
            (1.0e-6, "1e-6"),
            (47.123_456_78, "47.12346"),
            (1.5e38, "1.5e38"),
        ] {
            assert_eq!(short(value), text);
        }
    }
}
