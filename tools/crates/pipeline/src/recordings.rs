//! Where long recordings come from: a folder of the user's own, or mixed from a corpus.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use elman::audio;
use rayon::prelude::*;

use crate::Reporter;
use crate::play_clip;
use elman_data::{Corpus, Split};
use elman_listen::{Mix, MixOptions, MixedRecording, Recording, StreamRecipe, Track, Transcript, read_labels};

/// Every recording in a folder, with the label file of the same name and the ending .txt. One without is taken to contain no
/// words, with a note. With `skip_bad`, recordings that cannot be used are left out with a note.
///
/// # Errors
/// Where there is none; all those that cannot be used.
pub fn recordings(
    dir: &Path,
    audio: &audio::Config,
    skip_bad: bool,
    reporter: &dyn Reporter,
) -> Result<Vec<FileRecording>> {
    let mut paths: Vec<_> = std::fs::read_dir(dir)
        .with_context(|| format!("cannot read the folder {}", dir.display()))?
        .filter_map(|e| e.ok().map(|e| e.path()))
        .filter(|p| {
            let name = p.file_name().unwrap_or_default().to_string_lossy();
            !name.starts_with('.') && elman_data::is_sound(&name)
        })
        .collect();
    paths.sort();
    ensure!(!paths.is_empty(), "{} contains no recording (wav, flac, ogg, mp3, m4a)", dir.display());
    let (mut tracks, mut bad) = (Vec::new(), Vec::new());
    for path in &paths {
        match recording(path, audio, reporter) {
            Ok(track) => tracks.push(track),
            Err(e) => bad.push(format!("{e:#}")),
        }
    }
    match &bad[..] {
        [] => Ok(tracks),
        [first, ..] if skip_bad && !tracks.is_empty() => {
            reporter.note(&format!("note: {} of {} recordings left out; the first: {first}", bad.len(), paths.len()));
            Ok(tracks)
        }
        [only] => bail!("{only}"),
        all => bail!(
            "{} of {} recordings cannot be used:\n  {}\ncorrect them or take them out; --skip-bad goes on without them",
            all.len(),
            paths.len(),
            all.join("\n  ")
        ),
    }
}

/// A recording in a file, which is read again whenever it is played: hours of samples would fill the memory.
#[derive(Clone, Debug)]
pub struct FileRecording {
    path: PathBuf,
    audio: audio::Config,
    transcript: Transcript,
}

impl Recording for FileRecording {
    fn transcript(&self) -> &Transcript {
        &self.transcript
    }

    fn play(&self, sink: &mut dyn FnMut(&[i16])) -> Result<()> {
        let (mut left, wanted) = (self.transcript.samples, self.transcript.samples);
        let mut played = 0;
        play_clip(&self.path, &self.audio, &mut |piece| {
            played += piece.len();
            let piece = &piece[..piece.len().min(left)];
            left -= piece.len();
            sink(piece);
        })?;
        ensure!(played == wanted, "{} was changed meanwhile", self.path.display());
        Ok(())
    }
}

/// A recording and its words.
fn recording(path: &Path, audio: &audio::Config, reporter: &dyn Reporter) -> Result<FileRecording> {
    let mut samples = 0;
    let notes = play_clip(path, audio, &mut |piece| samples += piece.len())?;
    ensure!(
        samples >= usize::from(audio.window),
        "{}: {samples} samples, and a window of the front end has {}",
        path.display(),
        audio.window
    );
    notes.iter().for_each(|n| reporter.note(&format!("note: {n}")));
    let labels = path.with_extension("txt");
    let words = if labels.exists() {
        let (words, cut) = read_labels(&labels, audio.sample_rate, samples)?;
        cut.iter().for_each(|n| reporter.note(&format!("note: {n}")));
        words
    } else {
        reporter.note(&format!("{} has no label file {}: taken to contain no words", path.display(), labels.display()));
        Vec::new()
    };
    let name = path.file_stem().map_or(String::new(), |s| s.to_string_lossy().into_owned());
    let transcript = Transcript { name, samples, words };
    Ok(FileRecording { path: path.to_owned(), audio: *audio, transcript })
}

/// What is mixed from a corpus.
#[derive(Clone, Copy, Debug)]
pub struct Mixed {
    /// Split whose clips are used.
    pub split: Split,
    /// Hours, in streams of at most one.
    pub hours: f64,
    /// Clips an hour.
    pub per_hour: f64,
    /// Level of the words above the background, in dB.
    pub snr_db: f32,
    /// Seed of everything random.
    pub seed: u64,
}

impl Mixed {
    /// The streams, mixed while they are played.
    ///
    /// # Errors
    /// Where the split has no clips.
    pub fn recordings<'a>(&self, recipe: &StreamRecipe, corpus: &'a Corpus) -> Result<Vec<MixedRecording<'a>>> {
        let (mix, how, seeds) = self.plan(recipe, corpus)?;
        Ok(seeds.into_par_iter().map(|seed| mix.recording(&how, seed)).collect())
    }

    /// The streams in memory: 115 MB an hour at 16 kHz.
    ///
    /// # Errors
    /// Where the split has no clips.
    pub fn tracks(&self, recipe: &StreamRecipe, corpus: &Corpus) -> Result<Vec<Track>> {
        let (mix, how, seeds) = self.plan(recipe, corpus)?;
        Ok(seeds.into_par_iter().map(|seed| mix.track(&how, seed)).collect())
    }

    fn plan<'a>(&self, recipe: &StreamRecipe, corpus: &'a Corpus) -> Result<(Mix<'a>, MixOptions, Vec<u64>)> {
        let mix = recipe.mix(corpus, self.split);
        ensure!(!mix.clips.is_empty(), "{} has no clips in its {} split", corpus.dir.display(), self.split);
        let count = self.hours.ceil().max(1.0);
        let how = StreamRecipe { valid_per_hour: self.per_hour, valid_snr_db: self.snr_db, ..recipe.clone() }
            .evaluation_mix(self.hours / count, mix.clips, mix.rate);
        let seeds = (0..count as u64).map(|k| self.seed.wrapping_mul(1000) + k).collect();
        Ok((mix, how, seeds))
    }
}
