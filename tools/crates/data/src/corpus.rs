//! A corpus in memory: labels, splits, clips.

use super::layout::{self, Found};
use super::note::{gather, names, said};
use super::records::doubts;
use super::samples::{Samples, Shelf};
use super::sound::{SoundInfo, stream_at, stream_sound};
use super::{Error, Layout, Note, NoteKind, ending, source::Source, split};
use elman_resample::{resample, resampled_length};
use rayon::prelude::*;
use sha1_smol::Sha1;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a clip is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Split {
    /// Weights are fitted to it.
    Train,
    /// Decides when to stop; never trained on.
    Valid,
    /// Evaluated once, at the end.
    Test,
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Split::Train => "train",
            Split::Valid => "valid",
            Split::Test => "test",
        })
    }
}

/// How a corpus is read.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Samples per second wanted, in Hz. `None`: 16000, or 8000 where most clips have less than 16000.
    pub sample_rate: Option<u32>,
    /// Whether another sample rate is an error; otherwise it is converted and noted.
    pub strict: bool,
    /// Share of train that becomes valid where the corpus has none; 0 leaves valid empty.
    pub valid_share: f64,
    /// Words to tell apart; all others become the label `unknown`. Empty: every label of the corpus.
    pub words: Vec<String>,
    /// Labels whose clips are not read.
    pub leave_out: Vec<String>,
    /// Whether recordings that cannot be read are left out and noted; otherwise all of them are named in an error.
    pub skip_bad: bool,
    /// Whether the clips are only evaluated or mixed: no training set and no particular labels are needed.
    pub evaluate: bool,
    /// Whether nothing but lengths is wanted: samples are decoded and not kept.
    pub lengths_only: bool,
    /// Bytes of samples that are kept in memory; the others are in a temporary file.
    pub in_memory: usize,
}

/// Bytes of samples in memory, where nothing else is said: nine hours at 16 kHz.
pub const IN_MEMORY: usize = 1 << 30;

impl Default for Options {
    fn default() -> Self {
        Options {
            sample_rate: None,
            strict: false,
            valid_share: 0.1,
            words: Vec::new(),
            leave_out: Vec::new(),
            skip_bad: false,
            evaluate: false,
            lengths_only: false,
            in_memory: IN_MEMORY,
        }
    }
}

/// A recording of one label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clip {
    /// Mono samples at the corpus's rate; none where only lengths are wanted.
    pub samples: Samples,
    /// Number of samples.
    pub length: usize,
    /// Index in [`Corpus::labels`].
    pub label: usize,
    /// Who speaks, if the corpus tells.
    pub speaker: Option<String>,
    /// Its name in the corpus.
    pub name: String,
}

/// A corpus in memory. The order of clips and labels depends on names only.
#[derive(Clone, Debug)]
pub struct Corpus {
    /// Where it came from.
    pub dir: PathBuf,
    /// The layout of its folder.
    pub layout: Layout,
    /// Samples per second, in Hz.
    pub sample_rate: u32,
    /// The labels, sorted.
    pub labels: Vec<String>,
    /// Clips to fit weights to.
    pub train: Vec<Clip>,
    /// Clips for validation: the corpus' own, or carved out of train.
    pub valid: Vec<Clip>,
    /// Clips for the final figure; empty if the corpus has none.
    pub test: Vec<Clip>,
    /// Whether `valid` was carved out of train because the corpus has none.
    pub valid_is_carved: bool,
    /// Background noise to mix in, if the corpus has some.
    pub noise: Vec<Vec<i16>>,
    /// Samples of it.
    pub noise_samples: usize,
    /// Conversions and doubts.
    pub notes: Vec<Note>,
}

impl Corpus {
    /// Whether a folder looks like a corpus of sound: by recordings, or tars that may hold some, in it or in the folders
    /// below.
    pub fn is_in(dir: impl AsRef<Path>) -> bool {
        layout::is_in(dir.as_ref())
    }

