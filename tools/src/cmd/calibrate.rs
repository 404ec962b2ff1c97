//! `elman calibrate`: the operating point of a detector, from long recordings.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use elman::detect::{self, SilenceReset};

use super::mix::Sources;
use super::operating_point::{self, Playing};
use crate::ui::{Ui, percent};
use elman_data::files::{check_place, write_atomically};
use elman_listen::{
    self as listening, Calibrated, DetectionCounts, OperatingPoint, OperatingTarget, check_labels, find,
    listener_setup, transcripts,
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
    after_help = "Examples:\n  elman calibrate runs/asc_kws-stream --data ~/data/asc_kws --hours 2 --max-false-accepts-per-hour 0.5\n  elman calibrate kitchen.elman --audio recordings/\n  elman calibrate kitchen.elman --audio recordings/ --keep"
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
    /// Searches for a point and leaves the model as it is; --keep evaluates the model's own point
    #[arg(long)]
    pub dry_run: bool,
    /// Searches for nothing: evaluates the operating point that the model has, and leaves it as it is
    #[arg(long, conflicts_with_all = ["dry_run", "max_false_accepts_per_hour", "silence_reset", "html"])]
    pub keep: bool,
    /// Threads; the result does not depend on them
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
}

impl Cmd {
    /// Runs it.
    pub fn run(self, ui: Ui) -> Result<()> {
        let threads = usize::from(self.threads.unwrap_or(0));
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
        pool.install(|| if self.keep { self.evaluate(ui) } else { self.calibrate(ui) })
    }

    /// Evaluates the point that the model has.
    fn evaluate(&self, ui: Ui) -> Result<()> {
        let file = ModelFile::read(&self.model)?;
        let audio = listener_setup(&file.model()?)?.0;
        let material = self.sources.open(Some(&self.model), &audio, ui)?;
        let found = operating_point::evaluate(&file, &material.recordings()?, ui)?;
        ui.result(&found)
    }

    fn calibrate(&self, ui: Ui) -> Result<()> {
        let found = self.calibrated(ui)?;
        ui.result(&found)?;
        let most = self.max_false_accepts_per_hour;
        ensure!(
            found.point.counts.per_hour() <= most,
            "the model does not reach the false accepts an hour that are allowed"
        );
        Ok(())
    }

    /// Searches for a point and writes it, also where that has more false accepts than are allowed.
    pub(super) fn calibrated(&self, ui: Ui) -> Result<Calibrated> {
        ensure!(
            self.max_false_accepts_per_hour >= 0.0 && self.max_false_accepts_per_hour.is_finite(),
            Usage("--max-false-accepts-per-hour counts from 0".to_owned())
        );
        self.html.as_deref().map_or(Ok(()), check_place)?;
        let change = self.model.is_dir() && !self.dry_run;
        let folder = change.then(|| RunFolder::open_locked(&self.model)).transpose()?;
        let file = ModelFile::read(&self.model)?;
        let model = file.model()?;
        let (audio, labels, keyword) = listener_setup(&model)?;
        let material = self.sources.open(Some(&self.model), &audio, ui)?;
        let recordings = material.recordings()?;
        let tracks = transcripts(&recordings);
        for remark in check_labels(&tracks, &labels, &keyword, audio.sample_rate)? {
            ui.note(format!("note: {remark}"));
        }
        if self.dry_run && model.detect().is_some() {
            ui.note(
                "note: this searches for a new point and writes nothing; --keep evaluates the point that the model has",
            );
        }
        let target = OperatingTarget { max_false_accepts_per_hour: self.max_false_accepts_per_hour };
        let reset = listening::silence_reset(self.silence_reset, &audio, &labels);
        let playing = Playing::new(&tracks, audio.sample_rate, ui);
        let found = find(&model, &recordings, target, reset, &|samples| playing.played(samples))?;
        playing.finish();
        show(&found, &labels, ui);
        for doubt in doubts(&found.point.counts, &labels, &keyword, target) {
            ui.note(format!("note: {doubt}"));
        }
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
            if let Some(folder) = &folder {
                folder.add_result("calibrate", &found)?;
                let clips = listening::scenes(&ModelFile::read(&self.model)?.model()?, &recordings, &found)?;
                folder.write_scenes(&clips)?;
                crate::cmd::report::write(folder)?;
            }
        }
        Ok(found)
    }
}

