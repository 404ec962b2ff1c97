//! `bench listen`: what listening takes of a small chip: instructions a second, RAM, flash, on the emulated Cortex-M4 at
//! 16 kHz.

use anyhow::{Context, Result, ensure};
use elman::audio::{Config, Pcen};
use elman::blob::Blob;
use elman::{Listener, Model};
use elman_emulator::{Firmware, Machines, Qemu};
use elman_listen::{Budget, Cost};
use elman_quant::model::ModelFile;
use elman_quant::synthetic::sound;
use elman_quant::words_of;
use elman_verify::{Bench, Options};
use object::{Object, ObjectSection, ObjectSymbol, SectionKind};
use std::path::PathBuf;

use elman_figures::{Figures, Output};

const CORE: &str = "m4";
/// The front end of the recipe asc_kws-stream.
const HEARS: Config = Config { hop: 400, pcen: Some(Pcen::SPEECH), ..Config::HZ_16000 };
/// The clock that shares are of, in Hz.
const CLOCK: u32 = 64_000_000;
/// Seconds of sound.
const SECONDS: usize = 20;
/// Samples in a block of the worst case: 64 ms.
const BLOCK: usize = 1024;

/// Arguments of `bench listen`.
#[derive(Clone, Debug, Default, clap::Args)]
#[group(id = "bench-listen")]
pub struct Args {
    /// A blob with a detector, or a run folder; by default the recipe asc_kws-stream's network (a GRU of 128 units, twelve outputs) and front end, with
    /// random weights
    #[arg(long, value_name = "MODEL")]
    model: Option<PathBuf>,
    /// How many bytes each operation adds to the firmware with a GRU and PCEN
    #[arg(long)]
    parts: bool,
    #[command(flatten)]
    pub output: Output,
}

/// What the names of functions contain that load a blob.
const LOADING: &[&str] = &[
    "listener::load",
    "elman::blob",
    "elman::record",
    "elman::descriptor",
    "elman::plan",
    "elman::wiring",
    "heapless",
    "core::str",
];
/// Bytes of code and tables that a firmware that listens with a GRU may have: 24 KB.
const AIM: u64 = 24 * 1024;

/// Bytes of flash, of the model's blob, of loading and of statics of an ELF file.
fn sections(elf: &[u8]) -> Result<[u64; 4]> {
    let file = object::File::parse(elf).context("the firmware is no ELF file")?;
    let of = |kinds: &[SectionKind]| file.sections().filter(|s| kinds.contains(&s.kind())).map(|s| s.size()).sum();
    let flash: u64 = of(&[SectionKind::Text, SectionKind::ReadOnlyData, SectionKind::Data]);
    let statics: u64 = of(&[SectionKind::Data, SectionKind::UninitializedData]);
    let blob = file
        .symbols()
        .filter(|s| format!("{:#}", rustc_demangle::demangle(s.name().unwrap_or_default())).contains("BLOB"))
        .filter(|s| s.size() > 64)
        .map(|s| s.size())
        .max()
        .context("the firmware has no blob")?;
    let loading = file
        .symbols()
        .filter(|s| s.size() > 0 && s.kind() == object::SymbolKind::Text)
        .filter(|s| {
            let name = format!("{:#}", rustc_demangle::demangle(s.name().unwrap_or_default()));
            LOADING.iter().any(|part| name.contains(part))
        })
        .map(|s| s.size())
        .sum();
    Ok([flash - blob, blob, loading, statics])
}

/// Smaller chips that listen with a GRU of [`UNITS`] units: core, front end, clock in Hz.
const SMALL: [(&str, Config, u32); 2] = [
    ("m0", Config { hop: 200, pcen: Some(Pcen::SPEECH), ..Config::HZ_8000 }, 48_000_000),
    ("m0", Config { hop: 400, pcen: Some(Pcen::SPEECH), ..Config::HZ_16000 }, 125_000_000),
];
const UNITS: usize = 32;

/// Whether a core keeps up with the sound, by the frame that takes the most.
fn small(core: &str, config: &Config, clock: u32, figures: &mut Figures) -> Result<()> {
    let blob = sound::listener(*config, UNITS, 12, 5).to_blob_for(core)?;
    let samples = sound::samples(SECONDS * config.sample_rate as usize, 9);
    let report = Bench::new(&Options::default(), core, None)?.replay(&blob, &samples, config.hop.into())?;
    ensure!(report.mismatches == 0, "the {core} differs from the host: {:?}", report.first);
    let per_second = report.spent.most * f64::from(config.sample_rate) / f64::from(config.hop);
    let share = 100.0 * per_second / f64::from(clock);
    figures.line(format!(
        "{core}, {} Hz, {UNITS} units: at most {:.0} instructions in a frame of {} ms, {share:.1} % of {} MHz at one a cycle",
        config.sample_rate,
        report.spent.most,
        u32::from(config.hop) * 1000 / config.sample_rate,
        clock / 1_000_000
    ));
    figures.add(format!("{core}-{}-percent-of-{}-mhz", config.sample_rate, clock / 1_000_000), share);
    Ok(())
}

