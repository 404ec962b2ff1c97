//! Events compared with the words spoken: hits, misses, false accepts.

use elman::detect::Event;
use serde::{Deserialize, Serialize};

use super::{Spoken, Transcript};

/// How long after the end of a word an event still counts as its detection, in seconds.
pub const TOLERANCE_S: f64 = 0.75;

/// An event where its word was not spoken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alarm {
    /// Number of the track.
    pub track: usize,
    /// When, in samples.
    pub at: usize,
    /// The class that was reported.
    pub told: String,
    /// The word spoken there instead; empty where there was none.
    pub said: String,
    /// Mean probability, 0 to 1.
    pub score: f64,
}

/// Hits, misses and false accepts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DetectionCounts {
    /// Hours listened to.
    pub hours: f64,
    /// Keywords spoken.
    pub said: usize,
    /// Keywords detected.
    pub hits: usize,
    /// Events where their word was not spoken, confusions of two keywords among them.
    pub false_accepts: usize,
    /// Those of them at another keyword.
    pub confused: usize,
    /// Those of them at an unknown word.
    pub at_unknown: usize,
    /// Events that report a word a second time.
    pub twice: usize,
    /// Keywords spoken and detected, by output.
    pub words: Vec<(usize, usize)>,
    /// False accepts by output.
    pub alarms: Vec<usize>,
}

impl DetectionCounts {
    /// Share of the keywords that were not detected.
    pub fn miss_rate(&self) -> f64 {
        if self.said == 0 { 0.0 } else { 1.0 - self.hits as f64 / self.said as f64 }
    }

    /// False accepts an hour.
    pub fn per_hour(&self) -> f64 {
        if self.hours > 0.0 { self.false_accepts as f64 / self.hours } else { 0.0 }
    }

    /// Adds another recording's.
    pub fn add(&mut self, other: &DetectionCounts) {
        self.hours += other.hours;
        self.said += other.said;
        self.hits += other.hits;
        self.false_accepts += other.false_accepts;
        self.confused += other.confused;
        self.at_unknown += other.at_unknown;
        self.twice += other.twice;
        self.words.resize(self.words.len().max(other.words.len()), (0, 0));
        self.alarms.resize(self.alarms.len().max(other.alarms.len()), 0);
        self.words.iter_mut().zip(&other.words).for_each(|(a, b)| *a = (a.0 + b.0, a.1 + b.1));
        self.alarms.iter_mut().zip(&other.alarms).for_each(|(a, b)| *a += b);
    }
}

/// Where misses and false accepts go, one by one.
#[derive(Debug)]
pub struct Details<'a> {
    /// Number of the track.
    pub track: usize,
    /// Words that were not detected, with the number of their track.
    pub misses: &'a mut Vec<(usize, Spoken)>,
    /// False accepts.
    pub alarms: &'a mut Vec<Alarm>,
}

/// Scores the events of a track. `at` gives the sample at which an event's frame ends; `labels` are the outputs', and
/// `keyword` says which of them are words to detect. An event is a hit within a word of its label or up to
/// [`TOLERANCE_S`] after it; a second one in the same word is counted apart; every other one is a false accept.
pub fn score_events(
    track: &Transcript,
    rate: u32,
    events: &[Event],
    at: impl Fn(&Event) -> usize,
    labels: &[String],
    keyword: &[bool],
    mut details: Option<Details<'_>>,
) -> DetectionCounts {
    let tolerance = (TOLERANCE_S * f64::from(rate)) as usize;
    let outputs = labels.len();
    let mut counts = DetectionCounts {
        hours: track.hours(rate),
        words: vec![(0, 0); outputs],
        alarms: vec![0; outputs],
        ..DetectionCounts::default()
    };
    let output_of = |label: &str| labels.iter().position(|l| l == label).filter(|k| keyword[*k]);
    let mut detected = vec![false; track.words.len()];
    for event in events {
        let (at, told) = (at(event), usize::from(event.class));
        let within = |w: &Spoken| w.start <= at && at <= w.end + tolerance;
        let first = track.words.partition_point(|w| w.end + tolerance < at);
        let near = || {
            (first..track.words.len()).take_while(|k| track.words[*k].start <= at).filter(|k| within(&track.words[*k]))
        };
        let right = |k: &usize| track.words[*k].label == labels[told];
        if let Some(k) = near().filter(right).find(|k| !detected[*k]) {
            detected[k] = true;
        } else if near().any(|k| right(&k)) {
            counts.twice += 1;
        } else {
            counts.false_accepts += 1;
            counts.alarms[told] += 1;
            let said = near().last().map_or("", |k| track.words[k].label.as_str());
            match output_of(said) {
                Some(_) => counts.confused += 1,
                None => counts.at_unknown += usize::from(!said.is_empty()),
            }
            if let Some(Details { track, alarms, .. }) = &mut details {
                let score = event.score.to_num();
                alarms.push(Alarm { track: *track, at, told: labels[told].clone(), said: said.to_owned(), score });
            }
        }
    }
    for (word, detected) in track.words.iter().zip(detected) {
        if let Some(k) = output_of(&word.label) {
            counts.said += 1;
            counts.hits += usize::from(detected);
            counts.words[k].0 += 1;
            counts.words[k].1 += usize::from(detected);
            if let (false, Some(Details { track, misses, .. })) = (detected, &mut details) {
                misses.push((*track, word.clone()));
            }
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_event_is_what_it_is() {
        let labels = ["no", "silence", "unknown", "yes"].map(str::to_owned);
        let keyword = [true, false, false, true];
        let word = |label: &str, start: usize, end: usize| Spoken { label: label.into(), start, end };
        let track = Transcript {
            samples: 36_000,
            words: vec![
                word("yes", 1000, 1500),
                word("unknown", 5000, 5500),
                word("no", 9000, 9500),
                word("no", 20_000, 20_100),
            ],
            ..Transcript::default()
        };
        let event = |output: u16, step: u32| Event { class: output, step, score: elman::detect::Probability::ONE / 2 };
        // A hit, the same again, at an unknown word, confused, from nowhere; one "no" is never detected.
        let events = [event(3, 1400), event(3, 2000), event(3, 5600), event(3, 9400), event(0, 9900), event(0, 15_000)];
        let (mut misses, mut alarms) = (Vec::new(), Vec::new());
        let details = Some(Details { track: 7, misses: &mut misses, alarms: &mut alarms });
        let counts = score_events(&track, 1000, &events, |e| e.step as usize, &labels, &keyword, details);
        assert_eq!(
            (counts.said, counts.hits, counts.false_accepts, counts.confused, counts.at_unknown),
            (3, 2, 3, 1, 1)
        );
        assert_eq!((counts.twice, counts.words[0], counts.words[3]), (1, (2, 1), (1, 1)));
        assert_eq!(misses, [(7, word("no", 20_000, 20_100))]);
        assert_eq!(
            alarms.iter().map(|a| (a.at, a.said.as_str())).collect::<Vec<_>>(),
            [(5600, "unknown"), (9400, "no"), (15_000, "")]
        );
        assert!((counts.hours - 0.01).abs() < 1e-12 && (counts.per_hour() - 300.0).abs() < 1e-9);
        assert!((counts.miss_rate() - 1.0 / 3.0).abs() < 1e-12);
    }
}
