//! Clips of spoken texts, as a corpus has them: DIR/LABEL/VOICE_nohash_N.wav.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::Serialize;

use crate::close::accented;
use crate::engine::{Engine, Text, Voices};
use crate::gate::{self, Fault};
use crate::manner::{Cast, Manner};
use crate::room::Room;
use elman_data::files::write_atomically;
use elman_data::wav_bytes;
use elman_listen::extent;

/// A clip that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Its label, which names a folder.
    pub label: String,
    /// What is spoken.
    pub text: Text,
    /// Who speaks.
    pub engine: Engine,
    /// Its number among those of its label.
    pub number: usize,
    /// Whether it validates: speakers that are not trained on speak it.
    pub held: bool,
    /// Whether it is cut into pieces.
    pub cut: bool,
}

/// Length of pieces, in seconds: as long as a word.
const PIECE_S: f64 = 1.1;

/// A long clip in pieces with sound in them, which may begin and end within a word.
pub fn pieces(samples: &[i16], rate: u32) -> Vec<&[i16]> {
    let length = ((PIECE_S * f64::from(rate)) as usize).max(1);
    let audible = |piece: &&[i16]| piece.len() >= length / 2 && piece.iter().any(|x| x.unsigned_abs() > 300);
    samples[extent(samples, rate)].chunks(length).filter(audible).collect()
}

/// How clips are spoken.
#[derive(Clone, Debug)]
pub struct Speaking {
    /// Language, as espeak-ng names it.
    pub language: String,
    /// Speakers of the neural voice.
    pub cast: Option<Cast>,
    /// Samples a second.
    pub rate: u32,
    /// Share of the clips that are received in a room.
    pub rooms: f32,
    /// Share of the clips of the neural voice with another accent; none of those that validate.
    pub accents: f32,
    /// Seed of everything random.
    pub seed: u64,
}

/// Clips that were written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Written {
    /// Their files.
    pub clips: Vec<PathBuf>,
    /// Those of them that validate, as a list of the corpus names them.
    pub held: Vec<String>,
    /// Clips that were spoken and do not count, by why.
    pub dropped: BTreeMap<String, usize>,
}

impl Written {
    /// What was dropped, in words; empty where nothing was.
    pub fn dropped_text(&self) -> String {
        let all: usize = self.dropped.values().sum();
        let reasons: Vec<String> = self.dropped.iter().map(|(why, n)| format!("{n} {why}")).collect();
        if all == 0 { String::new() } else { format!("{all} dropped: {}", reasons.join(", ")) }
    }
}

/// How often a clip that does not count is spoken again in another manner.
const TRIES: u64 = 4;

/// A clip before it is written.
struct Spoken {
    name: String,
    samples: Vec<i16>,
    faults: Vec<Fault>,
}

/// Speaks all clips and writes them below `to`. What was spoken before, in another run too, comes from the cache.
/// `step` is called after each clip.
///
/// # Errors
/// Where a program fails, a file cannot be written, or no clip of a label counts.
pub fn write(
    voices: &Voices,
    wanted: &[Wanted],
    how: &Speaking,
    to: &Path,
    step: &(dyn Fn(&str) + Sync),
) -> Result<Written> {
    let spoken: Vec<Spoken> = wanted
        .par_iter()
        .map(|one| {
            let spoken = speak(voices, one, how)?;
            step(&one.text.written);
            Ok(spoken)
        })
        .collect::<Result<_>>()?;
    let mut written = Written::default();
    let mut seen = HashSet::new();
    for (one, Spoken { name, samples, mut faults }) in wanted.iter().zip(spoken) {
        if !samples.is_empty() && !seen.insert(samples.clone()) {
            faults.push(Fault::Twice);
        }
        for fault in &faults {
            *written.dropped.entry(fault.to_string()).or_default() += 1;
        }
        if samples.is_empty() || faults.contains(&Fault::Twice) {
            continue;
        }
        let folder = to.join(&one.label);
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let parts = if one.cut { pieces(&samples, how.rate) } else { vec![&samples[..]] };
        for (k, part) in parts.iter().enumerate() {
            let name = if parts.len() > 1 { format!("{name}_{k}.wav") } else { format!("{name}.wav") };
            let path = folder.join(&name);
            write_atomically(&path, &wav_bytes(part, how.rate))?;
            if one.held {
                written.held.push(format!("{}/{name}", one.label));
            }
            written.clips.push(path);
        }
    }
    for one in wanted {
        let folder = to.join(&one.label);
        if !written.clips.iter().any(|clip| clip.starts_with(&folder)) {
            bail!("no clip of {:?} counts: {}", one.text.written, written.dropped_text());
        }
    }
    Ok(written)
}

/// Speaks one clip, again in another manner where it does not count; without samples where none counts.
fn speak(voices: &Voices, one: &Wanted, how: &Speaking) -> Result<Spoken> {
    let mut faults = Vec::new();
    for attempt in 0..TRIES {
        let mut rng = ChaCha8Rng::seed_from_u64(how.seed);
        // Each label, clip and attempt has numbers of its own.
        let place = one.label.bytes().fold(attempt, |sum, b| sum.wrapping_mul(31).wrapping_add(b.into()));
        rng.set_stream(place.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ one.number as u64);
        let other = one.number + 1000 * attempt as usize;
        let manner = match (one.engine, &how.cast) {
            (Engine::Kokoro, Some(cast)) => cast.draw(one.held, &mut rng),
            (Engine::Kokoro, None) => bail!("the neural voice has no speakers for `{}`", how.language),
            (Engine::Espeak, _) => Manner::espeak(&how.language, other),
            (Engine::Flite, _) => Manner::flite(other),
        };
        let mut text = one.text.clone();
        if rng.random_range(0.0..1.0f32) < how.accents && !one.held {
            text.phonemes = text.phonemes.map(|signs| signs.map(|signs| accented(&signs, &mut rng)));
        }
        let mut samples = voices.speak(&text, &manner, how.rate)?;
        if let Err(fault) = gate::check(&samples, how.rate, one.text.length()) {
            faults.push(fault);
            continue;
        }
        let mut name = manner.name();
        if rng.random_range(0.0..1.0f32) < how.rooms {
            samples = Room::draw(how.rate, &mut rng).received(&samples);
            name.push_str("-room");
        }
        return Ok(Spoken { name: format!("{name}_nohash_{}", one.number), samples, faults });
    }
    Ok(Spoken { name: String::new(), samples: Vec::new(), faults })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_clips_are_cut_and_silence_is_left_out() {
        let loud: Vec<i16> = (0..16_000 * 6).map(|i| if i % 32_000 < 16_000 { 9000 } else { -9000 }).collect();
        assert_eq!(pieces(&loud, 16_000).iter().map(|p| p.len()).collect::<Vec<_>>(), [17_600; 5]);
        assert_eq!(pieces(&[0; 16_000 * 6], 16_000).len(), 0);
        assert_eq!(pieces(&[], 16_000).len(), 0);
    }
}
