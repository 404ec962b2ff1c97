//! `size`: flash of the inference firmware by parts, from its symbols, for several sets of operations, and RAM of a stream.

use anyhow::{Context, Result, ensure};
use elman::blob::Blob;
use elman_emulator::{Firmware, Machines, Qemu};
use elman_quant::words_of;
use object::{Object, ObjectSection, ObjectSymbol, SectionKind};
use std::process::ExitCode;

use crate::panic_free::{LEVELS, blob, build};
use elman_figures::{Figures, Output};

const CORE: &str = "m4";

/// Parts of the firmware, and what the names of their symbols contain; the first that fits has it.
const PARTS: &[(&str, &[&str])] = &[
    ("weights", &["BLOB"]),
    ("front end", &["panic_free::features", "elman::audio", "kernel::fft", "arith::log2"]),
    (
        "step",
        &[
            "panic_free::infer",
            "elman::net::",
            "gru::SPEC::{closure#0}",
            "lstm::step",
            "kernel::copy",
            "dense::SPEC::{closure#0}",
            "dsp::",
            "arith::",
            "__aeabi_mem",
            "compiler_builtins::mem",
        ],
    ),
    (
        "loading",
        &[
            "panic_free::load",
            "elman::blob",
            "elman::record",
            "elman::descriptor",
            "elman::plan",
            "elman::wiring",
            "heapless",
            "core::str",
        ],
    ),
    ("other cells and layers", &["elman::cell", "elman::layer"]),
];
/// Start-up, main, and what has no name of its own.
const REST: &str = "the rest";

/// Sets of operations, what they are called, and the cell of the network.
const SETS: [(&str, &str, &str); 3] =
    [("GRU only", "gru", "gru"), ("LSTM only", "lstm", "lstm"), ("everything", "all", "gru")];
/// Features that add formats of weights to a set.
const FORMATS: [&str; 2] = ["int4", "int2"];

/// Measures the firmware boards/panic-free, a cell of 64 units and a dense layer after the front end.
///
/// # Errors
/// Where it cannot be built or read.
pub fn run(output: &Output) -> Result<ExitCode> {
    let machines = Machines::find(None)?;
    let mut figures = Figures::new("size");
    figures.line("Firmware of a cell (32, 64) and dense layer after the front end, Cortex-M4F, bytes");
    for (name, set, cell) in SETS {
        let words = words_of(&blob(CORE, cell)?)?;
        let said = Blob::new(&words).memory_words() * 4;
        // The GRU's figures have no prefix.
        let prefix = if set == "gru" { String::new() } else { format!("{set}-") };
        for level in LEVELS {
            let firmware = build(&machines, CORE, cell, level, &["--no-default-features", "--features", set])?;
            let Sizes { parts, flash, memory } = measure(&firmware)?;
            ensure!(memory == said as u64, "MEMORY has {memory} bytes, memory_words says {said}");
            figures.line(format!("{name}, opt-level {level}"));
            let named: u64 = parts.iter().sum();
            for ((part, _), bytes) in PARTS.iter().zip(&parts).skip(1) {
                figures.line(format!("  {part:<24}{bytes:>8}"));
                figures.add(format!("{prefix}{}-{level}", part.replace(' ', "-")), *bytes as f64);
            }
            figures.line(format!("  {REST:<24}{:>8}", flash.saturating_sub(named)));
            figures.line(format!("  all but weights         {:>8}", flash.saturating_sub(parts[0])));
            let plain = flash.saturating_sub(parts[0]);
            figures.add(format!("{prefix}flash-{level}"), plain as f64);
            for format in FORMATS.iter().filter(|_| set != "all") {
                let features = format!("{set},{format}");
                let firmware =
                    build(&machines, CORE, cell, level, &["--no-default-features", "--features", &features])?;
                let Sizes { parts, flash, .. } = measure(&firmware)?;
                let added = flash.saturating_sub(parts[0]).saturating_sub(plain);
                figures.line(format!("  {format} in addition{:>12}", added));
                figures.add(format!("{prefix}{format}-{level}"), added as f64);
            }
        }
        figures.line(format!("RAM of the stream: {said} bytes, as memory_words says"));
        figures.add(format!("{prefix}ram"), said as f64);
    }
    slots(&machines, &mut figures)?;
    figures.finish(output)
}

