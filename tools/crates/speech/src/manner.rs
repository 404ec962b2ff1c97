//! In which way a word is spoken: who, how fast, how high; drawn at random from a seed.

use std::collections::BTreeMap;

use rand::seq::IndexedRandom;
use rand::{Rng, RngExt};

/// A way to speak.
#[derive(Clone, Debug, PartialEq)]
pub enum Manner {
    /// By the neural voice.
    Kokoro {
        /// Speakers and their shares, which add up to 1.
        speakers: Vec<(String, f32)>,
        /// Speed, 1 as recorded.
        speed: f32,
        /// The mark at the end: it changes the melody.
        mark: &'static str,
    },
    /// By espeak-ng.
    Espeak {
        /// The language with a variant, `en+m3`.
        voice: String,
        /// Words a minute.
        speed: u32,
        /// Pitch, 0 to 99.
        pitch: u32,
    },
    /// By flite.
    Flite {
        /// A voice of it.
        voice: &'static str,
        /// Length, 1 as recorded.
        stretch: f32,
        /// Mean pitch in Hz.
        pitch: u32,
    },
}

/// Variants of espeak-ng's voices.
const VARIANTS: &[&str] =
    &["", "+m1", "+f1", "+m2", "+f2", "+m3", "+f3", "+m4", "+f4", "+m5", "+f5", "+m6", "+m7", "+croak", "+whisper"];
/// Words a minute.
const SPEEDS: &[u32] = &[130, 160, 190, 115, 220, 145, 175];
/// Pitches, 0 to 99.
const PITCHES: &[u32] = &[50, 30, 70, 40, 60, 20, 80, 45, 65, 35, 75];
/// Voices that flite has built in and their usual pitches in Hz.
const FLITE: &[(&str, u32)] = &[("slt", 180), ("kal16", 110), ("rms", 100), ("awb", 130)];

/// Share of the speakers that are kept for validation.
const HELD: usize = 5;
/// How a word may end: as a statement, a call, a question, or as one of more.
const MARKS: [&str; 5] = ["", ".", "!", "?", ","];
/// Slowest and fastest speech.
const SPEED: (f32, f32) = (0.7, 1.4);

/// Speakers of the neural voice for a language.
#[derive(Clone, Debug)]
pub struct Cast {
    /// Those that are trained on.
    train: Vec<String>,
    /// Those of other languages, who speak with an accent.
    foreign: Vec<String>,
    /// Those that are kept for validation.
    held: Vec<String>,
}

impl Cast {
    /// Of all speakers those whose names begin with one of `letters`; every fifth of them is kept for validation.
    pub fn of<'a>(all: impl IntoIterator<Item = &'a String>, letters: &str) -> Self {
        let (own, foreign): (Vec<&String>, Vec<&String>) =
            all.into_iter().partition(|name| name.starts_with(|c| letters.contains(c)));
        let mut cast = Cast { train: Vec::new(), foreign: foreign.into_iter().cloned().collect(), held: Vec::new() };
        for (k, name) in own.into_iter().enumerate() {
            if k % HELD == HELD - 2 { cast.held.push(name.clone()) } else { cast.train.push(name.clone()) }
        }
        cast
    }

    /// Speakers that are kept for validation.
    pub fn held(&self) -> &[String] {
        &self.held
    }

    /// A manner: of a speaker that is kept for validation, or of one or a mix of two others. Half of them are drawn from
    /// all languages.
    pub fn draw(&self, held: bool, rng: &mut impl Rng) -> Manner {
        let one = |from: &[String], rng: &mut dyn Rng| from.choose(&mut &mut *rng).cloned().unwrap_or_default();
        let speed = rng.random_range(SPEED.0..SPEED.1);
        let mark = MARKS[rng.random_range(0..MARKS.len())];
        if held && !self.held.is_empty() {
            return Manner::Kokoro { speakers: vec![(one(&self.held, rng), 1.0)], speed: 0.5 + 0.5 * speed, mark };
        }
        let everyone: Vec<String> = self.train.iter().chain(&self.foreign).cloned().collect();
        let from = if self.foreign.is_empty() || rng.random_range(0..2) == 0 { &self.train } else { &everyone };
        let (first, second) = (one(from, rng), one(from, rng));
        // A little beyond the one or the other, there are voices too.
        let share = rng.random_range(-0.15..1.15f32);
        let speakers = if first == second || rng.random_range(0..10) < 4 {
            vec![(first, 1.0)]
        } else {
            vec![(first, share), (second, 1.0 - share)]
        };
        Manner::Kokoro { speakers, speed, mark }
    }
}

