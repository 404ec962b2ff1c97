//! Emulated cores: the stack that each function of the library takes, and a listener's events.

use anyhow::{Context, Result, ensure};
use elman_emulator::{Firmware, Machines, Qemu};
use elman_export::{CModel, Core, Float, Libraries, library, make};
use elman_figures::{Figures, root};
use elman_integer::synthetic;
use std::fmt::Write;

use super::{host, work};

/// Golden models: a stream, a sequence, and one that listens.
const MODELS: [&str; 3] = ["gru", "both-ways", "listens"];

/// Paints the stack on a core, and runs every kind of model.
pub fn check(figures: &mut Figures, core: &'static Core, float: Float) -> Result<()> {
    let machines = Machines::find(None)?;
    let machine = machines.get(core.name)?;
    let mut most = Vec::<(String, usize)>::new();
    let mut events = 0;
    for name in MODELS {
        let blob = std::fs::read(root().join("tests/golden").join(name).with_extension("elman"))?;
        let model = CModel::with_test(&blob, core, 8)?;
        let folder = tempfile::tempdir().context("a temporary folder")?;
        make::write(folder.path(), &model, core, float, &Libraries::Sources)?;
        std::fs::copy(library::sources()?.join("tests/stack.c"), folder.path().join("stack.c"))?;
        if model.listens {
            std::fs::write(folder.path().join("samples.h"), samples(&synthetic::sound::samples(host::SAMPLES, 3)))?;
        }
        let mut flags = work::names(&model);
        flags.push("-I.".to_owned());
        let source = format!("{}.c", model.stem);
        work::firmware(folder.path(), core, float, &flags, &["stack.c", "example/startup.c", &source], "stack.elf")?;
        let firmware = Firmware { elf: folder.path().join("stack.elf") };
        let printed = Qemu::find(machine)?.run(machine, &firmware, folder.path())?;
        let mut found = Vec::new();
        for line in printed.lines() {
            let (what, rest) = line.split_once(' ').unwrap_or((line, ""));
            match (what, rest.parse::<usize>()) {
                ("event", _) => found.push(rest.to_owned()),
                (_, Ok(bytes)) => match most.iter_mut().find(|(name, _)| name == what) {
                    Some((_, most)) => *most = bytes.max(*most),
                    None => most.push((what.to_owned(), bytes)),
                },
                _ => anyhow::bail!("{name} on {}: {printed}", core.name),
            }
        }
        let expected = host::events(&model, &blob)?;
        ensure!(found == expected, "{name} on {}: events {found:?}, by Rust {expected:?}", core.name);
        events += found.len();
    }
    ensure!(events > 0 && most.len() == 6, "{}: {events} events, {most:?}", core.name);
    let said: Vec<String> = most.iter().map(|(what, bytes)| format!("{what} {bytes}")).collect();
    figures.line(format!(
        "{:<4} bytes of stack: {}; {events} events of a listener as by Rust",
        core.name,
        said.join(", ")
    ));
    for (what, bytes) in most {
        figures.add(format!("stack-{what}-{}", core.name), bytes as f64);
    }
    Ok(())
}

/// Samples as an array of C.
fn samples(values: &[i16]) -> String {
    let mut text = "#include <stdint.h>\nstatic const int16_t samples[] = {\n".to_owned();
    for row in values.chunks(20) {
        let row: Vec<String> = row.iter().map(ToString::to_string).collect();
        // Writing to a string does not fail.
        let _ = writeln!(text, "    {},", row.join(", "));
    }
    text + "};\n"
}
