//! What is spoken and read that is not the word.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Result;
use rand::SeedableRng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;

use super::super::synth::hold;
use super::Cmd;
use crate::ui::Ui;
use elman_data::files::write_atomically;
use elman_data::{Corpus, Options, Split, wav_bytes};
use elman_listen::{SILENCE, UNKNOWN};
use elman_speech::close::{self, COMMON};
use elman_speech::corpus::pieces;
use elman_speech::dictionary::Dictionary;
use elman_speech::engine::Text;
use elman_speech::{Store, store};

/// Labels of what is not the word.
pub(super) const RESERVED: [&str; 5] = [UNKNOWN, SILENCE, "close", "other", "people"];
/// Share of the clips that are received in a room.
pub(super) const ROOMS: f32 = 0.5;
/// Share of the word's clips with another accent.
pub(super) const ACCENTS: f32 = 0.4;
/// Share of the clips that validate.
pub(super) const HELD: f32 = 0.15;

/// Longest recording of another word that stays in one piece, in samples: 2.5 s.
const LONG: usize = 40_000;

/// Texts that are not the word.
#[derive(Debug)]
pub(super) struct Negatives {
    /// Those that sound like it.
    pub close: Vec<String>,
    /// Others.
    pub other: Vec<String>,
}

impl Negatives {
    /// Texts for a word: from the dictionary where it is English and `elman synth --setup` was run, from changed phonemes where the
    /// neural voice speaks, and everyday English.
    pub(super) fn of(cmd: &Cmd, most_close: usize, most_other: usize, ui: Ui) -> Result<Self> {
        let store = Store::of_user();
        let english = cmd.language.starts_with("en");
        let dictionary = match english && store.has(store::DICTIONARY) {
            true => Dictionary::parse(&store.dictionary()?),
            false => Dictionary::default(),
        };
        let neural = super::speaks_neural(cmd);
        if !neural || (english && dictionary.is_empty()) {
            ui.note("note: `elman synth --setup` fetches a neural voice, which people's voices resemble more, and words that sound alike");
        }
        let words: Vec<String> = cmd.word.to_lowercase().split_whitespace().map(str::to_owned).collect();
        let signs = |word: &str| -> Result<Option<String>> {
            let text = neural.then(|| Text::new(word, &cmd.language, true)).transpose()?;
            Ok(text.and_then(|t| t.phonemes).map(|[_, own]| own))
        };
        let mut near = Vec::new();
        for word in &words {
            let own = if words.len() == 1 { cmd.phonemes.clone() } else { None };
            let own = if own.is_some() { own } else { signs(word)? };
            let phones = close::phones(word, own.as_deref(), &dictionary);
            near.push(close::words(word, &phones, &dictionary, most_close));
        }
        let mut rng = ChaCha8Rng::seed_from_u64(cmd.seed);
        let changed = if neural { most_close / 4 } else { 0 };
        let mut texts = close::phrases(&words, &near, most_close - changed);
        if let (true, Some(whole)) = (neural, cmd.phonemes.clone().map_or_else(|| signs(&cmd.word), |p| Ok(Some(p)))?) {
            let made: BTreeSet<String> = (0..changed).filter_map(|_| close::changed(&whole, &mut rng)).collect();
            texts.extend(made.into_iter().map(|signs| format!("/{signs}/")));
        }
        let mut other: Vec<String> =
            COMMON.lines().filter(|line| !cmd.word.to_lowercase().contains(line)).map(str::to_owned).collect();
        // Of the dictionary as many as everyday English is too few.
        let all: Vec<&str> = dictionary.iter().map(|(word, _)| word).filter(|w| w.len() > 3).collect();
        let missing = most_other.saturating_sub(other.len() / 2);
        other.extend(all.sample(&mut rng, missing).filter(|w| !texts.iter().any(|t| t == *w)).map(|w| (*w).to_owned()));
        let mut chosen: Vec<String> = other.sample(&mut rng, most_other).cloned().collect();
        chosen.sort();
        Ok(Negatives { close: texts, other: chosen })
    }
}

/// Adds recordings of people to the clips: the word's to its label, all others as other words, long ones in pieces. A fifth of the
/// speakers, or of the clips where nobody is named, validates. The number of clips.
pub(super) fn add_people(dirs: &[PathBuf], label: &str, clips: &Path, ui: Ui) -> Result<usize> {
    let (mut count, mut own) = (0, 0);
    let mut held = Vec::new();
    for (number, dir) in dirs.iter().enumerate() {
        let options = Options { sample_rate: Some(16_000), evaluate: true, valid_share: 0.2, ..Options::default() };
        let corpus = Corpus::open(dir, &options)?;
        for split in [Split::Train, Split::Valid, Split::Test] {
            for clip in corpus.split(split) {
                let its = corpus.labels.get(clip.label).map_or(UNKNOWN, String::as_str);
                let is_word = its == label || its.replace(' ', "_") == label;
                let folder = if is_word { label } else { "people" };
                let speaker = clip.speaker.clone().unwrap_or_else(|| "someone".to_owned());
                let whole = is_word || clip.samples.len() <= LONG;
                let samples = clip.samples.read();
                for piece in if whole { vec![&samples[..]] } else { pieces(&samples, 16_000) } {
                    let name = format!("{}/{number}-{}_nohash_{count}.wav", folder, speaker.replace(['/', '\\'], "-"));
                    let path = clips.join(&name);
                    if let Some(folder) = path.parent() {
                        std::fs::create_dir_all(folder)?;
                    }
                    write_atomically(&path, &wav_bytes(piece, 16_000))?;
                    if split != Split::Train {
                        held.push(name);
                    }
                    count += 1;
                    own += usize::from(is_word);
                }
            }
        }
    }
    if !dirs.is_empty() {
        hold(clips, &held)?;
        ui.note(format!("recordings of people: {own} of the word, {} of other words", count - own));
    }
    Ok(count)
}