    /// Finds out the layout of `dir`, and loads all of it, on all cores.
    ///
    /// # Errors
    /// All files that cannot be used, or what keeps the corpus from being trained on.
    pub fn open(dir: impl AsRef<Path>, options: &Options) -> Result<Corpus, Error> {
        let dir = dir.as_ref();
        let (layout, mut listing) = layout::list(dir)?;
        let mut noted = std::mem::take(&mut listing.notes);
        split::check_labels(&listing.clips)?;
        leave_out(&mut listing.clips, &options.leave_out, options.evaluate)?;
        select_words(&mut listing.clips, &options.words, options.evaluate)?;
        if listing.missing.is_empty() && !options.evaluate {
            split::check(dir, &listing.clips)?;
        }
        let shelf = Shelf::new(options.in_memory);
        let (sounds, noises) = read_all(&mut listing, options, &shelf, &mut noted)?;
        if !options.evaluate {
            split::check(dir, &listing.clips)?;
        }
        let has = |split: Split| listing.clips.iter().any(|c| c.split == split);
        let valid_is_carved = options.valid_share > 0.0 && has(Split::Train) && !has(Split::Valid);
        if valid_is_carved {
            noted.push(split::carve_valid(&mut listing.clips, options.valid_share));
        }
        let sample_rate = options.sample_rate.unwrap_or_else(|| usual_rate(&sounds));

        let labels: Vec<String> =
            listing.clips.iter().map(|c| c.label.clone()).collect::<BTreeSet<_>>().into_iter().collect();
        noted.splice(0..0, conversions(&listing.clips, &sounds, sample_rate, options.strict)?);
        noted.extend(same_samples(&listing.clips, &sounds));
        let of_split = |split: Split| {
            listing.clips.iter().filter(|c| c.split == split).map(|c| c.label.as_str()).collect::<BTreeSet<_>>()
        };
        noted.extend(doubts::missing(of_split));
        noted.extend(doubts::alike(labels.iter().map(String::as_str)));

        let at_rate = |heard: Vec<Heard>| -> Result<Vec<(Samples, usize)>, Error> {
            heard.into_par_iter().map(|h| h.at_rate(sample_rate, options.lengths_only, &shelf)).collect()
        };
        let (sounds, noises) = (at_rate(sounds)?, at_rate(noises)?);
        let mut corpus = Corpus {
            dir: dir.into(),
            layout,
            sample_rate,
            train: Vec::new(),
            valid: Vec::new(),
            test: Vec::new(),
            valid_is_carved,
            noise_samples: noises.iter().map(|(_, length)| length).sum(),
            // Background is mixed in everywhere, and is read in pieces of its own.
            noise: noises.into_iter().map(|(samples, _)| shelf.take(samples)).collect(),
            notes: gather(noted),
            labels,
        };
        for (found, (samples, length)) in listing.clips.into_iter().zip(sounds) {
            let label = corpus.labels.binary_search(&found.label).expect("labels were gathered from the clips");
            let clip = Clip { samples, length, label, speaker: found.speaker, name: found.name };
            corpus.split_mut(found.split).push(clip);
        }
        Ok(corpus)
    }

    /// The clips of a split.
    pub fn split(&self, split: Split) -> &[Clip] {
        match split {
            Split::Train => &self.train,
            Split::Valid => &self.valid,
            Split::Test => &self.test,
        }
    }

    /// Seconds of background noise.
    pub fn noise_seconds(&self) -> f64 {
        self.noise_samples as f64 / f64::from(self.sample_rate.max(1))
    }

    /// Drops the clips of all other splits: they take memory.
    pub fn keep(&mut self, split: Split) {
        for other in [Split::Train, Split::Valid, Split::Test].into_iter().filter(|s| *s != split) {
            *self.split_mut(other) = Vec::new();
        }
    }

    fn split_mut(&mut self, split: Split) -> &mut Vec<Clip> {
        match split {
            Split::Train => &mut self.train,
            Split::Valid => &mut self.valid,
            Split::Test => &mut self.test,
        }
    }
}

/// A recording that was decoded.
#[derive(Debug)]
struct Heard {
    name: String,
    source: Source,
    info: SoundInfo,
    samples: Content,
    /// Whether all samples are 0.
    silent: bool,
}

/// The samples of a recording at its own rate; of a long one what they are known by. It is decoded once more when the rate
/// is known that they are wanted at: two rates of one recording need not be in memory.
#[derive(Debug)]
enum Content {
    All(Samples),
    Digest([u8; 20]),
}

/// Samples of a recording from which on it is long: nine minutes at 16 kHz.
const LONG: usize = 1 << 23;