/// Counts and measures.
pub fn run(args: &Args) -> Result<Figures> {
    let blob = match &args.model {
        Some(path) => ModelFile::read(path)?.bytes(),
        None => sound::listener(HEARS, 128, 12, 5).to_blob()?,
    };
    let words = words_of(&blob)?;
    let model = Model::load(Blob::new(&words)).map_err(|e| anyhow::anyhow!("{e}"))?;
    let audio = *model.audio().context("the model reads no sound")?;
    let machines = Machines::find(None)?;
    let mut figures = Figures::new("bench-listen");
    figures.line(format!(
        "{}: {} Hz, {} outputs, on the {} in QEMU (instructions are exact, cycles are not known)",
        model.name(),
        audio.sample_rate,
        model.outputs(),
        machines.get(CORE)?.name
    ));

    let samples = sound::samples(SECONDS * audio.sample_rate as usize, 9);
    let report = Bench::new(&Options::default(), CORE, None)?.replay(&blob, &samples, audio.hop.into())?;
    ensure!(report.mismatches == 0, "the chip differs from the host: {:?}", report.first);
    let (s, silence) = (report.spent, report.spent_in_silence);
    let cost = Cost { front_end: s.front_end as u32, network: s.network as u32, detector: s.detector as u32 };
    let mut memory = vec![0; Blob::new(&words).listener_words()];
    let listener = Listener::new(&model, &mut memory).map_err(|e| anyhow::anyhow!("{e}"))?;
    let Budget { per_second, frames_per_block, per_block } = cost.budget(listener.audio(), BLOCK);
    let share = 100.0 * per_second as f64 / f64::from(CLOCK);
    figures.line(format!(
        "instructions in a frame of sound: front end {:.0}, network {:.0}, detector {:.0}; all in one {:.0}, at most {:.0}",
        s.front_end, s.network, s.detector, s.whole, s.most
    ));
    figures.line(format!(
        "in a frame of digital silence, which {} of {} are: front end {:.0}, all in one {:.0}",
        report.silent_frames, report.frames, silence.front_end, silence.whole
    ));
    figures
        .line(format!("instructions a second: {per_second}: {share:.2} % of {} MHz at one a cycle", CLOCK / 1_000_000));
    figures
        .line(format!("worst case of a block of {BLOCK} samples: {frames_per_block} frames, {per_block} instructions"));
    figures.add("front-end", s.front_end);
    figures.add("network", s.network);
    figures.add("detector", s.detector);
    figures.add("percent-of-64-mhz", share);

    for (core, config, clock) in SMALL {
        small(core, &config, clock, &mut figures)?;
    }

    let file = tempfile::Builder::new().suffix(".elman").tempfile().context("a temporary file for the blob")?;
    std::fs::write(file.path(), &blob).context("a temporary file for the blob")?;
    let budget = Firmware::build(&machines, CORE, "budget", Some(file.path()), &["--features", "budget"])?;
    let said = Qemu::find(machines.get(CORE)?)?.run(machines.get(CORE)?, &budget, std::env::temp_dir().as_path())?;
    let numbers: Vec<usize> = said.split_whitespace().map_while(|w| w.parse().ok()).collect();
    let [states, object, stack] = numbers[..] else { anyhow::bail!("the firmware printed {said:?}") };
    figures.line(format!(
        "RAM: {states} bytes of states, as listener_words says, {stack} bytes of stack (with the loaded model's {object}): {}",
        states + stack
    ));
    figures.add("ram", (states + stack) as f64);

    let build = |set: &str| -> Result<[u64; 4]> {
        let level = "profile.release.opt-level=\"s\"";
        let more = ["--package", "panic-free", "--config", level, "--no-default-features", "--features", set];
        let firmware = Firmware::build(&machines, CORE, "listener", Some(file.path()), &more)?;
        sections(&std::fs::read(&firmware.elf).with_context(|| firmware.elf.display().to_string())?)
    };
    for (what, set, name) in FIRMWARE {
        let [code, weights, loading, statics] = build(set)?;
        figures.line(format!(
            "flash with {what}: {code} bytes of code and tables{}, {loading} of them to load the model ({} without), and {weights} of model; statics {statics} bytes",
            if name == "flash" { format!(" (at most {AIM})") } else { String::new() },
            code - loading
        ));
        figures.add(name, code as f64);
        if name == "flash" {
            figures.add("flash-without-loading", (code - loading) as f64);
        }
    }
    if args.parts {
        let [least, ..] = build(LEAN)?;
        for part in PARTS {
            let [code, ..] = build(&format!("{LEAN},{part}"))?;
            figures.line(format!("  with `{part}` too {:>6} bytes more", code as i64 - least as i64));
        }
    }
    Ok(figures)
}

/// Operations that a firmware with a GRU and PCEN can have in addition.
const PARTS: [&str; 22] = [
    "srn",
    "lstm",
    "residual",
    "tree-lstm",
    "min-gru",
    "min-lstm",
    "li-gru",
    "fast-grnn",
    "low-rank",
    "pool",
    "symbols",
    "delay",
    "norm",
    "stride",
    "depthwise",
    "backward",
    "feedback",
    "scaling",
    "spectral-subtraction",
    "cepstrum",
    "structures",
    "all",
];

/// A firmware with every operation, and one with those that the model needs: what it is called, its features, and its
/// figure.
const FIRMWARE: [(&str, &str, &str); 2] =
    [("everything", "all", "flash-everything"), ("a GRU, PCEN and a dense layer", LEAN, "flash")];
/// The operations that the recipe's model needs.
const LEAN: &str = "gru,pcen";