/// Cores on which a start is counted that checks a model, and a clock that chips with them have, in MHz.
const CHECKED: [(&str, f64); 2] = [("m0", 48.0), ("m4", 64.0)];

/// What slots for models and their signatures take of flash, and how many instructions a start takes to check a model.
fn slots(machines: &Machines, figures: &mut Figures) -> Result<()> {
    figures.line("Slots for models (boards/panic-free/src/bin/receiver.rs), opt-level s, and a start that checks one");
    for (core, mhz) in CHECKED {
        let machine = machines.get(core)?;
        let mut bytes = [0; 2];
        for (bytes, features) in bytes.iter_mut().zip(["slots", "signed"]) {
            let arguments = ["--package", "panic-free", "--no-default-features", "--features", features];
            *bytes = measure(&Firmware::build(machines, core, "receiver", None, &arguments)?)?.flash;
        }
        let firmware = Firmware::build(machines, core, "seal", None, &["--features", "seal"])?;
        let folder = tempfile::tempdir().context("a temporary folder")?;
        let said = Qemu::find(machine)?.run(machine, &firmware, folder.path())?;
        let mut ticks = said.split_whitespace().filter_map(|word| word.parse::<f64>().ok());
        let mut next = || ticks.next().map(|ticks| machine.instructions(ticks)).context("the firmware said no ticks");
        let (hash, signature) = (next()?, next()?);
        figures.line(format!(
            "  {core}: firmware with unsigned slots {} bytes, with signed ones {}; a KB hashed {:.0} instructions, a signature checked \
             {:.0}: {:.2} s at {mhz} MHz, an instruction a cycle",
            bytes[0],
            bytes[1],
            hash,
            signature,
            signature / mhz / 1e6
        ));
        figures.add(format!("slots-{core}"), bytes[0] as f64);
        figures.add(format!("slots-signed-{core}"), bytes[1] as f64);
        figures.add(format!("signature-{core}"), signature);
    }
    Ok(())
}

/// What a firmware takes.
struct Sizes {
    /// Bytes of each of [`PARTS`].
    parts: Vec<u64>,
    flash: u64,
    memory: u64,
}

fn measure(firmware: &Firmware) -> Result<Sizes> {
    let elf = std::fs::read(&firmware.elf).with_context(|| firmware.elf.display().to_string())?;
    let file = object::File::parse(elf.as_slice()).context("the firmware is no ELF file")?;
    let flash: u64 = file
        .sections()
        .filter(|s| matches!(s.kind(), SectionKind::Text | SectionKind::ReadOnlyData | SectionKind::Data))
        .map(|s| s.size())
        .sum();
    let mut parts = vec![0u64; PARTS.len()];
    let mut memory = 0;
    for symbol in file.symbols().filter(|s| s.size() > 0) {
        let name = format!("{:#}", rustc_demangle::demangle(symbol.name().unwrap_or_default()));
        let section = symbol.section_index().and_then(|s| file.section_by_index(s).ok());
        match section.map(|s| s.kind()) {
            Some(SectionKind::Text | SectionKind::ReadOnlyData) => {
                if let Some(part) = PARTS.iter().position(|(_, names)| names.iter().any(|n| name.contains(n))) {
                    parts[part] += symbol.size();
                }
            }
            // The flag of the cell that hands the memory out is no memory of the stream.
            Some(SectionKind::UninitializedData) if name.contains("MEMORY") => memory = symbol.size() / 4 * 4 - 4,
            _ => {}
        }
    }
    Ok(Sizes { parts, flash, memory })
}