impl Heard {
    fn read(name: &str, source: &Source, shelf: &Arc<Shelf>) -> Result<Self, Error> {
        let (mut samples, mut silent) = (Vec::new(), true);
        let mut digest: Option<Sha1> = None;
        let info = stream_sound(name, source.input()?, &mut |_, piece| {
            silent &= piece.iter().all(|x| *x == 0);
            match &mut digest {
                Some(digest) => update(digest, piece),
                None => samples.extend_from_slice(piece),
            }
            if samples.len() > LONG {
                update(digest.get_or_insert_default(), &std::mem::take(&mut samples));
            }
        })?;
        samples.shrink_to_fit();
        let samples = match digest {
            Some(digest) => Content::Digest(digest.digest().bytes()),
            None => Content::All(shelf.keep(samples).map_err(Error::io(Path::new(KEPT)))?),
        };
        Ok(Heard { name: name.to_owned(), source: source.clone(), info, samples, silent })
    }

    /// The samples at a rate, and how many they are; none of them where only their number is wanted.
    fn at_rate(self, rate: u32, length_only: bool, shelf: &Arc<Shelf>) -> Result<(Samples, usize), Error> {
        if length_only {
            return Ok((Vec::new().into(), resampled_length(self.info.samples, self.info.rate, rate) as usize));
        }
        let samples = match self.samples {
            Content::All(samples) if self.info.rate == rate => {
                let length = samples.len();
                return Ok((samples, length));
            }
            Content::All(samples) => resample(&shelf.take(samples), self.info.rate, rate),
            Content::Digest(_) => {
                let length = resampled_length(self.info.samples, self.info.rate, rate) as usize;
                let mut all = Vec::with_capacity(length);
                let mut sink = |piece: &[i16]| all.extend_from_slice(piece);
                let info = stream_at(&self.name, self.source.input()?, rate, &mut sink)?;
                if info != self.info {
                    let reason = "it was changed while it was read".to_owned();
                    return Err(Error::Damaged { name: self.name, reason });
                }
                all
            }
        };
        let length = samples.len();
        Ok((shelf.keep(samples).map_err(Error::io(Path::new(KEPT)))?, length))
    }

    /// SHA-1 of its samples.
    fn digest(&self) -> [u8; 20] {
        match &self.samples {
            Content::Digest(digest) => *digest,
            Content::All(samples) => {
                let mut digest = Sha1::new();
                update(&mut digest, &samples.read());
                digest.digest().bytes()
            }
        }
    }
}

/// Adds samples to a digest.
fn update(digest: &mut Sha1, samples: &[i16]) {
    samples
        .chunks(1024)
        .for_each(|piece| digest.update(&piece.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>()));
}

/// What an error of the file with samples beyond [`Options::in_memory`] names.
const KEPT: &str = "the temporary file of samples that memory does not take (ELMAN_CACHE names another folder)";

/// The sounds of clips and of noise. Those that cannot be read are all named in an error, or left out with a note where the
/// options say so; those of an encoding that need not be known, as ALAC in .m4a, are left out with a note.
fn read_all(
    listing: &mut layout::Listing,
    options: &Options,
    shelf: &Arc<Shelf>,
    noted: &mut Vec<(NoteKind, String)>,
) -> Result<(Vec<Heard>, Vec<Heard>), Error> {
    let of = listing.clips.len() + listing.noise.len() + listing.missing.len();
    let clips: Vec<_> = listing.clips.par_iter().map(|c| Heard::read(&c.name, &c.source, shelf)).collect();
    let noises: Vec<_> = listing.noise.par_iter().map(|(name, source)| Heard::read(name, source, shelf)).collect();

    let all: BTreeSet<String> = listing.clips.iter().map(|c| c.label.clone()).collect();
    let good = |sounds: &[Result<Heard, Error>]| -> BTreeSet<String> {
        listing.clips.iter().zip(sounds).filter(|(_, s)| s.is_ok()).map(|(c, _)| c.label.clone()).collect()
    };
    // Without a clip of a label there is no label: that is never passed over.
    let lost: BTreeSet<String> = all.difference(&good(&clips)).cloned().collect();
    let mut bad = std::mem::take(&mut listing.missing);
    let mut unread: Vec<Error> = Vec::new();
    let (mut sounds, mut kept) = (Vec::new(), Vec::new());
    for (clip, sound) in std::mem::take(&mut listing.clips).into_iter().zip(clips) {
        match sound {
            Ok(sound) => {
                sounds.push(sound);
                kept.push(clip);
            }
            Err(e) if is_passed_over(&clip.name, &e) && !lost.contains(&clip.label) => unread.push(e),
            Err(e) => bad.push(e),
        }
    }
    listing.clips = kept;
    let mut background = Vec::new();
    for ((name, _), sound) in listing.noise.iter().zip(noises) {
        match sound {
            Ok(sound) => background.push(sound),
            Err(e) if is_passed_over(name, &e) => unread.push(e),
            Err(e) => bad.push(e),
        }
    }
    if let Some(first) = unread.first() {
        noted.push(said(format!(
            "{} file(s) not read, of an encoding that is not known (first: {first})",
            unread.len()
        )));
    }
    match bad.len() {
        0 => {}
        n if options.skip_bad => {
            let files: Vec<String> = bad.iter().map(Error::file).collect();
            let files = names(files.iter().map(String::as_str));
            noted.push(said(format!("{n} of {of} files left out: {files}; the first: {}", bad[0])));
        }
        1 => return Err(bad.remove(0)),
        _ => return Err(Error::Bad { errors: bad, of }),
    }
    Ok((sounds, background))
}

