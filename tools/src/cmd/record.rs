//! `elman record`: recordings of a word by the PC's microphone, as a corpus has them.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

use crate::ui::Ui;
use elman_data::files::write_atomically;
use elman_data::wav_bytes;
use elman_listen::Microphone;
use elman_recipe::Usage;

/// Records a word several times: DIR/WORD/SPEAKER_nohash_N.wav, a second and a half each, as `elman train` reads them.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  elman record lamp --to words --count 20 --speaker anna")]
pub struct Cmd {
    /// The word
    pub word: String,
    /// Folder of the corpus
    #[arg(long, value_name = "DIR")]
    pub to: PathBuf,
    /// How often
    #[arg(long, default_value_t = 10)]
    pub count: usize,
    /// Who speaks: recordings of one speaker stay in one split
    #[arg(long, default_value = "me")]
    pub speaker: String,
    /// Seconds of a recording
    #[arg(long, default_value_t = 1.5)]
    pub seconds: f64,
    /// Samples per second
    #[arg(long, default_value_t = 16_000)]
    pub rate: u32,
}

/// A name that can be a folder's.
pub(super) fn folder_name(word: &str) -> Result<String> {
    let name = word.trim().replace(' ', "_");
    let good = !name.is_empty() && !name.starts_with(['.', '_']) && !name.contains(['/', '\\', '\0']);
    ensure!(good, Usage(format!("{word:?} cannot name a folder")));
    Ok(name)
}

impl Cmd {
    /// Runs it.
    pub fn run(self, ui: Ui) -> Result<()> {
        ensure!(
            self.seconds > 0.0 && self.rate >= 1000,
            Usage("--seconds is above 0, --rate at least 1000".to_owned())
        );
        let folder = self.to.join(folder_name(&self.word)?);
        let speaker = folder_name(&self.speaker)?;
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let length = (self.seconds * f64::from(self.rate)) as usize;
        let mut written = Vec::new();
        let path = |n: usize| folder.join(format!("{speaker}_nohash_{n}.wav"));
        for n in (0..).filter(|n| !path(*n).exists()).take(self.count).collect::<Vec<_>>() {
            ui.note(format!("say \"{}\" ({} of {})", self.word, written.len() + 1, self.count));
            // Opened again for each, so that nothing from before the prompt is in it.
            let microphone = Microphone::open(self.rate)?;
            let mut samples = Vec::with_capacity(length);
            while samples.len() < length {
                samples.extend(microphone.blocks.recv().context("the microphone stopped")?);
            }
            samples.truncate(length);
            write_atomically(&path(n), &wav_bytes(&samples, self.rate))?;
            ui.line(format!("wrote {}", path(n).display()));
            written.push(path(n));
        }
        ui.result(&written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_name_folders_and_nothing_else() {
        assert_eq!(folder_name("turn left").unwrap(), "turn_left");
        for bad in ["", " ", "../up", "a/b", "_background_noise_", ".hidden"] {
            assert!(folder_name(bad).is_err(), "{bad}");
        }
    }
}
