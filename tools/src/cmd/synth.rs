//! `elman synth`: clips of words by espeak-ng, for a start without recordings.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use rayon::prelude::*;

use super::record::folder_name;
use crate::ui::Ui;
use elman_data::files::write_atomically;
use elman_data::{read_sound, resample, wav_bytes};
use elman_recipe::Usage;

/// Speaks words by espeak-ng in many voices, speeds and pitches: DIR/WORD/VOICE_nohash_N.wav, as `elman train` reads them.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Example:\n  elman synth lamp window --to words --count 60\n\nSynthetic speech proves that the tools work, not that the network understands people: add recordings by `elman record`."
)]
pub struct Cmd {
    /// The words
    #[arg(required = true)]
    pub words: Vec<String>,
    /// Folder of the corpus
    #[arg(long, value_name = "DIR")]
    pub to: PathBuf,
    /// Clips of each word
    #[arg(long, default_value_t = 40)]
    pub count: usize,
    /// Language, as espeak-ng names it
    #[arg(long, default_value = "en")]
    pub language: String,
    /// Samples per second
    #[arg(long, default_value_t = 16_000)]
    pub rate: u32,
}

/// Variants of espeak-ng's voices.
const VARIANTS: &[&str] =
    &["", "+m1", "+f1", "+m2", "+f2", "+m3", "+f3", "+m4", "+f4", "+m5", "+f5", "+m6", "+m7", "+croak", "+whisper"];
/// Words a minute.
const SPEEDS: &[u32] = &[130, 160, 190, 115, 220, 145, 175];
/// Pitches, 0 to 99.
const PITCHES: &[u32] = &[50, 30, 70, 40, 60, 20, 80, 45, 65, 35, 75];

/// Voice, speed and pitch of clip `n`: the three lists have no common factor, so combinations repeat late.
fn manner(language: &str, n: usize) -> (String, u32, u32) {
    let voice = format!("{language}{}", VARIANTS[n % VARIANTS.len()]);
    (voice, SPEEDS[n % SPEEDS.len()], PITCHES[n % PITCHES.len()])
}

impl Cmd {
    /// Runs it.
    pub fn run(self, ui: Ui) -> Result<()> {
        ensure!((1000..=48_000).contains(&self.rate), Usage("--rate must be in 1000..=48000".to_owned()));
        let version = Command::new("espeak-ng").arg("--version").output();
        if !version.is_ok_and(|o| o.status.success()) {
            bail!("espeak-ng is not installed; on Debian and Ubuntu: apt-get install espeak-ng");
        }
        let mut clips = Vec::new();
        for word in &self.words {
            let folder = self.to.join(folder_name(word)?);
            std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
            clips.extend((0..self.count).map(|n| (word, folder.clone(), n)));
        }
        let written: Vec<PathBuf> = clips
            .par_iter()
            .map(|(word, folder, n)| {
                let (voice, speed, pitch) = manner(&self.language, *n);
                let output = Command::new("espeak-ng")
                    .args(["-v", &voice, "-s", &speed.to_string(), "-p", &pitch.to_string(), "--stdout", "--", word])
                    .output()
                    .context("espeak-ng does not start")?;
                let said = String::from_utf8_lossy(&output.stderr);
                ensure!(output.status.success(), "espeak-ng failed for {word:?} in voice {voice}: {said}");
                let samples = samples(word, output.stdout, self.rate)?;
                // A voice is a speaker, whose clips stay in one split.
                let path = folder.join(format!("{}_nohash_{n}.wav", voice.replace('+', "-")));
                write_atomically(&path, &wav_bytes(&samples, self.rate))?;
                Ok(path)
            })
            .collect::<Result<_>>()?;
        ui.line(format!("{} clips of {} in {}", written.len(), self.words.join(", "), self.to.display()));
        ui.result(&written)
    }
}

/// The samples that espeak-ng wrote to a pipe, where it cannot know the length that a wav header declares.
fn samples(word: &str, mut wav: Vec<u8>, rate: u32) -> Result<Vec<i16>> {
    let data =
        wav.windows(4).position(|w| w == b"data").with_context(|| format!("espeak-ng gave no sound for {word:?}"))?;
    let length = (wav.len().saturating_sub(data + 8)) as u32;
    ensure!(length > 0, "espeak-ng gave no sound for {word:?}");
    wav[data + 4..data + 8].copy_from_slice(&length.to_le_bytes());
    let all = wav.len() as u32 - 8;
    wav[4..8].copy_from_slice(&all.to_le_bytes());
    let sound = read_sound(word, wav)?;
    Ok(resample(&sound.samples, sound.rate, rate))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_clip_has_a_manner_of_its_own() {
        let all: HashSet<_> = (0..1155).map(|n| manner("en", n)).collect();
        assert_eq!(all.len(), 1155);
        assert_eq!(manner("de", 1), ("de+m1".into(), 160, 30));
    }

    #[test]
    fn a_wav_of_unknown_length_is_read_whole() {
        let mut wav = wav_bytes(&[1, -2, 3, 4], 16_000);
        wav[40..44].copy_from_slice(&0x7FFF_FFFFu32.to_le_bytes());
        wav[4..8].copy_from_slice(&0x7FFF_FFFFu32.to_le_bytes());
        assert_eq!(samples("x", wav, 16_000).unwrap(), [1, -2, 3, 4]);
        assert!(samples("x", b"RIFF".to_vec(), 16_000).is_err());
    }
}
