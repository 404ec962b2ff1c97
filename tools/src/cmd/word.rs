//! `elman word`: from a word that is typed to a file for a board.

mod plan;

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use super::mix::Sources;
use super::synth::{Voice, label};
use super::{calibrate, flash, operating_point, quantize, synth, train};
use crate::ui::{Ui, bytes, percent};
use elman_data::files::{text, write_atomically};
use elman_listen::DetectionCounts;
use elman_pipeline::run::RunFolder;
use elman_pipeline::{Source, wanted_rate};
use elman_quant::model::ModelFile;
use elman_quant::with_detector;
use elman_recipe::{Recipe, Usage};
use elman_speech::Engine;

/// Makes a detector of a word or phrase that nobody recorded: synthetic voices, training, quantization, calibration, and the file for a
/// board. Each step is a command that it prints; the same command again goes on where it was interrupted.
#[derive(clap::Args, Clone, Debug)]
#[command(
    after_help = "Examples:\n  elman word \"hey lamp\"\n  elman word \"hey lamp\" --people recordings --preset large --board pico\n\nSynthetic speech shows what the network can tell apart, not how many people it understands: docs/words.md"
)]
pub struct Cmd {
    /// The word or phrase
    pub word: String,
    /// Its language, as espeak-ng names it
    #[arg(long, default_value = "en")]
    pub language: String,
    /// Its phonemes, where espeak-ng finds others: kokoro alone speaks them
    #[arg(long, value_name = "IPA")]
    pub phonemes: Option<String>,
    /// Recordings of people in any layout of `elman train`: clips of the label WORD are the word, all others are other words. May be
    /// given several times
    #[arg(long, value_name = "DIR")]
    pub people: Vec<PathBuf>,
    /// Makes the file for this board too, as `elman flash` does
    #[arg(long, value_name = "BOARD")]
    pub board: Option<String>,
    /// Folder with the firmware of the boards
    #[arg(long, value_name = "DIR", requires = "board")]
    pub firmware: Option<PathBuf>,
    /// False accepts per hour that are allowed, on synthetic streams
    #[arg(long, value_name = "N", default_value_t = 0.5)]
    pub false_accepts_per_hour: f64,
    /// How much is spoken, how wide the network is, and how long it is trained
    #[arg(long, value_enum, default_value_t = Preset::Small)]
    pub preset: Preset,
    /// Folder of all that is made; by default words/WORD
    #[arg(long, value_name = "DIR")]
    pub to: Option<PathBuf>,
    /// Who speaks; several take turns. By default kokoro where `elman synth --setup` was run, else espeak-ng
    #[arg(long, value_enum)]
    pub voice: Vec<Voice>,
    /// Changes a value of the recipe, as in --set train.epochs=20
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Seed of everything random
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

/// How much is spoken and trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// 64 units, some ten minutes on two cores
    Small,
    /// 96 units, some forty minutes
    Large,
    /// 8 units, seconds: for tests
    #[value(hide = true)]
    Tiny,
}

/// What a preset stands for.
struct Size {
    /// Clips of the word.
    word: usize,
    /// Texts that sound like it, and clips of each.
    close: [usize; 2],
    /// Other texts, and clips of each.
    other: [usize; 2],
    units: usize,
    epochs: usize,
    /// Hours of streams that calibrate.
    hours: f64,
}

impl Preset {
    fn size(self) -> Size {
        match self {
            Preset::Small => Size { word: 400, close: [30, 4], other: [220, 1], units: 64, epochs: 40, hours: 12.0 },
            Preset::Tiny => Size { word: 14, close: [4, 2], other: [14, 1], units: 8, epochs: 3, hours: 0.1 },
            Preset::Large => Size { word: 900, close: [80, 8], other: [600, 1], units: 96, epochs: 80, hours: 24.0 },
        }
    }
}

/// What was asked for, kept in the folder: another word must not go on in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Asked {
    word: String,
    language: String,
    phonemes: Option<String>,
    people: Vec<PathBuf>,
    preset: Preset,
    seed: u64,
    voice: Vec<String>,
    set: Vec<String>,
}

