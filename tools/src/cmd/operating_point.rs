//! The operating point that a model has, evaluated on long recordings: nothing is searched, nothing is written.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde::Serialize;

use super::calibrate;
use crate::ui::{Progress, Ui, percent};
use elman_listen::{
    Calibrated, DetectionCounts, Recording, Transcript, at_point, check_spelling, listener_setup, poisson, share,
    transcripts,
};
use elman_quant::model::ModelFile;
use elman_recipe::Usage;

/// A fixed operating point on recordings.
#[derive(Clone, Debug, Serialize)]
pub struct Evaluation {
    /// The point, its counts, and misses and false accepts one by one.
    #[serde(flatten)]
    pub found: Calibrated,
    /// False accepts an hour.
    pub false_accepts_per_hour: f64,
    /// 95 % of such counts lie in it.
    pub false_accepts_interval: [f64; 2],
    /// Share of the words that were missed; none where no word is said.
    pub missed: Option<f64>,
    /// 95 % interval of that share.
    pub missed_interval: Option<[f64; 2]>,
}

impl Evaluation {
    fn of(found: Calibrated) -> Self {
        let counts = &found.point.counts;
        let misses = counts.said - counts.hits;
        Evaluation {
            false_accepts_per_hour: counts.per_hour(),
            false_accepts_interval: poisson(counts.false_accepts).map(|n| n / counts.hours),
            missed: (counts.said > 0).then(|| counts.miss_rate()),
            missed_interval: share(misses, counts.said),
            found,
        }
    }

    /// The figures with their intervals.
    fn lines(&self) -> [String; 2] {
        let counts = &self.found.point.counts;
        let DetectionCounts { false_accepts, hours, said, hits, .. } = counts;
        let [low, high] = self.false_accepts_interval;
        let missed = match (self.missed, self.missed_interval) {
            (Some(missed), Some([low, high])) => format!(
                "{} ({} of {said}; 95 % interval {} to {})",
                percent(missed),
                said - hits,
                percent(low),
                percent(high)
            ),
            _ => "none: no word of the model is said".to_owned(),
        };
        [
            format!(
                "false accepts an hour  {:.2} ({false_accepts} in {hours:.2} h; 95 % interval {low:.2} to {high:.2})",
                self.false_accepts_per_hour
            ),
            format!("words missed           {missed}"),
        ]
    }
}

/// Plays recordings to a listener with the model's own operating point, and prints the result.
///
/// # Errors
/// Where the model has no detector, or no hour is played, or a recording cannot be read.
pub fn evaluate(file: &ModelFile, recordings: &[Box<dyn Recording + '_>], ui: Ui) -> Result<Evaluation> {
    let model = file.model()?;
    let (audio, labels, _) = listener_setup(&model)?;
    let config = model
        .detect()
        .with_context(|| Usage(format!("{} has no detector; `elman calibrate` gives it one", file.path().display())))?;
    let tracks = transcripts(recordings);
    ensure!(tracks.iter().any(|t| t.samples > 0), "the recordings have no samples");
    for remark in check_spelling(&tracks, &labels, audio.sample_rate)? {
        ui.note(format!("note: {remark}"));
    }
    let playing = Playing::new(&tracks, audio.sample_rate, ui);
    let found = at_point(&model, recordings, config, &|samples| playing.played(samples))?;
    playing.finish();
    let evaluation = Evaluation::of(found);
    ui.line(format!("the operating point of {}, unchanged", file.path().display()));
    calibrate::point(&evaluation.found, &labels, ui);
    evaluation.lines().into_iter().for_each(|line| ui.line(line));
    Ok(evaluation)
}

/// Progress through hours that are played on several threads, with the time left.
#[derive(Debug)]
pub struct Playing {
    started: Instant,
    rate: u64,
    total: u64,
    state: Mutex<(u64, Progress)>,
}

/// Seconds of recordings in a step of the progress.
const STEP_S: u64 = 60;

impl Playing {
    /// For these recordings.
    pub fn new(tracks: &[Transcript], rate: u32, ui: Ui) -> Self {
        let rate = u64::from(rate.max(1));
        let samples: u64 = tracks.iter().map(|t| t.samples as u64).sum();
        let total = samples / (STEP_S * rate);
        Playing { started: Instant::now(), rate, total, state: Mutex::new((0, ui.progress("minutes played", total))) }
    }

    /// So many samples more.
    pub fn played(&self, samples: usize) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (done, progress) = &mut *state;
        let step = STEP_S * self.rate;
        let before = *done / step;
        *done += samples as u64;
        for minute in before + 1..=*done / step {
            let left =
                self.started.elapsed().as_secs_f64() / minute as f64 * (self.total - minute.min(self.total)) as f64;
            progress.step(format!("about {left:.0} s left"));
        }
    }

    /// Ends it.
    pub fn finish(self) {
        self.state.into_inner().unwrap_or_else(PoisonError::into_inner).1.finish();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use elman_listen::OperatingPoint;

    #[test]
    fn figures_have_intervals_and_of_nothing_there_is_none() {
        let counts = DetectionCounts { hours: 2.0, said: 20, hits: 10, false_accepts: 4, ..DetectionCounts::default() };
        let config = elman::detect::Config::new(&[]).unwrap();
        let of = |counts| {
            let point = OperatingPoint { config: config.clone(), counts };
            let found =
                Calibrated { hours: 2.0, curve: vec![], point, silence_resets: [0; 2], misses: vec![], alarms: vec![] };
            Evaluation::of(found).lines()
        };
        let [alarms, missed] = of(counts.clone());
        assert_eq!(alarms, "false accepts an hour  2.00 (4 in 2.00 h; 95 % interval 0.54 to 5.12)");
        assert_eq!(missed, "words missed           50.0 % (10 of 20; 95 % interval 29.9 % to 70.1 %)");
        let [_, missed] = of(DetectionCounts { said: 0, hits: 0, ..counts });
        assert_eq!(missed, "words missed           none: no word of the model is said");
    }
}
