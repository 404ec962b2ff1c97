//! Operating points: smoothing, thresholds and refractory time, chosen on recordings.

use elman::audio;
use elman::detect::{self, Probability};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::candidates::Candidates;
use super::play::sample_of;
use super::{DetectionCounts, SILENCE, StreamScores, Transcript, replay, score_events};

/// Recordings with the network's probabilities for them.
#[derive(Clone, Copy, Debug)]
pub struct CalibrationSet<'a> {
    /// What is said in the recordings.
    pub tracks: &'a [Transcript],
    /// The network's probabilities for them.
    pub played: &'a [StreamScores],
    /// The front end.
    pub audio: &'a audio::Config,
    /// Labels of the outputs.
    pub labels: &'a [String],
    /// Which of them are words to detect.
    pub keyword: &'a [bool],
}

/// An operating point and its result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OperatingPoint {
    /// The detector's parameters.
    pub config: detect::Config,
    /// Hits, misses and false accepts.
    pub counts: DetectionCounts,
}

/// What an operating point must reach.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OperatingTarget {
    /// Most false accepts an hour.
    pub max_false_accepts_per_hour: f64,
}

/// Windows of smoothing that are tried, in steps.
pub const SMOOTH: [u8; 7] = [2, 4, 6, 9, 13, 18, 25];
/// Refractory times that are tried, in seconds.
const REFRACTORY_S: [f64; 2] = [0.5, 0.8];
/// Silence after which a listener is reset, by default, in seconds.
pub const SILENCE_RESET_S: f64 = 2.0;

/// The silence reset after so many seconds, at least a step longer than any refractory time that is tried; none for 0 seconds, or where
/// no output is silence.
pub fn silence_reset(seconds: f64, audio: &audio::Config, labels: &[String]) -> detect::SilenceReset {
    let steps = |s: f64| (s * f64::from(audio.sample_rate) / f64::from(audio.hop)).round();
    let least = REFRACTORY_S.into_iter().map(steps).fold(0.0, f64::max) + 1.0;
    let silence = labels.iter().position(|l| l == SILENCE).and_then(|k| u8::try_from(k).ok());
    match silence {
        Some(output) if seconds > 0.0 => {
            detect::SilenceReset { class: output, steps: steps(seconds).max(least) as u16 }
        }
        _ => detect::SilenceReset::NEVER,
    }
}

/// Thresholds that are tried: evenly spaced, closer together towards 1.
fn thresholds() -> Vec<Probability> {
    let even = (3..=18).map(|k| f64::from(k) * 0.05);
    let close = [0.92, 0.94, 0.955, 0.965, 0.975, 0.985, 0.99, 0.994, 0.997];
    even.chain(close).map(|t| Probability::from_bits((t * 32_768.0) as u16)).collect()
}

impl CalibrationSet<'_> {
    /// Runs the detector over all recordings.
    pub fn counts(&self, config: &detect::Config) -> DetectionCounts {
        self.score(self.played.iter().map(|played| replay(played, config)))
    }

    /// Counts for the events of each recording.
    fn score(&self, events: impl Iterator<Item = Vec<detect::Event>>) -> DetectionCounts {
        let mut sum = DetectionCounts::default();
        for (track, events) in self.tracks.iter().zip(events) {
            let at = |e: &_| sample_of(e, self.audio);
            sum.add(&score_events(track, self.audio.sample_rate, &events, at, self.labels, self.keyword, None));
        }
        sum
    }

    /// The candidates of all recordings for a window of smoothing.
    fn smoothed(&self, window: u8) -> Smoothed<'_> {
        let lowest = thresholds().into_iter().min().unwrap_or(Probability::ONE);
        let candidates = self.played.par_iter().map(|p| Candidates::new(p, self.keyword, window, lowest)).collect();
        Smoothed { set: self, candidates }
    }

    /// The same threshold for each word.
    fn uniform(&self, smooth: u8, seconds: f64, threshold: Probability) -> detect::Config {
        let thresholds = self.keyword.iter().map(|k| if *k { threshold } else { Probability::ZERO }).collect();
        let hop = f64::from(self.audio.hop) / f64::from(self.audio.sample_rate);
        let refractory = (seconds / hop).round() as u16;
        let silence_reset = self.played.first().map_or(detect::SilenceReset::NEVER, |p| p.silence_reset);
        detect::Config { smooth, refractory, release: Probability::ZERO, silence_reset, thresholds }
    }
}

