//! `bench words`: words that were typed, on clips and streams of people, next to two published detectors.
//!
//! Networks are made by `elman word`, from synthetic voices alone. Clips are those of the corpus wakeword_en; streams are mixed of
//! the same clips, in the background of asc_kws where that is there. Every detector gets the same samples.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use elman::Listener;
use elman::blob::Blob;
use elman::detect::{Event, Probability};
use elman_data::{Corpus, Options, Split, files, wav_bytes};
use elman_figures::{Figures, Output, root};
use elman_listen::{DetectionCounts, Spoken, StreamRecipe, Track, listener_setup, poisson, score_events};
use elman_pipeline::Mixed;
use elman_quant::model::ModelFile;
use elman_tools::cmd::word;
use elman_tools::ui::Ui;
use elman_verify::cost;
use serde::Deserialize;

/// Words of the corpus, the one of the published detectors first.
const WORDS: [&str; 3] = ["alexa", "computer", "jarvis"];
/// Quiet before and after a clip, in seconds.
const QUIET_S: f64 = 1.0;
/// Streams: clips an hour, their level above the background in dB, seed.
const STREAMS: (f64, f32, u64) = (120.0, 10.0, 3);
const RATE: u32 = 16_000;

/// Arguments of `bench words`.
#[derive(Clone, Debug, clap::Args)]
#[group(id = "bench-words")]
pub struct Args {
    /// Folder of the corpora: wakeword_en, and asc_kws for its background
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Where words are made; one that is there is not made again
    #[arg(long, value_name = "DIR")]
    words: Option<PathBuf>,
    /// Only this word
    #[arg(long, value_name = "WORD")]
    only: Option<String>,
    /// small or large
    #[arg(long, value_enum, default_value_t = word::Preset::Small)]
    preset: word::Preset,
    /// Hours of streams
    #[arg(long, default_value_t = 8.0)]
    hours: f64,
    /// Python with pymicro-wakeword 2.5.0 and pyopen-wakeword 1.1.0; without it, the two are left out
    #[arg(long, value_name = "FILE")]
    python: Option<PathBuf>,
    #[command(flatten)]
    pub output: Output,
}

/// Recordings that all detectors get.
struct Material {
    clips: Vec<Track>,
    streams: Vec<Track>,
}

/// What a detector did.
#[derive(Default)]
struct Tally {
    /// Clips of the word, and those of them with an event.
    said: usize,
    hits: usize,
    /// Clips of other words with an event.
    false_clips: usize,
    streams: DetectionCounts,
}

/// Makes the words, and compares.
///
/// # Errors
/// Where the corpus is missing, a word cannot be made, or Python fails.
pub fn run(args: &Args) -> Result<Figures> {
    let ui = Ui { json: true, ..Ui::default() };
    let mut figures = Figures::new("bench-words");
    let material = material(args)?;
    figures.line(format!(
        "{} clips of people, and {:.1} h of streams of them at {} dB",
        material.clips.len(),
        args.hours,
        STREAMS.1
    ));
    for name in WORDS.iter().filter(|w| args.only.as_ref().is_none_or(|only| only == *w)) {
        let folder = args.words.clone().unwrap_or_else(|| root().join("target/words")).join(name);
        let command = word::Cmd::plain(name, &folder, args.preset);
        let made = command.make(ui).with_context(|| format!("elman word {name}"))?;
        let file = ModelFile::read(&made.model)?;
        let tally = ours(&file, name, &material)?;
        let model = file.model()?;
        let audio = listener_setup(&model)?.0;
        let cost = cost::of(&model);
        let step = cost.estimates.iter().find(|e| e.core == "m4").map_or(0, |e| e.instructions);
        let per_second = step as f64 * f64::from(audio.sample_rate) / f64::from(audio.hop);
        figures.line(format!(
            "{name}: ours, {} B, {} B of states, network {per_second:.0} M4 instructions a second",
            made.blob_bytes, cost.ram_bytes
        ));
        report(&mut figures, name, "ours", &tally);
    }
    if let Some(python) = &args.python {
        for (detector, tally) in peers(python, &material)? {
            report(&mut figures, WORDS[0], &detector, &tally);
        }
    }
    Ok(figures)
}

fn report(figures: &mut Figures, word: &str, detector: &str, tally: &Tally) {
    let Tally { said, hits, false_clips, streams } = tally;
    let [low, high] = poisson(streams.false_accepts).map(|n| n / streams.hours.max(1e-9));
    figures.line(format!(
        "  {detector}: {hits} of {said} clips detected, {false_clips} others; streams: {:.1} % missed, {:.2} false accepts/h ({low:.2} to {high:.2})",
        100.0 * streams.miss_rate(),
        streams.per_hour()
    ));
    let mut add = |what: &str, value: f64| figures.add(format!("{word}-{detector}-{what}"), value);
    add("hits-percent", 100.0 * *hits as f64 / (*said).max(1) as f64);
    add("false-clips", *false_clips as f64);
    add("missed-percent", 100.0 * streams.miss_rate());
    add("false-accepts-per-hour", streams.per_hour());
}