/// What was made.
#[derive(Clone, Debug, Serialize)]
pub struct Made {
    /// The blob.
    pub model: PathBuf,
    /// Its bytes.
    pub blob_bytes: usize,
    /// Bytes of the model's states.
    pub ram_bytes: usize,
    /// Share of the word's clips that were missed on synthetic streams.
    pub missed: f64,
    /// False accepts an hour on them.
    pub false_accepts_per_hour: f64,
    /// The file for the board.
    pub file: Option<PathBuf>,
    /// Seconds it took.
    pub seconds: f64,
}

/// Clips an hour of the streams that calibrate, and their level above the background in dB.
const PER_HOUR: f64 = 240.0;
const SNR_DB: f32 = 12.0;
/// Where the calibration's streams begin to be drawn.
const SEED: u64 = 101;

/// Folders and files of a word.
struct Place {
    folder: PathBuf,
}

impl Place {
    fn at(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
    fn clips(&self) -> PathBuf {
        self.at("clips")
    }
    fn run(&self) -> PathBuf {
        self.at("run")
    }
    /// There when all clips are.
    fn spoken(&self) -> PathBuf {
        self.at("spoken.json")
    }
}

impl Cmd {
    /// A word in English by the usual voices, into a folder.
    pub fn plain(word: &str, folder: &Path, preset: Preset) -> Self {
        Cmd {
            word: word.to_owned(),
            language: "en".to_owned(),
            phonemes: None,
            people: Vec::new(),
            board: None,
            firmware: None,
            false_accepts_per_hour: 0.5,
            preset,
            to: Some(folder.to_owned()),
            voice: Vec::new(),
            set: Vec::new(),
            seed: 1,
        }
    }

    /// Runs it.
    pub fn run(self, ui: Ui) -> Result<()> {
        ui.result(&self.make(ui)?)
    }

    /// Makes the detector, from where an earlier call was interrupted.
    ///
    /// # Errors
    /// Where a flag is wrong or a step fails.
    pub fn make(&self, ui: Ui) -> Result<Made> {
        let label = label(&self.word)?;
        ensure!(
            !plan::RESERVED.contains(&label.as_str()),
            Usage(format!("`{label}` is the name of what is no word to detect; take another word"))
        );
        ensure!(
            self.false_accepts_per_hour >= 0.0 && self.false_accepts_per_hour.is_finite(),
            Usage("--false-accepts-per-hour counts from 0".to_owned())
        );
        if let Some(board) = &self.board {
            // Minutes of work must not end at a misspelled name.
            elman_flash::board::of_name(board).map_err(|e| Usage(format!("{e}")))?;
        }
        let start = Instant::now();
        let place = Place { folder: self.to.clone().unwrap_or_else(|| Path::new("words").join(&label)) };
        let recipe = self.recipe(&label)?;
        self.claim(&place)?;
        self.speak(&place, &label, ui)?;
        self.train(&place, &recipe, ui)?;
        let counts = self.calibrate(&place, ui)?;
        let model = place.at(&format!("{label}.elman"));
        let file = ModelFile::read(&place.run())?;
        write_atomically(&model, &file.bytes())?;
        let flashed = self.flash(&place, &label, ui)?;
        let ram_bytes = elman_verify::cost::of(&file.model()?).ram_bytes;
        let made = Made {
            blob_bytes: file.bytes().len(),
            ram_bytes,
            missed: counts.miss_rate(),
            false_accepts_per_hour: counts.per_hour(),
            file: flashed,
            seconds: start.elapsed().as_secs_f64(),
            model,
        };
        ui.line(format!(
            "{}: {}, {} of states; on streams of synthetic voices {} missed, {:.2} false accepts an hour; {:.0} s",
            made.model.display(),
            bytes(made.blob_bytes),
            bytes(made.ram_bytes),
            percent(made.missed),
            made.false_accepts_per_hour,
            made.seconds
        ));
        ui.line(format!("next: elman listen {}", made.model.display()));
        Ok(made)
    }

    /// The recipe with the word in it.
    fn recipe(&self, label: &str) -> Result<Recipe> {
        let size = self.preset.size();
        let mut changes = vec![
            format!("name={}", serde_json::to_string(label)?),
            format!("stream.words=[{}]", serde_json::to_string(label)?),
            format!("network.layers=[{{layer=\"cell\",variant=\"gru\",units={},dropout=0.3}}]", size.units),
            format!("train.epochs={}", size.epochs),
            format!("train.seed={}", self.seed),
        ];
        if self.preset == Preset::Tiny {
            let little = ["stream.valid_hours=0.02", "stream.streams=16", "stream.hard_negatives_streams=8"];
            changes.extend(little.map(str::to_owned));
        }
        changes.extend(self.set.iter().cloned());
        Recipe::parse(RECIPE).map_err(Usage)?.changed(&changes)
    }