/// A calibration set under one window of smoothing, for many thresholds.
struct Smoothed<'a> {
    set: &'a CalibrationSet<'a>,
    candidates: Vec<Candidates>,
}

impl Smoothed<'_> {
    /// As [`CalibrationSet::counts`].
    fn counts(&self, config: &detect::Config) -> DetectionCounts {
        self.set.score(self.candidates.iter().map(|c| c.events(config)))
    }

    fn found(&self, config: detect::Config) -> OperatingPoint {
        OperatingPoint { counts: self.counts(&config), config }
    }
}

/// Every combination of these windows of smoothing, refractory times and one threshold for all words.
pub fn sweep(point: &CalibrationSet<'_>, windows: &[u8]) -> Vec<OperatingPoint> {
    let mut found = Vec::new();
    for &window in windows {
        let smoothed = point.smoothed(window);
        let configs: Vec<detect::Config> = REFRACTORY_S
            .into_iter()
            .flat_map(|seconds| thresholds().into_iter().map(move |t| point.uniform(window, seconds, t)))
            .collect();
        found.par_extend(configs.into_par_iter().map(|config| smoothed.found(config)));
    }
    found
}

/// The points of a sweep that no other beats in both false accepts and misses, from few false accepts to many.
pub fn curve(found: &[OperatingPoint]) -> Vec<OperatingPoint> {
    let mut sorted: Vec<&OperatingPoint> = found.iter().collect();
    sorted.sort_by(|a, b| {
        let key = |f: &OperatingPoint| (f.counts.false_accepts, f.counts.said - f.counts.hits);
        key(a).cmp(&key(b))
    });
    let mut curve: Vec<OperatingPoint> = Vec::new();
    for f in sorted {
        if curve.last().is_none_or(|last| f.counts.hits > last.counts.hits) {
            curve.push(f.clone());
        }
    }
    curve
}

/// Whether `a` is better for the target than `b`: within the allowed false accepts first, then fewer misses, then fewer false
/// accepts.
fn better(a: &DetectionCounts, b: &DetectionCounts, target: OperatingTarget) -> bool {
    let key = |t: &DetectionCounts| {
        let over = (t.per_hour() - target.max_false_accepts_per_hour).max(0.0);
        (over, t.said - t.hits, t.false_accepts)
    };
    let (a, b) = (key(a), key(b));
    a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)).then(a.2.cmp(&b.2)).is_lt()
}

/// Combinations of smoothing and refractory time for which thresholds are shared out.
const SHARED_OUT: usize = 3;

/// The best point for a target. For the most promising windows and refractory times of a sweep the allowed false accepts are
/// shared out among the words such that fewest are missed; from the best of these and of the sweep each
/// word's threshold is tried by itself, twice around; at the end each is moved to the middle of the range in which nothing
/// changes.
pub fn calibrate(
    point: &CalibrationSet<'_>,
    sweep: &[OperatingPoint],
    target: OperatingTarget,
) -> Option<OperatingPoint> {
    let order = |a: &OperatingPoint, b: &OperatingPoint| {
        let first = better(&a.counts, &b.counts, target);
        let second = better(&b.counts, &a.counts, target);
        second.cmp(&first)
    };
    let mut sorted: Vec<&OperatingPoint> = sweep.iter().collect();
    sorted.sort_by(|a, b| order(a, b));
    let mut best = (*sorted.first()?).clone();
    let mut kinds: Vec<&detect::Config> = Vec::new();
    for f in sorted {
        let known = kinds.iter().any(|k| (k.smooth, k.refractory) == (f.config.smooth, f.config.refractory));
        if !known && kinds.len() < SHARED_OUT {
            kinds.push(&f.config);
        }
    }
    let words: Vec<usize> = (0..point.keyword.len()).filter(|k| point.keyword[*k]).collect();
    for kind in kinds {
        let smoothed = point.smoothed(kind.smooth);
        let shared = smoothed.found(shared_out(&smoothed, kind, &words, target));
        if better(&shared.counts, &best.counts, target) {
            best = shared;
        }
    }
    let smoothed = point.smoothed(best.config.smooth);
    let tried = |best: &OperatingPoint, k: usize| -> Vec<OperatingPoint> {
        thresholds()
            .into_par_iter()
            .map(|t| {
                let mut config = best.config.clone();
                config.thresholds[k] = t;
                smoothed.found(config)
            })
            .collect()
    };
    for _ in 0..2 {
        for &k in &words {
            for f in tried(&best, k) {
                if better(&f.counts, &best.counts, target) {
                    best = f;
                }
            }
        }
    }
    for &k in &words {
        let tried = tried(&best, k);
        let now = best.config.thresholds[k];
        let at = tried.iter().position(|f| f.config.thresholds[k] >= now).unwrap_or(0);
        let same = |f: &&OperatingPoint| f.counts == best.counts;
        let below = tried[..at].iter().rev().take_while(same).last().map_or(now, |f| f.config.thresholds[k]);
        let above = tried[at..].iter().take_while(same).last().map_or(now, |f| f.config.thresholds[k]);
        let mut config = best.config.clone();
        config.thresholds[k] = below + (above - below) / 2;
        let middle = smoothed.found(config);
        if !better(&best.counts, &middle.counts, target) {
            best = middle;
        }
    }
    Some(best)
}

