//! A recording through the chip's firmware, compared with the host stage by stage.

use anyhow::{Context, Result, ensure};
use elman::blob::Blob;
use elman::detect::{Event, Probability};
use elman::kernel::layout::vector_words;
use elman::{Listener, Model};
use serde::Serialize;
use std::fmt;
use std::io::Write;

use super::Options;
use elman_emulator::{Firmware, Machine, Machines, Qemu, Session};
use elman_quant::{relay, words_of};

/// "ELR1": the first word of a session.
const MAGIC: u32 = u32::from_le_bytes(*b"ELR1");
/// Words of a record before its vectors.
const HEAD_WORDS: usize = 5;
/// Words of a record after its vectors.
const EVENT_WORDS: usize = 3;

/// A stage of listening.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The samples that arrived, by their hash.
    Samples,
    /// The front end's features.
    Features,
    /// The network's scores.
    Scores,
    /// The detector's mean probabilities.
    Posteriors,
    /// The event: output, step, score.
    Event,
}

/// The first number that differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Number of the frame.
    pub frame: usize,
    /// Where.
    pub stage: Stage,
    /// Number in the stage.
    pub index: usize,
    /// The host's.
    pub host: i64,
    /// The board's.
    pub board: i64,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Difference { frame, index, host, board, .. } = self;
        let stage = match self.stage {
            Stage::Samples => "samples (hash)",
            Stage::Features => "feature",
            Stage::Scores => "score",
            Stage::Posteriors => "posterior",
            Stage::Event => "event (output, step, score)",
        };
        write!(f, "frame {frame}, {stage} {index}: host {host}, board {board}")
    }
}

/// Executed instructions a frame: the mean, and of the whole also the most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Spent {
    /// Front end, storing of samples included.
    pub front_end: f64,
    /// Network.
    pub network: f64,
    /// Detector.
    pub detector: f64,
    /// All of it in one, as the listener runs it.
    pub whole: f64,
    /// The most of any frame.
    pub most: f64,
}

/// What [`Ear::replay`] found.
#[derive(Clone, Debug, Serialize)]
pub struct ReplayReport {
    /// Name of the core.
    pub core: String,
    /// Frames run and compared.
    pub frames: u64,
    /// Frames of which a stage differs from the host's.
    pub mismatches: u64,
    /// The first difference.
    pub first: Option<Difference>,
    /// The host's events: output, step, score.
    pub events: Vec<(u16, u32, u16)>,
    /// Instructions a frame.
    pub spent: Spent,
}

/// FNV-1a over samples.
fn hashed(hash: u32, samples: &[i16]) -> u32 {
    let byte = |h: u32, b: u8| (h ^ u32::from(b)).wrapping_mul(0x0100_0193);
    samples.iter().flat_map(|s| s.to_le_bytes()).fold(hash, byte)
}

/// The stages of the frames, as the host computes them: a record each, without its ticks.
fn on_host(model: &Model<'_>, words: &[u32], samples: &[i16], block: usize) -> Result<Vec<Vec<i64>>> {
    let mut memory = vec![0; Blob::new(words).listener_words()];
    let mut listener = Listener::new(model, &mut memory).map_err(|e| anyhow::anyhow!("{e}"))?;
    let (mut sum, mut frames) = (0x811C_9DC5, Vec::new());
    for block in samples.chunks(block) {
        sum = hashed(sum, block);
        listener.push_each(block, |result| {
            let mut stages = vec![i64::from(sum)];
            stages.extend(result.features.iter().chain(result.logits).map(|x| i64::from(*x)));
            stages.extend((0..model.outputs()).map(|k| i64::from(result.detector.smoothed(k as u16).to_bits())));
            let none = Event { class: u16::MAX, step: 0, score: Probability::ZERO };
            let Event { class, step, score } = result.event.unwrap_or(none);
            stages.extend([i64::from(class), i64::from(step), score.to_bits().into()]);
            frames.push(stages);
        });
    }
    Ok(frames)
}

/// The stage that a number of a record belongs to, and its place in it.
fn stage_of(index: usize, channels: usize, outputs: usize) -> (Stage, usize) {
    let mut at = index;
    for (stage, width) in
        [(Stage::Samples, 1), (Stage::Features, channels), (Stage::Scores, outputs), (Stage::Posteriors, outputs)]
    {
        if at < width {
            return (stage, at);
        }
        at -= width;
    }
    (Stage::Event, at)
}