impl Manner {
    /// Of espeak-ng, the `n`th: the three lists have no common factor, so combinations repeat late.
    pub fn espeak(language: &str, n: usize) -> Manner {
        let voice = format!("{language}{}", VARIANTS[n % VARIANTS.len()]);
        Manner::Espeak { voice, speed: SPEEDS[n % SPEEDS.len()], pitch: PITCHES[n % PITCHES.len()] }
    }

    /// Of flite, the `n`th.
    pub fn flite(n: usize) -> Manner {
        let (voice, pitch) = FLITE[n % FLITE.len()];
        // Neither number divides the other.
        let (stretch, higher) = (0.8 + 0.06 * (n % 9) as f32, (n % 5) as u32);
        Manner::Flite { voice, stretch, pitch: pitch - 16 + 8 * higher }
    }

    /// Who speaks: clips of one name stay in one split.
    pub fn name(&self) -> String {
        match self {
            Manner::Kokoro { speakers, .. } => {
                speakers.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join("-")
            }
            Manner::Espeak { voice, .. } => voice.replace('+', "-"),
            Manner::Flite { voice, .. } => format!("flite-{voice}"),
        }
    }
}

/// A speaker's row for a number of tokens, mixed by shares.
pub(crate) fn style(all: &BTreeMap<String, Vec<f32>>, speakers: &[(String, f32)], tokens: usize) -> Option<Vec<f32>> {
    let width = crate::store::STYLE;
    let mut mixed = vec![0.0; width];
    for (name, share) in speakers {
        let row = all.get(name)?.chunks_exact(width).nth(tokens)?;
        mixed.iter_mut().zip(row).for_each(|(m, x)| *m += share * x);
    }
    Some(mixed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;
    use std::collections::HashSet;

    #[test]
    fn every_clip_has_a_manner_of_its_own() {
        let all: HashSet<_> = (0..1155).map(|n| format!("{:?}", Manner::espeak("en", n))).collect();
        assert_eq!(all.len(), 1155);
        assert_eq!(Manner::espeak("de", 1), Manner::Espeak { voice: "de+m1".into(), speed: 160, pitch: 30 });
        assert_eq!(Manner::espeak("de", 1).name(), "de-m1");
        let all: HashSet<_> = (0..180).map(|n| format!("{:?}", Manner::flite(n))).collect();
        assert_eq!(all.len(), 180);
    }

    fn names() -> Vec<String> {
        ["af_a", "af_b", "af_c", "af_d", "am_e", "bm_f", "ef_x", "zm_y"].map(str::to_owned).to_vec()
    }

    #[test]
    fn speakers_that_validate_are_never_trained_on() {
        let cast = Cast::of(&names(), "ab");
        assert_eq!(cast.held(), ["af_d"]);
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let drawn = |held: bool, rng: &mut ChaCha8Rng| -> HashSet<String> {
            (0..300)
                .flat_map(|_| match cast.draw(held, rng) {
                    Manner::Kokoro { speakers, speed, .. } => {
                        assert!((0.7..1.4).contains(&speed));
                        assert!((speakers.iter().map(|(_, s)| s).sum::<f32>() - 1.0).abs() < 1e-6);
                        speakers.into_iter().map(|(name, _)| name).collect::<Vec<_>>()
                    }
                    other => panic!("{other:?}"),
                })
                .collect()
        };
        let train = drawn(false, &mut rng);
        assert!(!train.contains("af_d") && train.contains("zm_y") && train.len() == 7, "{train:?}");
        assert_eq!(drawn(true, &mut rng), HashSet::from(["af_d".to_owned()]));
    }

    #[test]
    fn the_same_seed_draws_the_same() {
        let cast = Cast::of(&names(), "ab");
        let all = |seed| {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            (0..20).map(|_| cast.draw(false, &mut rng)).collect::<Vec<_>>()
        };
        assert_eq!(all(1), all(1));
        assert_ne!(all(1), all(2));
    }

    #[test]
    fn a_mix_is_between_its_speakers() {
        let table = |x: f32| vec![x; 3 * crate::store::STYLE];
        let all = BTreeMap::from([("a".to_owned(), table(1.0)), ("b".to_owned(), table(3.0))]);
        let mixed = style(&all, &[("a".to_owned(), 0.5), ("b".to_owned(), 0.5)], 2).unwrap();
        assert_eq!(mixed, vec![2.0; crate::store::STYLE]);
        assert!(
            style(&all, &[("c".to_owned(), 1.0)], 2).is_none() && style(&all, &[("a".to_owned(), 1.0)], 3).is_none()
        );
    }
}
