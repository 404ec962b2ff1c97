//! `elman calibrate`: the operating point of a detector, from long recordings.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use elman::audio;
use elman::blob::Model;
use elman::detect::{ONE, Rest};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::Usage;
use super::mix::Sources;
use crate::files::write_atomically;
use crate::listening::{
    self, Alarm, Details, Found, Played, Point, SMOOTH, Spoken, Tally, Track, Wish, judge, play, replay,
};
use crate::model::ModelFile;
use crate::quant::with_detector;
use crate::report::{self, Curve};
use crate::run::RunFolder;
use crate::ui::{Ui, percent};

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

/// A point as people read it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Calibrated {
    /// Hours of recordings.
    pub hours: f64,
    /// The trade-off: false accepts an hour, share of the words missed, one threshold for all words.
    pub curve: Vec<(f64, f64)>,
    /// The point.
    pub point: Found,
    /// Times the listener started anew: all, and those within a word.
    #[serde(default)]
    pub rests: [usize; 2],
    /// Misses at it.
    pub misses: Vec<(usize, Spoken)>,
    /// False accepts at it.
    pub alarms: Vec<Alarm>,
}

/// The front end of a model that listens, its labels, and which of them are words.
///
/// # Errors
/// Where it takes no sound, has no word, or more outputs than a detector.
pub fn ears(model: &Model<'_>) -> Result<(audio::Config, Vec<String>, Vec<bool>)> {
    let audio = *model.audio().with_context(|| format!("the model {} takes no sound", model.name()))?;
    let labels: Vec<String> = model.descriptor().labels.lines().map(str::to_owned).collect();
    let keyword = listening::keywords(&labels);
    ensure!(keyword.contains(&true), "the model {} has no word among its labels", model.name());
    listening::check_outputs(&labels)?;
    Ok((audio, labels, keyword))
}

/// Every track through the integer chain, side by side, by a listener that starts anew after `rest`.
///
/// # Errors
/// Where the model is no stream.
pub fn play_all(model: &Model<'_>, tracks: &[Track], rest: Rest) -> Result<Vec<Played>> {
    tracks.par_iter().map(|t| play(model, &t.samples, 320, rest)).collect()
}

/// Finds the operating point of a model on tracks, for a listener that starts anew after `rest`.
///
/// # Errors
/// Where the model cannot listen.
pub fn find(model: &Model<'_>, tracks: &[Track], wish: Wish, rest: Rest) -> Result<Calibrated> {
    let (audio, labels, keyword) = ears(model)?;
    let played = play_all(model, tracks, rest)?;
    let rests = listening::rests(tracks, &played, &audio);
    let point = Point { tracks, played: &played, audio: &audio, labels: &labels, keyword: &keyword };
    let swept = listening::sweep(&point, &SMOOTH);
    let curve = listening::curve(&swept).iter().map(|f| (f.tally.per_hour(), f.tally.miss_rate())).collect();
    let best = listening::calibrate(&point, &swept, wish).context("nothing was swept")?;
    let (mut misses, mut alarms) = (Vec::new(), Vec::new());
    for (k, (track, played)) in tracks.iter().zip(&played).enumerate() {
        let at = |e: &elman::detect::Event| e.step as usize * usize::from(audio.hop) + usize::from(audio.window);
        let details = Some(Details { track: k, misses: &mut misses, alarms: &mut alarms });
        judge(track, audio.sample_rate, &replay(played, &best.config), at, &labels, &keyword, details);
    }
    Ok(Calibrated { hours: best.tally.hours, curve, point: best, rests, misses, alarms })
}

impl Cmd {
    /// Runs it.
    pub fn run(self, ui: Ui) -> Result<()> {
        ensure!(self.max_false_accepts_per_hour >= 0.0, Usage("--max-false-accepts-per-hour counts from 0".to_owned()));
        let file = ModelFile::read(&self.model)?;
        let model = file.model()?;
        let (audio, labels, _) = ears(&model)?;
        let tracks = self.sources.tracks(Some(&self.model), &audio, ui)?;
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