    /// Makes the folder, or finds that it is of the same word.
    fn claim(&self, place: &Place) -> Result<()> {
        let asked = Asked {
            word: self.word.clone(),
            language: self.language.clone(),
            phonemes: self.phonemes.clone(),
            people: self.people.clone(),
            preset: self.preset,
            seed: self.seed,
            voice: self.voice.iter().map(|v| format!("{v:?}")).collect(),
            set: self.set.clone(),
        };
        std::fs::create_dir_all(&place.folder).with_context(|| format!("cannot make {}", place.folder.display()))?;
        let path = place.at("word.json");
        if path.exists() {
            let old: Option<Asked> = serde_json::from_str(&text(&path)?).ok();
            ensure!(
                old.as_ref() == Some(&asked),
                Usage(format!(
                    "{} was made with other flags{}; name another folder by --to, or remove it",
                    place.folder.display(),
                    old.map_or_else(String::new, |old| format!(" (for {:?})", old.word))
                ))
            );
        }
        write_atomically(&path, &serde_json::to_vec_pretty(&asked)?)
    }

    /// Speaks the word and what is not the word, and adds the recordings of people.
    fn speak(&self, place: &Place, label: &str, ui: Ui) -> Result<()> {
        if place.spoken().exists() {
            ui.note(format!("clips: {} is complete", place.clips().display()));
            return Ok(());
        }
        let size = self.preset.size();
        let negatives = plan::Negatives::of(self, size.close[0], size.other[0], ui)?;
        let base = synth::Cmd {
            words: Vec::new(),
            texts: None,
            label: None,
            to: Some(place.clips()),
            count: size.word,
            language: self.language.clone(),
            rate: 16_000,
            voice: self.voice.clone(),
            phonemes: None,
            rooms: plan::ROOMS,
            accents: 0.0,
            cut: false,
            held: plan::HELD,
            seed: self.seed,
            setup: false,
        };
        let word = synth::Cmd {
            words: vec![self.word.clone()],
            phonemes: self.phonemes.clone(),
            accents: plan::ACCENTS,
            ..base.clone()
        };
        let mut steps = vec![word];
        for (name, texts, count) in
            [("close", &negatives.close, size.close[1]), ("other", &negatives.other, size.other[1])]
        {
            if texts.is_empty() {
                continue;
            }
            let file = place.at(&format!("{name}.txt"));
            write_atomically(&file, (texts.join("\n") + "\n").as_bytes())?;
            steps.push(synth::Cmd { texts: Some(file), label: Some(name.to_owned()), count, ..base.clone() });
        }
        let mut clips = 0;
        for step in steps {
            ui.note(format!("step: {}", step.line()));
            clips += step.write(&place.clips(), ui)?.clips.len();
        }
        let people = plan::add_people(&self.people, label, &place.clips(), ui)?;
        write_atomically(&place.spoken(), format!("{{\"spoken\":{clips},\"recorded\":{people}}}\n").as_bytes())
    }

    /// Trains and quantizes, where that is not done.
    fn train(&self, place: &Place, recipe: &Recipe, ui: Ui) -> Result<()> {
        let (path, run) = (place.at("recipe.toml"), place.run());
        write_atomically(&path, recipe.to_toml()?.as_bytes())?;
        let found = RunFolder::open(&run).ok();
        let trained = found.as_ref().is_some_and(RunFolder::trained);
        if trained {
            ui.note(format!("network: {} is trained", run.display()));
        } else {
            let resume = found.is_some();
            ui.note(format!(
                "step: elman train {} --data {} --out {}{}",
                path.display(),
                place.clips().display(),
                run.display(),
                if resume { " --resume" } else { "" }
            ));
            let mut folder = if resume { RunFolder::open_locked(&run)? } else { RunFolder::create(&run, true)? };
            train::interruptible(&folder);
            let source = Source::open(&place.clips(), recipe, wanted_rate(recipe), &ui);
            let flags = train::TrainFlags { resume, ..train::TrainFlags::default() };
            source
                .and_then(|source| train::train(&source, recipe, &mut folder, flags, ui))
                .inspect_err(|_| folder.discard())?;
        }
        let folder = RunFolder::open_locked(&run)?;
        if !folder.results()?.contains_key("quantize") || !folder.model_path().exists() {
            ui.note(format!("step: elman quantize {}", run.display()));
            quantize::run(&folder, 0)?;
        }
        Ok(())
    }