/// False accepts that must be counted before thresholds of several words can be chosen by them.
const FALSE_ACCEPTS_NEEDED: f64 = 20.0;

/// What a user should know of a point before a device has it.
fn doubts(counts: &DetectionCounts, labels: &[String], keyword: &[bool], target: OperatingTarget) -> Vec<String> {
    let mut doubts = Vec::new();
    let rate = target.max_false_accepts_per_hour;
    let hours = FALSE_ACCEPTS_NEEDED / rate;
    if rate > 0.0 && counts.hours < hours {
        doubts.push(format!(
            "{:.2} hours carry a rate of {rate} false accepts an hour badly: with --hours {:.0} some {FALSE_ACCEPTS_NEEDED} are \
             counted, and thresholds hold on other recordings",
            counts.hours,
            hours.ceil()
        ));
    }
    let words = || keyword.iter().zip(labels).zip(&counts.words).filter(|((keyword, _), _)| **keyword);
    let named = |wanted: fn(usize, usize) -> bool| {
        let of = words().filter(|(_, (said, detected))| wanted(*said, *detected));
        of.map(|((_, label), (said, detected))| format!("`{label}` ({detected} of {said})"))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let hardly = named(|said, detected| said > 0 && 2 * detected < said);
    if !hardly.is_empty() {
        doubts.push(format!(
            "hardly detected: {hardly}; more hours, more false accepts an hour, or more training for these words"
        ));
    }
    let never = named(|said, _| said == 0);
    if !never.is_empty() {
        doubts.push(format!("never spoken in these recordings, so that nothing is known of them: {never}"));
    }
    if counts.twice * 20 > counts.hits.max(1) {
        doubts.push(format!(
            "{} of {} detected words are reported twice; a device that acts on each should wait after an event",
            counts.twice, counts.hits
        ));
    }
    doubts
}

/// Prints the result.
pub fn show(found: &Calibrated, labels: &[String], ui: Ui) {
    ui.line(format!("{:.2} hours, {} words spoken", found.hours, found.point.counts.said));
    ui.line("false accepts/h    missed   (one threshold for all words)");
    for (alarms, missed) in &found.curve {
        ui.line(format!("{alarms:>15.2} {:>9}", percent(*missed)));
    }
    point(found, labels, ui);
}

/// A detector's smoothing, refractory time and silence reset.
pub fn timing(config: &detect::Config) -> String {
    let reset = match config.silence_reset {
        SilenceReset::NEVER => "never".to_owned(),
        SilenceReset { steps, .. } => format!("after {steps} silent steps"),
    };
    format!("smoothing {} steps, refractory time {} steps, silence reset {reset}", config.smooth, config.refractory)
}

/// Prints an operating point and its result, word by word.
pub fn point(found: &Calibrated, labels: &[String], ui: Ui) {
    let OperatingPoint { config, counts } = &found.point;
    ui.line(format!("point: {}: {}", timing(config), summary(counts)));
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
        if counts.said == 0 { "none".to_owned() } else { percent(counts.miss_rate()) },
        counts.said - counts.hits,
        counts.said,
        counts.twice
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[test]
    fn dead_words_and_few_hours_are_named() {
        let labels = ["unknown", "no", "up", "go"].map(str::to_owned);
        let keyword = [false, true, true, true];
        let target = OperatingTarget { max_false_accepts_per_hour: 0.5 };
        let words = vec![(9, 0), (55, 1), (52, 40), (0, 0)];
        let counts = DetectionCounts { hours: 1.0, said: 107, hits: 41, words, twice: 9, ..DetectionCounts::default() };
        let said = doubts(&counts, &labels, &keyword, target);
        assert_eq!(said.len(), 4, "{said:?}");
        assert!(said[0].contains("1.00 hours") && said[0].contains("--hours 40"), "{}", said[0]);
        assert!(said[1].contains("`no` (1 of 55)") && !said[1].contains("`up`"), "{}", said[1]);
        assert!(said[2].contains("`go`") && !said[2].contains("unknown"), "{}", said[2]);
        assert!(said[3].contains("9 of 41"), "{}", said[3]);
        let fine = DetectionCounts {
            hours: 50.0,
            words: vec![(9, 0), (50, 45), (50, 44), (50, 41)],
            twice: 1,
            hits: 130,
            ..counts
        };
        assert_eq!(doubts(&fine, &labels, &keyword, target), Vec::<String>::new());
    }

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