/// A board's record as numbers in the order of the host's.
fn unpack(record: &[u32], channels: usize, outputs: usize) -> Vec<i64> {
    let mut numbers = vec![i64::from(record[4])];
    let mut rest = &record[HEAD_WORDS..];
    for (width, signed) in [(channels, true), (outputs, true), (outputs, false)] {
        let (own, behind) = rest.split_at(vector_words(width));
        let halves = own.iter().flat_map(|w| [*w as u16, (*w >> 16) as u16]).take(width);
        numbers.extend(halves.map(|h| if signed { i64::from(h as i16) } else { i64::from(h) }));
        rest = behind;
    }
    numbers.extend(rest.iter().map(|w| i64::from(*w)));
    numbers
}

/// A core that listens in QEMU.
#[derive(Clone, Debug)]
pub struct Ear {
    core: String,
    machine: Machine,
    qemu: Qemu,
    firmware: Firmware,
}

impl Ear {
    /// Builds the firmware for `core`, which loads the model at run time.
    ///
    /// # Errors
    /// Where QEMU or the toolchain is missing, or it does not build.
    pub fn new(core: &str, options: &Options) -> Result<Self> {
        let machines = Machines::find(options.boards.as_deref())?;
        let machine = machines.get(core)?.clone();
        let qemu = Qemu::find(&machine)?;
        let firmware = Firmware::build(&machines, core, "listen", None, &[])?;
        Ok(Ear { core: core.to_owned(), machine, qemu, firmware })
    }

    /// Plays `samples` in blocks of `block` (at most a hop) through `model`, here and there, and compares every stage of
    /// every frame.
    ///
    /// # Errors
    /// Where the blob does not load or is no listener, or the firmware fails. A difference is no error, but is in the report.
    pub fn replay(&self, model: &[u8], samples: &[i16], block: usize) -> Result<ReplayReport> {
        let model = &relay::for_core(model, &self.core)?;
        let words = words_of(model)?;
        let loaded = Model::load(Blob::new(&words)).map_err(|e| anyhow::anyhow!("the blob does not load: {e}"))?;
        let audio = *loaded.audio().context("the model takes no sound")?;
        let hop = usize::from(audio.hop);
        ensure!((1..=hop).contains(&block), "blocks of {block} samples: 1 to {hop}, a hop, are possible");
        let host = on_host(&loaded, &words, samples, block)?;
        let session = Session::new(Some(model))?;
        let mut input = Vec::with_capacity(samples.len() * 2 + samples.len() / block * 4 + 8);
        for block in samples.chunks(block) {
            input.write_all(&(block.len() as u32).to_le_bytes())?;
            block.iter().for_each(|x| input.extend(x.to_le_bytes()));
        }
        std::fs::write(session.input(), &input).context("a temporary file of samples")?;
        self.qemu.run(&self.machine, &self.firmware, session.folder())?;
        let output = std::fs::read(session.output()).context("the firmware's records")?;
        let output = words_of(&output).context("the firmware's records")?;
        self.compare(&loaded, &host, &output)
    }

