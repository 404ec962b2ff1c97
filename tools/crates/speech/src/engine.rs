//! Programs that speak.

use std::fmt;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::kokoro::{self, Kokoro};
use crate::manner::Manner;
use crate::phonemes;
use crate::store::Store;
use elman_data::cache::{Cache, Key};
use elman_data::{read_sound, resample};

/// A program that speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Engine {
    /// The neural voice.
    Kokoro,
    /// espeak-ng: formants, in most languages.
    Espeak,
    /// flite: recorded sounds joined, English.
    Flite,
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Engine::Kokoro => "kokoro",
            Engine::Espeak => "espeak-ng",
            Engine::Flite => "flite",
        })
    }
}

/// What is spoken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// As it is written.
    pub written: String,
    /// Its phonemes, where the neural voice speaks: of each accent, British first.
    pub phonemes: Option<[String; 2]>,
}

impl Text {
    /// A text in a language as flags name it; with the phonemes that the neural voice speaks, where `neural`.
    ///
    /// # Errors
    /// Where the neural voice has no phonemes of the language, or espeak-ng finds none.
    pub fn new(written: &str, language: &str, neural: bool) -> Result<Self> {
        let phonemes = if neural {
            let (espeak, letters) = phonemes::language(language).with_context(|| {
                format!(
                    "the neural voice has no phonemes of `{language}`: it speaks {}, and others by --phonemes; --voice espeak-ng speaks more",
                    phonemes::languages()
                )
            })?;
            let own = phonemes::of_text(written, espeak)?;
            let british = if letters == "ab" { phonemes::of_text(written, "en-gb")? } else { own.clone() };
            Some([british, own])
        } else {
            None
        };
        Ok(Text { written: written.to_owned(), phonemes })
    }

    /// A text whose phonemes are known.
    ///
    /// # Errors
    /// Where one is not in the vocabulary.
    pub fn of_phonemes(written: &str, signs: &str) -> Result<Self> {
        phonemes::tokens(signs)?;
        Ok(Text { written: written.to_owned(), phonemes: Some([signs.to_owned(), signs.to_owned()]) })
    }

    /// Number of phonemes, about.
    pub fn length(&self) -> usize {
        match &self.phonemes {
            Some([_, phonemes]) => phonemes.chars().filter(|c| c.is_alphabetic()).count(),
            None => self.written.chars().filter(|c| c.is_alphanumeric()).count().max(2),
        }
    }
}

/// Voices that are there.
#[derive(Debug)]
pub struct Voices {
    kokoro: Option<Kokoro>,
    cache: Cache,
}

/// Whether a program can be run.
pub fn installed(program: &str, ask: &str) -> bool {
    Command::new(program).arg(ask).output().is_ok_and(|o| o.status.success() || program == "flite")
}

impl Voices {
    /// Those that `engines` name.
    ///
    /// # Errors
    /// Where one is not there, with the way to it.
    pub fn open(store: &Store, engines: &[Engine], cache: Cache) -> Result<Self> {
        let has = |engine| engines.contains(&engine);
        // espeak-ng also finds the phonemes that the neural voice speaks.
        if (has(Engine::Espeak) || has(Engine::Kokoro)) && !installed("espeak-ng", "--version") {
            bail!(phonemes::MISSING);
        }
        if has(Engine::Flite) && !installed("flite", "--version") {
            bail!("flite is not installed; on Debian and Ubuntu: apt-get install flite");
        }
        let kokoro = has(Engine::Kokoro).then(|| Kokoro::open(store)).transpose()?;
        Ok(Voices { kokoro, cache })
    }

    /// The neural voice, where it was asked for.
    pub fn kokoro(&self) -> Option<&Kokoro> {
        self.kokoro.as_ref()
    }

    /// Speaks a text at `rate` samples a second; what was spoken before comes from the cache.
    ///
    /// # Errors
    /// Where a program fails or gives no sound.
    pub fn speak(&self, text: &Text, manner: &Manner, rate: u32) -> Result<Vec<i16>> {
        let mut key = Key::new("speech 1");
        key.add(format!("{text:?} {manner:?} {rate}").as_bytes());
        let made = self.cache.vectors(&key, || Ok::<_, anyhow::Error>(vec![self.spoken(text, manner, rate)?]))?;
        made.into_iter().next().context("nothing was spoken")
    }