    /// Calibrates, where that is not done.
    fn calibrate(&self, place: &Place, ui: Ui) -> Result<DetectionCounts> {
        let run = place.run();
        let allowed = self.false_accepts_per_hour;
        let done = place.at("calibrated.json");
        let size = self.preset.size();
        if let Ok(old) = std::fs::read(&done)
            && let Ok((at, counts)) = serde_json::from_slice::<(f64, DetectionCounts)>(&old)
            && at == allowed
            && ModelFile::read(&run)?.model()?.detect().is_some()
        {
            ui.note(format!("operating point: {} has one for {allowed} false accepts an hour", run.display()));
            return Ok(counts);
        }
        ui.note(format!(
            "step: elman calibrate {} --data {} --hours {} --per-hour {PER_HOUR} --snr {SNR_DB} --max-false-accepts-per-hour {allowed}",
            run.display(),
            place.clips().display(),
            size.hours
        ));
        let sources = Sources {
            audio: None,
            data: Some(place.clips()),
            recipe: None,
            skip_bad: false,
            split: None,
            hours: size.hours,
            per_hour: PER_HOUR,
            snr: SNR_DB,
            seed: SEED,
        };
        let command = calibrate::Cmd {
            model: run,
            sources,
            max_false_accepts_per_hour: allowed,
            silence_reset: elman_listen::SILENCE_RESET_S,
            html: None,
            dry_run: false,
            keep: false,
            threads: None,
        };
        command.calibrated(ui)?;
        let counts = once(&command, ui)?;
        write_atomically(&done, &serde_json::to_vec(&(allowed, &counts))?)?;
        Ok(counts)
    }

    /// Makes the file for the board.
    fn flash(&self, place: &Place, label: &str, ui: Ui) -> Result<Option<PathBuf>> {
        let Some(name) = &self.board else { return Ok(None) };
        let board = elman_flash::board::of_name(name).map_err(|e| Usage(format!("{e}")))?;
        let out = place.at(&format!("{label}-{name}.{}", board.format.extension()));
        ui.note(format!("step: elman flash {} --board {name} --out {}", place.run().display(), out.display()));
        let command = flash::Cmd {
            model: place.run(),
            board: name.clone(),
            key: None,
            counter: None,
            out: Some(out.clone()),
            to: None,
            firmware: self.firmware.clone(),
        };
        command.flashed(ui)?;
        Ok(Some(out))
    }
}

/// Seconds in which a word is reported once: nobody calls a lamp twice in a breath.
const ONCE_S: f64 = 1.5;

/// Makes the refractory time of the point that was found at least [`ONCE_S`], and evaluates it on the same streams.
fn once(command: &calibrate::Cmd, ui: Ui) -> Result<DetectionCounts> {
    let folder = RunFolder::open_locked(&command.model)?;
    let file = ModelFile::read(&command.model)?;
    let model = file.model()?;
    let audio = elman_listen::listener_setup(&model)?.0;
    let mut config = model.detect().context("the model has no detector")?.clone();
    let steps = (ONCE_S * f64::from(audio.sample_rate) / f64::from(audio.hop)).round() as u16;
    config.refractory = config.refractory.max(steps);
    write_atomically(file.path(), &with_detector(&file.bytes(), Some(config))?)?;
    let file = ModelFile::read(&command.model)?;
    let material = command.sources.open(Some(&command.model), &audio, ui)?;
    let found = operating_point::evaluate(&file, &material.recordings()?, ui)?.found;
    folder.add_result("calibrate", &found)?;
    super::report::write(&folder)?;
    Ok(found.point.counts)
}

/// The recipe that the word is put into.
const RECIPE: &str = include_str!("../../recipes/word.toml");

/// Whether the neural voice speaks.
fn speaks_neural(cmd: &Cmd) -> bool {
    let usual = synth::usual(&elman_speech::Store::of_user(), &cmd.language) == Engine::Kokoro;
    if cmd.voice.is_empty() { usual } else { cmd.voice.contains(&Voice::Kokoro) }
}
