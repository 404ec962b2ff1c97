//! `elman calibrate`: the operating point of a detector, from long recordings.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use elman::detect::SilenceReset;

use super::mix::Sources;
use crate::ui::{Ui, percent};
use elman_data::files::write_atomically;
use elman_listen::{
    self as listening, Calibrated, DetectionCounts, OperatingPoint, OperatingTarget, check_labels, find, listener_setup,
};
use elman_pipeline::run::RunFolder;
use elman_quant::model::ModelFile;
use elman_quant::with_detector;
use elman_recipe::Usage;
use elman_report::{self as report, Curve};

/// Plays long recordings through the integer chain, finds the best smoothing, thresholds and refractory time,
/// and writes them into the model.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  elman calibrate runs/asc_kws-stream --data ~/data/asc_kws --hours 2 --max-false-accepts-per-hour 0.5\n  elman calibrate kitchen.elman --audio recordings/"
)]
pub struct Cmd {
    /// A blob, or a run folder
    pub model: PathBuf,
    /// Where recordings come from
    #[command(flatten)]
    pub sources: Sources,
    /// False accepts per hour that are allowed
    #[arg(long, value_name = "N", default_value_t = 0.5)]
    pub max_false_accepts_per_hour: f64,
    /// Silence after which the listener is reset, in seconds: what came before has no effect any more; 0 for never
    #[arg(long, alias = "rest", value_name = "SECONDS", default_value_t = listening::SILENCE_RESET_S)]
    pub silence_reset: f64,
    /// Writes the trade-off curve as a page
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Leaves the model as it is
    #[arg(long)]
    pub dry_run: bool,
}

impl Cmd {
    /// Runs it.
    pub fn run(self, ui: Ui) -> Result<()> {
        ensure!(self.max_false_accepts_per_hour >= 0.0, Usage("--max-false-accepts-per-hour counts from 0".to_owned()));
        let file = ModelFile::read(&self.model)?;
        let model = file.model()?;
        let (audio, labels, keyword) = listener_setup(&model)?;
        let tracks = self.sources.tracks(Some(&self.model), &audio, ui)?;
        for remark in check_labels(&tracks, &labels, &keyword, audio.sample_rate)? {
            ui.note(format!("note: {remark}"));
        }
        let target = OperatingTarget { max_false_accepts_per_hour: self.max_false_accepts_per_hour };
        let found = find(&model, &tracks, target, listening::silence_reset(self.silence_reset, &audio, &labels))?;
        show(&found, &labels, ui);
        if let Some(path) = &self.html {
            let points = found.curve.clone();
            let curves = [Curve { name: "missed".into(), points }];
            let page = report::curves("Words missed over false accepts an hour", "false accepts an hour", &curves);
            write_atomically(path, page.as_bytes())?;
        }
        let over = found.point.counts.per_hour() > target.max_false_accepts_per_hour;
        if over {
            ui.note(format!("no point has at most {} false accepts an hour", target.max_false_accepts_per_hour));
        }
        if !self.dry_run {
            let blob = with_detector(&file.bytes(), Some(found.point.config.clone()))?;
            write_atomically(file.path(), &blob)?;
            ui.line(format!("written into {}", file.path().display()));
            if self.model.is_dir() {
                let folder = RunFolder::open(&self.model)?;
                folder.add_result("calibrate", &found)?;
                let clips = listening::scenes(&ModelFile::read(&self.model)?.model()?, &tracks, &found)?;
                folder.write_scenes(&clips)?;
                crate::cmd::report::write(&folder)?;
            }
        }
        ui.result(&found)?;
        ensure!(!over, "the model does not reach the false accepts an hour that are allowed");
        Ok(())
    }
}

/// Prints the result.
pub fn show(found: &Calibrated, labels: &[String], ui: Ui) {
    ui.line(format!("{:.2} hours, {} words spoken", found.hours, found.point.counts.said));
    ui.line("false accepts/h    missed   (one threshold for all words)");
    for (alarms, missed) in &found.curve {
        ui.line(format!("{alarms:>15.2} {:>9}", percent(*missed)));
    }
    let OperatingPoint { config, counts } = &found.point;
    ui.line(format!(
        "point: smoothing {} steps, refractory time {} steps, silence reset {}: {}",
        config.smooth,
        config.refractory,
        if config.silence_reset == SilenceReset::NEVER {
            "never".to_owned()
        } else {
            format!("after {} silent steps", config.silence_reset.steps)
        },
        summary(counts)
    ));
    let [all, within] = found.silence_resets;
    if config.silence_reset != SilenceReset::NEVER {
        ui.line(format!("silence resets: {all}, {within} of them within a word"));
    }
    for (k, label) in labels.iter().enumerate().filter(|(k, _)| config.thresholds[*k] > 0u16) {
        let (said, detected) = counts.words.get(k).copied().unwrap_or_default();
        ui.line(format!(
            "  {label:<16} threshold {:.3}   detected {detected} of {said}   false accepts {}",
            config.thresholds[k].to_num::<f64>(),
            counts.alarms.get(k).copied().unwrap_or_default()
        ));
    }
}

/// The counts in a line.
pub fn summary(counts: &DetectionCounts) -> String {
    format!(
        "{:.2} false accepts/h ({} in {:.2} h: {} at other keywords, {} at unknown words), {} missed ({} of {}), {} detected twice",
        counts.per_hour(),
        counts.false_accepts,
        counts.hours,
        counts.confused,
        counts.at_unknown,
        percent(counts.miss_rate()),
        counts.said - counts.hits,
        counts.said,
        counts.twice
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Alone {
        #[command(flatten)]
        cmd: Cmd,
    }

    #[test]
    fn the_silence_reset_has_its_old_name_too() {
        let reset = |flags: &[&str]| {
            let words = ["elman", "words.elman", "--data", "x"].iter().chain(flags);
            Alone::parse_from(words).cmd.silence_reset
        };
        assert_eq!(reset(&[]), listening::SILENCE_RESET_S);
        assert_eq!([reset(&["--silence-reset", "3"]), reset(&["--rest", "3"])], [3.0, 3.0]);
    }
}