    fn spoken(&self, text: &Text, manner: &Manner, rate: u32) -> Result<Vec<i16>> {
        let written = &text.written;
        match manner {
            Manner::Kokoro { speakers, speed, mark } => {
                let kokoro = self.kokoro.as_ref().context("the neural voice was not opened")?;
                let british = speakers.first().is_some_and(|(name, _)| name.starts_with('b'));
                let [of_britain, of_america] = text.phonemes.as_ref().context("the text has no phonemes")?;
                let signs = format!("{}{mark}", if british { of_britain } else { of_america });
                let samples = kokoro.speak(&signs, speakers, *speed)?;
                Ok(resample(&samples, kokoro::RATE, rate))
            }
            Manner::Espeak { voice, speed, pitch } => {
                let output = Command::new("espeak-ng")
                    .args(["-v", voice, "-s", &speed.to_string(), "-p", &pitch.to_string(), "--stdout", "--", written])
                    .output()
                    .context(phonemes::MISSING)?;
                let said = String::from_utf8_lossy(&output.stderr);
                ensure!(output.status.success(), "espeak-ng failed for {written:?} in voice {voice}: {}", said.trim());
                samples(written, output.stdout, rate)
            }
            Manner::Flite { voice, stretch, pitch } => {
                let file = tempfile::Builder::new().suffix(".wav").tempfile()?;
                let output = Command::new("flite")
                    .args(["-voice", voice, "--setf", &format!("duration_stretch={stretch}")])
                    .args(["--setf", &format!("int_f0_target_mean={pitch}"), "-o"])
                    .arg(file.path())
                    .args(["-t", written])
                    .output()
                    .context("flite does not start")?;
                let said = String::from_utf8_lossy(&output.stderr);
                ensure!(output.status.success(), "flite failed for {written:?} in voice {voice}: {}", said.trim());
                samples(written, std::fs::read(file.path())?, rate)
            }
        }
    }
}

/// The samples of a wav whose header may not know its length, as espeak-ng writes it to a pipe.
fn samples(word: &str, mut wav: Vec<u8>, rate: u32) -> Result<Vec<i16>> {
    let data = wav.windows(4).position(|w| w == b"data").with_context(|| format!("there is no sound for {word:?}"))?;
    let length = (wav.len().saturating_sub(data + 8)) as u32;
    ensure!(length > 0, "there is no sound for {word:?}");
    wav[data + 4..data + 8].copy_from_slice(&length.to_le_bytes());
    let all = wav.len() as u32 - 8;
    wav[4..8].copy_from_slice(&all.to_le_bytes());
    let sound = read_sound(word, wav)?;
    Ok(resample(&sound.samples, sound.rate, rate))
}

#[cfg(test)]
mod tests {
    use super::*;
    use elman_data::wav_bytes;

    #[test]
    fn a_wav_of_unknown_length_is_read_whole() {
        let mut wav = wav_bytes(&[1, -2, 3, 4], 16_000);
        wav[40..44].copy_from_slice(&0x7FFF_FFFFu32.to_le_bytes());
        wav[4..8].copy_from_slice(&0x7FFF_FFFFu32.to_le_bytes());
        assert_eq!(samples("x", wav, 16_000).unwrap(), [1, -2, 3, 4]);
        assert!(samples("x", b"RIFF".to_vec(), 16_000).is_err());
    }

    #[test]
    fn a_store_without_the_voice_is_an_error_before_anything_is_spoken() {
        let dir = tempfile::tempdir().unwrap();
        let error = Voices::open(&Store::at(dir.path()), &[Engine::Kokoro], Cache::at(dir.path())).unwrap_err();
        let text = format!("{error:#}");
        assert!(text.contains("elman synth --setup") || text.contains("espeak-ng is not installed"), "{text}");
    }
}
