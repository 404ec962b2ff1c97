//! The library on this machine: warnings of all compilers, bits of the golden models, events of a listener.

use anyhow::{Context, Result, ensure};
use elman::{Blob, Listener, Model};
use elman_export::{CModel, Core, Folder, HEADER, library};
use elman_figures::{Figures, root};
use elman_integer::{synthetic, words_of};
use std::path::Path;
use std::process::Command;

use super::work;

/// Steps of each model's test.
const STEPS: usize = 300;

/// Samples of sound for a listener.
pub const SAMPLES: usize = 32_000;

/// Compilers, with the language and its standard.
const COMPILERS: [[&str; 3]; 4] =
    [["gcc", "c", "c99"], ["g++", "c++", "c++11"], ["clang", "c", "c99"], ["clang++", "c++", "c++11"]];

/// Every warning is an error.
const WARNINGS: [&str; 6] = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror"];

pub fn check(figures: &mut Figures) -> Result<()> {
    let compilers: Vec<_> = COMPILERS.iter().filter(|[name, ..]| work::there(name)).collect();
    if compilers.is_empty() {
        figures.line("no compiler of C here: the library did not run on this machine");
        return Ok(());
    }
    let folder = tempfile::tempdir().context("a temporary folder")?;
    let mut to = Folder::new(folder.path())?;
    to.write("libelman.a", library::host()?)?;
    to.write("elman.h", HEADER)?;
    to.write("samples.raw", bytes_of(&synthetic::sound::samples(SAMPLES, 3)))?;
    let (mut models, mut steps, mut events) = (0, 0, 0);
    let mut names: Vec<_> = std::fs::read_dir(root().join("tests/golden"))?.flatten().map(|f| f.path()).collect();
    names.sort();
    for path in names.iter().filter(|path| path.extension().is_some_and(|e| e == "elman")) {
        let blob = std::fs::read(path)?;
        // Encoder-decoders, trees and graphs do not run from C.
        let Ok(model) = CModel::with_test(&blob, Core::find("m4")?, STEPS) else { continue };
        work::model(&mut to, &model)?;
        for (k, compiler) in compilers.iter().enumerate() {
            // All of them compile the first model, one the others.
            if k == 0 || models == 0 || model.listens {
                events = one(folder.path(), compiler, &model, &blob)?.max(events);
            }
        }
        models += 1;
        steps += model.test_steps();
    }
    ensure!(models >= 15 && events > 0, "{models} models and {events} events are too few");
    let names: Vec<&str> = compilers.iter().map(|[name, ..]| *name).collect();
    figures.line(format!(
        "this machine: {models} golden models, {steps} steps bit for bit, {events} events of a listener; no warning of {}",
        names.join(", ")
    ));
    Ok(())
}

/// Compiles and runs the check of a model; how many events its listener gave, which are those of Rust.
fn one(folder: &Path, [compiler, language, standard]: &[&str; 3], model: &CModel, blob: &[u8]) -> Result<usize> {
    let source = library::sources()?.join("tests/check.c");
    let mut command = Command::new(compiler);
    command.current_dir(folder).args(["-O1", "-x", language, &format!("-std={standard}")]).args(WARNINGS);
    command.args(work::names(model)).args(["-I.", "-o", "check"]).arg(source).arg(format!("{}.c", model.stem));
    work::run(command.args(["-x", "none", "libelman.a", "-Wl,--gc-sections"]))?;
    let printed = work::run(Command::new(folder.join("check")).arg(folder.join("samples.raw")))?;
    let lines: Vec<&str> = printed.lines().collect();
    ensure!(lines.last() == Some(&"ok"), "{} by {compiler}: {printed}", model.name);
    let expected = events(model, blob)?;
    ensure!(
        lines[..lines.len() - 1] == expected,
        "{} by {compiler}: events {lines:?}, by Rust {expected:?}",
        model.name
    );
    Ok(expected.len())
}

/// A listener's events as check.c and stack.c print them.
pub fn events(model: &CModel, blob: &[u8]) -> Result<Vec<String>> {
    if !model.listens {
        return Ok(Vec::new());
    }
    let words = words_of(blob)?;
    let loaded = Model::load(Blob::new(&words)).map_err(|e| anyhow::anyhow!("{e}"))?;
    let mut memory = vec![0; Blob::new(&words).listener_words()];
    let mut listener = Listener::new(&loaded, &mut memory).map_err(|e| anyhow::anyhow!("{e}"))?;
    let samples = synthetic::sound::samples(SAMPLES, 3);
    let line = |block: &[i16]| {
        let event = listener.push(block)?;
        let (score, at) = (event.score.to_bits(), listener.milliseconds(&event));
        Some(format!("{} {} {score} {at}", event.class, event.step))
    };
    Ok(samples.chunks(160).filter_map(line).collect())
}

fn bytes_of(samples: &[i16]) -> Vec<u8> {
    samples.iter().flat_map(|s| s.to_le_bytes()).collect()
}