/// Clips between quiet, and streams of them.
fn material(args: &Args) -> Result<Material> {
    let options = || Options { sample_rate: Some(RATE), evaluate: true, valid_share: 0.0, ..Options::default() };
    let mut corpus = Corpus::open(args.data.join("wakeword_en"), &options())?;
    let other = args.data.join("asc_kws");
    if other.is_dir() {
        corpus.noise = Corpus::open(other, &options())?.noise;
    }
    let quiet = vec![0i16; (QUIET_S * f64::from(RATE)) as usize];
    let clip = |(k, clip): (usize, &elman_data::Clip)| {
        let samples = [&quiet[..], &clip.samples.read()[..], &quiet[..]].concat();
        let label = corpus.labels.get(clip.label).cloned().unwrap_or_default();
        let end = samples.len() - quiet.len();
        Track { name: format!("clip-{k}"), words: vec![Spoken { label, start: quiet.len(), end }], samples }
    };
    let clips: Vec<Track> = corpus.split(Split::Train).iter().enumerate().map(clip).collect();
    ensure!(!clips.is_empty(), "{} has no clips", corpus.dir.display());
    let (per_hour, snr_db, seed) = STREAMS;
    let mixed = Mixed { split: Split::Train, hours: args.hours, per_hour, snr_db, seed };
    let streams = mixed.tracks(&StreamRecipe::default(), &corpus)?;
    Ok(Material { clips, streams })
}

/// Scores events, given in samples, of every track.
fn tally(word: &str, material: &Material, events: &dyn Fn(&Track) -> Result<Vec<usize>>) -> Result<Tally> {
    let mut tally = Tally::default();
    for track in &material.clips {
        let fired = !events(track)?.is_empty();
        let is_word = track.words.iter().any(|w| w.label == word);
        tally.said += usize::from(is_word);
        tally.hits += usize::from(is_word && fired);
        tally.false_clips += usize::from(!is_word && fired);
    }
    for track in &material.streams {
        let event =
            |at: usize| Event { class: 0, step: u32::try_from(at).unwrap_or(u32::MAX), score: Probability::ONE };
        let events: Vec<Event> = events(track)?.into_iter().map(event).collect();
        let labels = [word.to_owned()];
        let counts = score_events(&track.transcript(), RATE, &events, |e| e.step as usize, &labels, &[true], None);
        tally.streams.add(&counts);
    }
    Ok(tally)
}

/// A blob's listener.
fn ours(file: &ModelFile, word: &str, material: &Material) -> Result<Tally> {
    let model = file.model()?;
    let (audio, ..) = listener_setup(&model)?;
    tally(word, material, &|track| {
        let mut memory = vec![0; Blob::new(file.words()).listener_words()];
        let mut listener = Listener::new(&model, &mut memory).map_err(|e| anyhow::anyhow!("{e}"))?;
        let mut at = Vec::new();
        listener.push_each(&track.samples, |result| {
            at.extend(result.event.map(|e| e.step as usize * usize::from(audio.hop) + usize::from(audio.window)));
        });
        Ok(at)
    })
}

/// A line of the program that plays to the published detectors.
#[derive(Deserialize)]
struct Played {
    file: PathBuf,
    detector: String,
    seconds: Vec<f64>,
}

/// The published detectors.
fn peers(python: &Path, material: &Material) -> Result<Vec<(String, Tally)>> {
    let folder = tempfile::tempdir()?;
    let path = |track: &Track| folder.path().join(format!("{}.wav", track.name));
    let all = || material.clips.iter().chain(&material.streams);
    for track in all() {
        files::write_atomically(&path(track), &wav_bytes(&track.samples, RATE))?;
    }
    let script = root().join("tools/bench/assets/words_peers.py");
    let output = Command::new(python).arg(script).args(all().map(path)).output().context("Python does not start")?;
    ensure!(output.status.success(), "the published detectors failed: {}", String::from_utf8_lossy(&output.stderr));
    let mut played: BTreeMap<String, BTreeMap<PathBuf, Vec<f64>>> = BTreeMap::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let Played { file, detector, seconds } = serde_json::from_str(line)?;
        played.entry(detector).or_default().insert(file, seconds);
    }
    let score = |(detector, times): (String, BTreeMap<PathBuf, Vec<f64>>)| {
        let tally = tally(WORDS[0], material, &|track| {
            let seconds = times.get(&path(track)).with_context(|| format!("{} was not played", track.name))?;
            Ok(seconds.iter().map(|s| (s * f64::from(RATE)) as usize).collect())
        })?;
        Ok((detector, tally))
    };
    played.into_iter().map(score).collect()
}