/// Whether a recording is of an encoding that is not known, in a container whose name promises less than .wav does.
fn is_passed_over(name: &str, error: &Error) -> bool {
    matches!(error, Error::NotAudio { .. }) && !matches!(ending(name).as_str(), "wav" | "wave" | "bwf" | "flac")
}

/// Notes on what was converted.
fn conversions(
    clips: &[Found],
    sounds: &[Heard],
    sample_rate: u32,
    strict: bool,
) -> Result<Vec<(NoteKind, String)>, Error> {
    let mut noted = Vec::new();
    for (clip, sound) in clips.iter().zip(sounds) {
        noted.extend(sound.info.notes.iter().map(|&kind| (kind, clip.name.clone())));
        if sound.info.rate != sample_rate {
            if strict {
                return Err(Error::SampleRate { name: clip.name.clone(), rate: sound.info.rate, wanted: sample_rate });
            }
            noted.push((NoteKind::Resampled { from: sound.info.rate, to: sample_rate }, clip.name.clone()));
        }
        if sound.silent {
            noted.push((NoteKind::Silent, clip.name.clone()));
        }
    }
    Ok(noted)
}

fn usual_rate(sounds: &[Heard]) -> u32 {
    let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
    sounds.iter().for_each(|s| *counts.entry(s.info.rate).or_default() += 1);
    let usual = counts.into_iter().max_by_key(|&(_, count)| count).map_or(16_000, |(rate, _)| rate);
    if usual < 16_000 { 8000 } else { 16_000 }
}

/// Drops the clips of some labels.
fn leave_out(clips: &mut Vec<Found>, labels: &[String], evaluate: bool) -> Result<(), Error> {
    if let Some(word) = labels.iter().find(|l| !evaluate && !clips.iter().any(|c| c.label == **l)) {
        let known: BTreeSet<&str> = clips.iter().map(|c| c.label.as_str()).collect();
        let known = known.into_iter().collect::<Vec<_>>().join(", ");
        return Err(Error::NoSuchWord { word: word.clone(), known });
    }
    clips.retain(|c| !labels.contains(&c.label));
    Ok(())
}

/// Renames labels that are not among `words` to `unknown`.
fn select_words(clips: &mut [Found], words: &[String], evaluate: bool) -> Result<(), Error> {
    if words.is_empty() {
        return Ok(());
    }
    let known: BTreeSet<String> = clips.iter().map(|c| c.label.clone()).collect();
    if let Some(word) = words.iter().find(|w| !evaluate && !known.contains(*w)) {
        let known = known.into_iter().collect::<Vec<_>>().join(", ");
        return Err(Error::NoSuchWord { word: word.clone(), known });
    }
    clips.iter_mut().filter(|c| !words.contains(&c.label)).for_each(|c| c.label = "unknown".into());
    Ok(())
}

/// Clips outside train whose samples are in train as well: by their digests.
fn same_samples(clips: &[Found], sounds: &[Heard]) -> Vec<(NoteKind, String)> {
    let known: Vec<[u8; 20]> = sounds.par_iter().map(Heard::digest).collect();
    let pairs = || clips.iter().zip(&known);
    let train: HashSet<&[u8; 20]> = pairs().filter(|(c, _)| c.split == Split::Train).map(|(_, s)| s).collect();
    pairs()
        .filter(|(c, s)| c.split != Split::Train && train.contains(s))
        .map(|(c, _)| (NoteKind::SameSamples, c.name.clone()))
        .collect()
}
