//! The steps of a recording at which a detector could report something, for many thresholds at once.

use elman::detect::{self, Event, Probability};

use super::StreamScores;

/// The steps at which the mean probability of a word reaches the lowest threshold that is tried, for one window of smoothing.
/// A detector over these alone reports the same events as one over all steps: where no word reaches its threshold, it does
/// nothing but count.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Candidates {
    window: u32,
    steps: Vec<Step>,
    /// Outputs and their sums over the window, step by step, in ascending order of outputs.
    sums: Vec<(u16, u32)>,
}

/// A step at which some word may be reported.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Step {
    step: u32,
    /// How often the listener was reset before: a reset ends the refractory time.
    resets: u32,
    /// Where its sums end; they start where those of the step before end.
    end: u32,
}

impl Candidates {
    /// Candidates of the outputs that `keyword` names.
    pub(super) fn new(played: &StreamScores, keyword: &[bool], window: u8, lowest: Probability) -> Self {
        let outputs = played.outputs.max(1);
        let words: Vec<usize> = (0..outputs).filter(|k| keyword.get(*k) == Some(&true)).collect();
        let least = u32::from(lowest.to_bits()) * u32::from(window);
        let mut this = Candidates { window: u32::from(window), steps: Vec::new(), sums: Vec::new() };
        let (mut sums, mut begin, mut reset) = (vec![0u32; outputs], 0, 0);
        for (step, p) in played.probabilities.chunks_exact(outputs).enumerate() {
            let old = step.checked_sub(usize::from(window)).filter(|s| *s >= begin);
            let old = old.map(|s| &played.probabilities[s * outputs..(s + 1) * outputs]);
            let before = this.sums.len();
            for &k in &words {
                let leaves = old.map_or(0, |o| u32::from(o[k].to_bits()));
                sums[k] = sums[k] + u32::from(p[k].to_bits()) - leaves;
                if sums[k] >= least {
                    this.sums.push((k as u16, sums[k]));
                }
            }
            if this.sums.len() > before {
                this.steps.push(Step { step: step as u32, resets: reset as u32, end: this.sums.len() as u32 });
            }
            if played.resets.get(reset) == Some(&step) {
                (begin, reset) = (step + 1, reset + 1);
                sums.fill(0);
            }
        }
        this.steps.shrink_to_fit();
        this.sums.shrink_to_fit();
        this
    }

    /// The events of a detector with this window of smoothing, no release threshold, and no threshold below the lowest.
    pub(super) fn events(&self, config: &detect::Config) -> Vec<Event> {
        debug_assert_eq!((u32::from(config.smooth), config.release), (self.window, Probability::ZERO));
        let limit = |t: &Probability| if *t == 0u16 { u32::MAX } else { u32::from(t.to_bits()) * self.window };
        let limits: Vec<u32> = config.thresholds.iter().map(limit).collect();
        let (mut events, mut from, mut free, mut reset) = (Vec::new(), 0, 0, 0);
        for s in &self.steps {
            let sums = &self.sums[from..s.end as usize];
            from = s.end as usize;
            if s.step < free && s.resets == reset {
                continue;
            }
            let mut best: Option<(u16, u32)> = None;
            for &(class, sum) in sums {
                if sum >= limits[usize::from(class)] && best.is_none_or(|(_, most)| sum > most) {
                    best = Some((class, sum));
                }
            }
            if let Some((class, sum)) = best {
                (free, reset) = (s.step + u32::from(config.refractory) + 1, s.resets);
                events.push(Event { class, step: s.step, score: Probability::from_bits((sum / self.window) as u16) });
            }
        }
        events
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    /// Random probabilities that rise and fall, random resets and parameters: the detector itself reports the same.
    #[test]
    fn candidates_give_the_events_of_the_detector() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let lowest = Probability::from_bits(4915);
        let mut reported = 0;
        for _ in 0..60 {
            let outputs = rng.random_range(2..6);
            let keyword: Vec<bool> = (0..outputs).map(|k| k > 0).collect();
            let mut p: Vec<i32> = vec![0; outputs];
            let mut probabilities = Vec::new();
            for _ in 0..4000 {
                for p in &mut p {
                    *p = (*p + rng.random_range(-3000..=3000)).clamp(0, 32_768);
                    // Equal values, as ties go to the first class.
                    probabilities.push(Probability::from_bits((*p as u16) & 0xff00));
                }
            }
            let resets = (0..4000).filter(|_| rng.random_range(0..90) == 0).collect();
            let played = StreamScores { outputs, probabilities, resets, ..StreamScores::default() };
            for smooth in [1, 2, 7, 25] {
                let candidates = Candidates::new(&played, &keyword, smooth, lowest);
                for _ in 0..6 {
                    let threshold = |k: usize| match rng.random_range(0..5) {
                        _ if k == 0 => 0,
                        0 => 0,
                        _ => rng.random_range(4915..=32_768),
                    };
                    let mut thresholds: Vec<u16> = (0..outputs).map(threshold).collect();
                    thresholds[1] = thresholds[1].max(4915);
                    let thresholds: Vec<Probability> = thresholds.into_iter().map(Probability::from_bits).collect();
                    let refractory = [0, 1, 20, 200][rng.random_range(0..4)];
                    let config = detect::Config { smooth, refractory, ..detect::Config::new(&thresholds).unwrap() };
                    let events = candidates.events(&config);
                    assert_eq!(events, replay(&played, &config));
                    reported += events.len();
                }
            }
        }
        assert!(reported > 10_000, "{reported}");
    }
}