    fn compare(&self, model: &Model<'_>, host: &[Vec<i64>], output: &[u32]) -> Result<ReplayReport> {
        let (channels, outputs) = (model.audio().map_or(0, elman::audio::Config::features), model.outputs());
        let length = HEAD_WORDS + vector_words(channels) + 2 * vector_words(outputs) + EVENT_WORDS;
        let [magic, crc, record_words, empty, records @ ..] = output else {
            anyhow::bail!("the firmware wrote nothing");
        };
        ensure!(*magic == MAGIC, "the firmware speaks another protocol: rebuild it from this version's boards/");
        ensure!(*crc == model.crc(), "the firmware runs another model: CRC {crc:08x} instead of {:08x}", model.crc());
        ensure!(*record_words as usize == length, "records of {record_words} words instead of {length}");
        ensure!(
            records.len() == host.len() * length,
            "the firmware wrote {} words of {} frames of {length}",
            records.len(),
            host.len()
        );
        let (mut mismatches, mut first, mut spent) = (0, None, Spent::default());
        let mut events = Vec::new();
        for (frame, (ours, record)) in host.iter().zip(records.chunks_exact(length)).enumerate() {
            let theirs = unpack(record, channels, outputs);
            if let Some(at) = ours.iter().zip(&theirs).position(|(h, b)| h != b) {
                mismatches += 1;
                let (stage, index) = stage_of(at, channels, outputs);
                first.get_or_insert(Difference { frame, stage, index, host: ours[at], board: theirs[at] });
            }
            if let [.., output, step, score] = ours[..]
                && output != i64::from(u16::MAX)
            {
                events.push((output as u16, step as u32, score as u16));
            }
            let instructions = |ticks: u32| self.machine.instructions(f64::from(ticks.saturating_sub(*empty)));
            let [whole, front_end, network, detector] = [0, 1, 2, 3].map(|k| instructions(record[k]));
            spent.most = spent.most.max(whole);
            for (sum, n) in [
                (&mut spent.whole, whole),
                (&mut spent.front_end, front_end),
                (&mut spent.network, network),
                (&mut spent.detector, detector),
            ] {
                *sum += n / host.len() as f64;
            }
        }
        Ok(ReplayReport { core: self.core.clone(), frames: host.len() as u64, mismatches, first, events, spent })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use elman_quant::synthetic::sound;

    /// What the board would write, from the host's own numbers; then one bit of it changed, at each stage.
    #[test]
    fn the_first_difference_is_named_by_its_stage() {
        let blob = sound::listener(elman::audio::Config::HZ_8000, 4, 3, 1).to_blob().unwrap();
        let words = words_of(&blob).unwrap();
        let model = Model::load(Blob::new(&words)).unwrap();
        let samples = sound::samples(20_000, 1);
        let host = on_host(&model, &words, &samples, 160).unwrap();
        assert_eq!(host.len(), model.audio().unwrap().frames(samples.len()));
        let pack = |stages: &[i64]| {
            let mut record = vec![100, 50, 40, 5, stages[0] as u32];
            let mut at = 1;
            for width in [32, 3, 3] {
                let mut halves: Vec<u16> = stages[at..at + width].iter().map(|x| *x as u16).collect();
                halves.resize(vector_words(width) * 2, 0);
                record.extend(halves.chunks(2).map(|h| u32::from(h[0]) | u32::from(h[1]) << 16));
                at += width;
            }
            record.extend(stages[at..].iter().map(|x| *x as u32));
            record
        };
        let mut output = vec![MAGIC, model.crc(), pack(&host[0]).len() as u32, 2];
        host.iter().for_each(|stages| output.extend(pack(stages)));
        let machine = Machine {
            name: "test".into(),
            target: String::new(),
            cpu: String::new(),
            machine: String::new(),
            systick: 1_000_000_000 / 64,
            program: String::new(),
            qemu_cpu: None,
            options: Vec::new(),
            blob_at: None,
            room: elman_emulator::Room::default(),
        };
        let ear = Ear {
            core: "test".into(),
            machine,
            qemu: Qemu::at(""),
            firmware: Firmware { elf: std::path::PathBuf::new() },
        };
        let report = ear.compare(&model, &host, &output).unwrap();
        assert_eq!((report.mismatches, report.frames), (0, host.len() as u64));
        assert!(!report.events.is_empty());
        assert!((report.spent.whole - 98.0).abs() < 1e-6 && (report.spent.detector - 3.0).abs() < 1e-6);
        let length = pack(&host[0]).len();
        for (word, stage, index) in [
            (4, Stage::Samples, 0),
            (5, Stage::Features, 0),
            (5 + 16, Stage::Scores, 0),
            (5 + 16 + vector_words(3), Stage::Posteriors, 0),
            (length - 3, Stage::Event, 0),
            (length - 1, Stage::Event, 2),
        ] {
            let mut bad = output.clone();
            bad[4 + 7 * length + word] ^= 1;
            let first = ear.compare(&model, &host, &bad).unwrap().first.unwrap();
            assert_eq!((first.frame, first.stage, first.index), (7, stage, index), "{first}");
        }
    }
}
