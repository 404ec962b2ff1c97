//! Emulated cores: the example's bits, and flash and instructions next to the firmware in Rust.

use anyhow::{Context, Result, ensure};
use elman::{Blob, Model};
use elman_emulator::{Firmware, Machines, Qemu};
use elman_export::{CModel, Core, Float, Folder, Libraries, library, make};
use elman_figures::{Figures, root};
use elman_integer::synthetic::{self, Drive};
use elman_integer::{repack, words_of};
use elman_verify::{Bench, Inputs, Options, compare};
use object::{Object, ObjectSection, SectionKind};
use std::path::Path;

use super::work;

const STEPS: usize = 60;

/// Golden models whose examples run on the M4: streams, a sequence, one that reads symbols, one that listens. On other cores it is the
/// first two, in the short form the first.
const EXAMPLES: [&str; 6] = ["gru", "both-ways", "lstm", "language", "sensors", "listens"];

/// The examples of golden models, as exported, give this machine's bits.
pub fn example(figures: &mut Figures, core: &'static Core, float: Float, short: bool) -> Result<()> {
    let machines = Machines::find(None)?;
    let machine = machines.get(core.name)?;
    let count = if short {
        1
    } else if core.name == "m4" {
        EXAMPLES.len()
    } else {
        2
    };
    for name in &EXAMPLES[..count] {
        let blob = std::fs::read(root().join("tests/golden").join(name).with_extension("elman"))?;
        let model = CModel::new(&blob, core)?;
        let folder = tempfile::tempdir().context("a temporary folder")?;
        make::write(folder.path(), &model, core, float, &Libraries::Sources)?;
        let source = format!("{}.c", model.stem);
        work::firmware(
            folder.path(),
            core,
            float,
            &[],
            &["example/main.c", "example/startup.c", &source],
            "example.elf",
        )?;
        let firmware = Firmware { elf: folder.path().join("example.elf") };
        let printed = Qemu::find(machine)?.run(machine, &firmware, folder.path())?;
        ensure!(printed.starts_with("bit for bit"), "{name} on {}: {printed}", core.name);
    }
    figures.line(format!("{}: {count} exported example(s) run, bit for bit", machine.name));
    Ok(())
}

/// A GRU and a dense layer: 64 units, on the smallest core 16.
fn network(core: &Core) -> elman_integer::IntegerModel {
    let (inputs, units) = if core.name == "m0" { (16, 16) } else { (32, 64) };
    synthetic::model("gru", inputs, units, 10, Drive::Ordinary, 7)
}

/// Flash and instructions of a step, in C and in Rust.
pub fn measure(figures: &mut Figures, core: &'static Core, float: Float) -> Result<()> {
    let blob = network(core).to_blob_for(core.name)?;
    let model = CModel::with_test(&blob, core, STEPS)?;
    let folder = tempfile::tempdir().context("a temporary folder")?;
    make::write(folder.path(), &model, core, float, &Libraries::Sources)?;
    let instructions = [c_instructions(folder.path(), &model, core, float)?, rust_instructions(&blob, core, &model)?];
    let flash = [c_flash(folder.path(), &model, core, float)?, rust_flash(&blob, core)?];
    let code = flash.map(|bytes| bytes - model.bytes() as f64);
    for (what, [c, rust]) in
        [("instructions a step", instructions), ("bytes of flash", flash), ("of them no weights", code)]
    {
        let percent = (c / rust - 1.0) * 100.0;
        figures.line(format!("{:<4} {what:<20} C {c:>8.0}  Rust {rust:>8.0}  {percent:+.2} %", core.name));
        let name = match what {
            "bytes of flash" => "flash",
            "of them no weights" => "code",
            _ => "step",
        };
        figures.add(format!("{name}-percent-{}", core.name), (percent * 100.0).round() / 100.0);
    }
    Ok(())
}

/// Counted by SysTick around elman_step().
fn c_instructions(folder: &Path, model: &CModel, core: &Core, float: Float) -> Result<f64> {
    std::fs::copy(library::sources()?.join("tests/measure.c"), folder.join("measure.c"))?;
    let mut flags = work::names(model);
    flags.extend(["-I.".to_owned()]);
    let source = format!("{}.c", model.stem);
    work::firmware(folder, core, float, &flags, &["measure.c", "example/startup.c", &source], "measure.elf")?;
    let machines = Machines::find(None)?;
    let machine = machines.get(core.name)?;
    let firmware = Firmware { elf: folder.join("measure.elf") };
    let printed = Qemu::find(machine)?.run(machine, &firmware, folder)?;
    let ticks: f64 = printed.trim().strip_prefix("ticks ").and_then(|t| t.parse().ok()).context(printed.clone())?;
    Ok(machine.instructions(ticks / STEPS as f64))
}

/// Counted by SysTick around `Stream::step`, in the firmware of `cargo xtask bench mcu`, on the same frames.
fn rust_instructions(blob: &[u8], core: &Core, model: &CModel) -> Result<f64> {
    let bench = Bench::new(&Options::default(), core.name, None)?;
    let words = words_of(blob)?;
    let loaded = Model::load(Blob::new(&words)).map_err(|e| anyhow::anyhow!("{e}"))?;
    let report = compare(&mut bench.device(Some(blob)), &loaded, &Inputs::of(&[model.test_frames().to_vec()]))?;
    ensure!(report.bit_exact(), "Rust on {} is not bit-exact", core.name);
    Ok(report.instructions)
}

/// Code and constants of a firmware without its vectors, whose number is the chip's.
fn flash(elf: &Path) -> Result<f64> {
    let bytes = std::fs::read(elf).with_context(|| elf.display().to_string())?;
    let file = object::File::parse(bytes.as_slice()).context("the firmware is no ELF file")?;
    let sizes = file.sections().filter(|s| !s.name().is_ok_and(|n| n == ".vector_table")).filter_map(|s| {
        matches!(s.kind(), SectionKind::Text | SectionKind::ReadOnlyData | SectionKind::Data).then(|| s.size())
    });
    Ok(sizes.sum::<u64>() as f64)
}

fn c_flash(folder: &Path, model: &CModel, core: &Core, float: Float) -> Result<f64> {
    let mut to = Folder::new(folder)?;
    to.write("flash.c", std::fs::read(library::sources()?.join("tests/flash.c"))?)?;
    let source = format!("{}.c", model.stem);
    let mut flags = work::names(model);
    flags.extend(["-I.".to_owned(), "-Ddata_load=0".to_owned()]);
    work::firmware(folder, core, float, &flags, &["flash.c", &source], "flash.elf")?;
    flash(&folder.join("flash.elf"))
}

fn rust_flash(blob: &[u8], core: &Core) -> Result<f64> {
    let file = tempfile::Builder::new().suffix(".elman").tempfile().context("a temporary file for the blob")?;
    let blob = repack::for_core(blob, core.name)?;
    std::fs::write(file.path(), &blob)?;
    let arguments = ["--package", "panic-free", "--no-default-features", "--features", "gru"];
    let firmware = Firmware::build(&Machines::find(None)?, core.name, "stream", Some(file.path()), &arguments)?;
    flash(&firmware.elf)
}
