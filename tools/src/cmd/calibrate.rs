//! `elman calibrate`: the operating point of a detector, from long recordings.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use elman::detect::{ONE, Rest};

use super::mix::Sources;
use crate::ui::{Ui, percent};
use elman_data::files::write_atomically;
use elman_listen::{self as listening, Calibrated, Found, Tally, Wish, check_labels, ears, find};
use elman_pipeline::Usage;
use elman_pipeline::report::{self, Curve};
use elman_pipeline::run::RunFolder;
use elman_quant::model::ModelFile;
use elman_quant::with_detector;

/// Plays long recordings through the integer chain, finds out which smoothing, thresholds and refractory time serve best,
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
    /// False accepts an hour that are allowed
    #[arg(long, value_name = "N", default_value_t = 0.5)]
    pub max_false_accepts_per_hour: f64,
    /// Silence after which the listener starts anew, in seconds: nothing heard before it is left; 0 for never
    #[arg(long, value_name = "SECONDS", default_value_t = listening::REST_S)]
    pub rest: f64,
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
        let (audio, labels, keyword) = ears(&model)?;
        let tracks = self.sources.tracks(Some(&self.model), &audio, ui)?;
        for remark in check_labels(&tracks, &labels, &keyword, audio.sample_rate)? {
            ui.note(format!("note: {remark}"));
        }
        let wish = Wish { max_false_accepts_per_hour: self.max_false_accepts_per_hour };
        let found = find(&model, &tracks, wish, listening::rest(self.rest, &audio, &labels))?;
        show(&found, &labels, ui);
        if let Some(path) = &self.html {
            let points = found.curve.clone();
            let curves = [Curve { name: "missed".into(), points }];
            let page = report::curves("Words missed over false accepts an hour", "false accepts an hour", &curves);
            write_atomically(path, page.as_bytes())?;
        }
        let over = found.point.tally.per_hour() > wish.max_false_accepts_per_hour;
        if over {
            ui.note(format!("no point has at most {} false accepts an hour", wish.max_false_accepts_per_hour));
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

/// Says what was found.
pub fn show(found: &Calibrated, labels: &[String], ui: Ui) {
    ui.line(format!("{:.2} hours, {} words said", found.hours, found.point.tally.said));
    ui.line("false accepts/h    missed   (one threshold for all words)");
    for (alarms, missed) in &found.curve {
        ui.line(format!("{alarms:>15.2} {:>9}", percent(*missed)));
    }
    let Found { config, tally } = &found.point;
    ui.line(format!(
        "point: smoothing {} steps, refractory time {} steps, rest {}: {}",
        config.smooth,
        config.refractory,
        if config.rest == Rest::NEVER {
            "never".to_owned()
        } else {
            format!("after {} silent steps", config.rest.steps)
        },
        summary(tally)
    ));
    let [all, within] = found.rests;
    if config.rest != Rest::NEVER {
        ui.line(format!("started anew {all} times, {within} of them within a word"));
    }
    for (k, label) in labels.iter().enumerate().filter(|(k, _)| config.thresholds[*k] > 0) {
        let (said, heard) = tally.words.get(k).copied().unwrap_or_default();
        ui.line(format!(
            "  {label:<16} threshold {:.3}   heard {heard} of {said}   false accepts {}",
            f64::from(config.thresholds[k]) / f64::from(ONE),
            tally.alarms.get(k).copied().unwrap_or_default()
        ));
    }
}

/// A tally in a line.
pub fn summary(tally: &Tally) -> String {
    format!(
        "{:.2} false accepts/h ({} in {:.2} h: {} at other keywords, {} at unknown words), {} missed ({} of {}), {} told twice",
        tally.per_hour(),
        tally.false_accepts,
        tally.hours,
        tally.confused,
        tally.at_unknown,
        percent(tally.miss_rate()),
        tally.said - tally.hits,
        tally.said,
        tally.twice
    )
}