/// Thresholds that together miss fewest words at the allowed false accepts, if each word were detected alone: a false
/// accept is spent where it saves most misses. Words interact little (they share the refractory time), and a later search
/// corrects that. Exact, by dynamic programming over words and false accepts.
fn shared_out(
    smoothed: &Smoothed<'_>,
    kind: &detect::Config,
    words: &[usize],
    target: OperatingTarget,
) -> detect::Config {
    let point = smoothed.set;
    let hours: f64 = point.tracks.iter().map(|t| t.hours(point.audio.sample_rate)).sum();
    let allowed = (target.max_false_accepts_per_hour * hours + 1e-9).floor().max(0.0) as usize;
    let choices: Vec<Vec<(Probability, DetectionCounts)>> = words
        .par_iter()
        .map(|&k| {
            let alone = |t: Probability| {
                let mut config = kind.clone();
                config.thresholds.iter_mut().for_each(|t| *t = Probability::ZERO);
                config.thresholds[k] = t;
                (t, smoothed.counts(&config))
            };
            thresholds().into_iter().map(alone).collect()
        })
        .collect();
    // More than all words have together are never spent.
    let all = choices.iter().map(|c| c.iter().map(|(_, counts)| counts.false_accepts).max().unwrap_or(0)).sum();
    let allowed = allowed.min(all);
    // Of each number of false accepts, the most words that can be detected with no more, and by which thresholds.
    let mut most: Vec<(usize, Vec<Probability>)> = vec![(0, Vec::new()); allowed + 1];
    for (&k, choices) in words.iter().zip(&choices) {
        let strictest = choices.last().map_or(Probability::ONE, |(t, _)| *t);
        most = (0..=allowed)
            .map(|spent| {
                // Where even the strictest threshold costs too much, it stays: the counts show it.
                let none = (most[spent].0, strictest, spent);
                let (hits, threshold, left) = choices
                    .iter()
                    .filter(|(_, counts)| counts.false_accepts <= spent)
                    .map(|(t, counts)| {
                        let left = spent - counts.false_accepts;
                        (most[left].0 + counts.words.get(k).map_or(0, |w| w.1), *t, left)
                    })
                    // Of equals the strictest.
                    .fold(none, |best, c| if c.0 >= best.0 { c } else { best });
                let mut thresholds = most[left].1.clone();
                thresholds.push(threshold);
                (hits, thresholds)
            })
            .collect();
    }
    let mut config = kind.clone();
    if let Some((_, thresholds)) = most.pop() {
        words.iter().zip(thresholds).for_each(|(k, t)| config.thresholds[*k] = t);
    }
    config
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Spoken;

    #[test]
    fn a_rest_is_at_the_output_of_silence_and_longer_than_the_refractory_time() {
        let audio = audio::Config::HZ_16000;
        let labels = ["yes", "silence"].map(str::to_owned);
        assert_eq!(silence_reset(2.0, &audio, &labels), detect::SilenceReset { class: 1, steps: 100 });
        assert_eq!(silence_reset(0.1, &audio, &labels), detect::SilenceReset { class: 1, steps: 41 });
        assert_eq!(silence_reset(0.0, &audio, &labels), detect::SilenceReset::NEVER);
        assert_eq!(silence_reset(2.0, &audio, &labels[..1]), detect::SilenceReset::NEVER);
    }

    /// A network that is right about one word and nearly so about another: the operating point separates them.
    #[test]
    fn the_point_lies_between_the_word_and_what_is_like_it() {
        let audio = audio::Config::HZ_16000;
        let labels = ["silence", "yes"].map(str::to_owned);
        let mut scores = vec![0i16; 2 * 6000];
        let mut words = Vec::new();
        for k in 0..20 {
            let at = 100 + k * 290;
            let (label, score) = if k % 2 == 0 { ("yes", 1200) } else { ("unknown", 300) };
            for step in at..at + 15 {
                scores[2 * step + 1] = score;
            }
            words.push(Spoken { label: label.into(), start: (at - 20) * 320, end: at * 320 });
        }
        for step in 0..6000 {
            if scores[2 * step + 1] == 0 {
                scores[2 * step] = 2000;
            }
        }
        let played = [StreamScores::new(&scores, 8, 2)];
        let tracks = [Transcript { samples: 6000 * 320 + 192, words, ..Transcript::default() }];
        let point = CalibrationSet {
            tracks: &tracks,
            played: &played,
            audio: &audio,
            labels: &labels,
            keyword: &[false, true],
        };
        let found = sweep(&point, &SMOOTH);
        let best = calibrate(&point, &found, OperatingTarget { max_false_accepts_per_hour: 0.0 }).unwrap();
        assert_eq!((best.counts.hits, best.counts.said, best.counts.false_accepts), (10, 10, 0));
        // e^(300/256) / (1 + e^(300/256)) is 0.76: with less the unknown word is detected as well.
        assert!(best.config.thresholds[1] > Probability::ONE / 2 && best.config.check(2).is_ok(), "{:?}", best.config);
        let loose = point.counts(&point.uniform(2, 0.5, Probability::ONE / 2));
        assert_eq!((loose.hits, loose.false_accepts, loose.at_unknown), (10, 10, 10));
        let curve = curve(&found);
        assert_eq!((curve[0].counts.false_accepts, curve[0].counts.hits, curve.len()), (0, 10, 1));
    }

    /// Two words, of which one costs a false accept for each hit and the other gives two: the one allowed goes to the other.
    #[test]
    fn false_accepts_go_where_they_buy_most() {
        let audio = audio::Config::HZ_16000;
        let labels = ["silence", "no", "yes"].map(str::to_owned);
        let (steps, outputs) = (12_000, 3);
        let mut scores = vec![0i16; outputs * steps];
        let mut words = Vec::new();
        // Of "yes" three strong and two weak, of "no" three strong and one weak; of each a wrong one as strong as the weak.
        let said = [("yes", 2, 1500), ("no", 1, 1500)].map(|(l, o, s)| [(l, o, s); 3]).concat();
        let weak = [("yes", 2, 500), ("yes", 2, 500), ("no", 1, 500), ("unknown", 2, 500), ("unknown", 1, 500)];
        for (k, (label, output, score)) in said.into_iter().chain(weak).enumerate() {
            let at = 100 + k * 300;
            for step in at..at + 15 {
                scores[outputs * step + output] = score;
            }
            words.push(Spoken { label: label.into(), start: (at - 20) * 320, end: at * 320 });
        }
        for y in scores.chunks_exact_mut(outputs).filter(|y| y[1] == 0 && y[2] == 0) {
            y[0] = 2000;
        }
        let played = [StreamScores::new(&scores, 8, outputs)];
        let tracks = [Transcript { samples: steps * 320 + 192, words, ..Transcript::default() }];
        let keyword = [false, true, true];
        let point =
            CalibrationSet { tracks: &tracks, played: &played, audio: &audio, labels: &labels, keyword: &keyword };
        let hours = tracks[0].hours(audio.sample_rate);
        for (allowed, hits) in [(0.0, 6), (1.0, 8), (2.0, 9)] {
            let target = OperatingTarget { max_false_accepts_per_hour: allowed / hours };
            let kind = point.uniform(4, 0.5, Probability::ONE / 2);
            let shared = point.counts(&shared_out(&point.smoothed(4), &kind, &[1, 2], target));
            assert_eq!((shared.said, shared.hits, shared.false_accepts as f64), (9, hits, allowed));
            let best = calibrate(&point, &sweep(&point, &SMOOTH), target).unwrap();
            assert_eq!((best.counts.hits, best.counts.false_accepts as f64), (hits, allowed));
        }
        // A number that no recording reaches takes no memory.
        let most = |rate: f64| {
            calibrate(&point, &sweep(&point, &SMOOTH), OperatingTarget { max_false_accepts_per_hour: rate })
        };
        let [some, all] = [1e6, 1e300].map(|rate| most(rate).unwrap());
        assert_eq!(some.config, all.config);
    }
}
