//! `cargo xtask prove`: runs the proofs of this package.
#![forbid(unsafe_code)]

use anyhow::{Context, Result, bail, ensure};
use elman_figures::reliability::Record;
use elman_figures::root;
use elman_proofs::domain::Effort;
use elman_proofs::{PROOFS, smt};
use lexopt::{Arg, ValueExt};
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

struct Asked {
    only: String,
    effort: Effort,
    write_docs: bool,
}

fn asked() -> Result<Asked> {
    let mut asked = Asked { only: String::new(), effort: Effort::All, write_docs: false };
    let mut parser = lexopt::Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long("only") => asked.only = parser.value()?.string()?,
            Arg::Long("short") => asked.effort = Effort::Short,
            Arg::Long("write-docs") => asked.write_docs = true,
            arg => return Err(arg.unexpected().into()),
        }
    }
    Ok(asked)
}

/// The solver, in a virtual environment of its own, installed if it is missing.
fn z3() -> Result<PathBuf> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    let venv = std::path::absolute(target)?.join("proofs-venv");
    let bin = venv.join("bin");
    if !bin.join("z3").is_file() {
        eprintln!("installing z3 into {}", venv.display());
        let run = |command: &mut Command, what: &str| -> Result<()> {
            let status = command.stdout(Stdio::null()).status().with_context(|| format!("no {what}"))?;
            ensure!(status.success(), "{what} failed");
            Ok(())
        };
        run(Command::new("python3").args(["-m", "venv"]).arg(&venv), "python3 with its venv module")?;
        let list = root().join("tests/proofs/requirements.txt");
        run(Command::new(bin.join("pip")).args(["install", "--quiet", "-r"]).arg(list), "pip install z3-solver")?;
    }
    Ok(bin.join("z3"))
}

fn run() -> Result<ExitCode> {
    let Asked { only, effort, write_docs } = asked()?;
    let (mut proved, mut failed) = (0, 0);
    let begun = Instant::now();
    let mut say = |name: &str, claim: &str, outcome: Result<String, String>, seconds: f64| match outcome {
        Ok(found) => {
            proved += 1;
            println!("{name} ({seconds:.1} s): {claim}\n    {found}");
        }
        Err(e) => {
            failed += 1;
            println!("{name}: NOT PROVED: {claim}\n    {e}");
        }
    };
    for proof in PROOFS.iter().copied().flatten().filter(|p| p.name.contains(&only)) {
        let start = Instant::now();
        let outcome = (proof.check)(effort).and_then(|found| match (proof.control)(effort) {
            Err(at) => Ok(format!("{found}; the planted fault is found ({at})")),
            Ok(_) => Err("a planted fault is not found".to_owned()),
        });
        say(proof.name, proof.claim, outcome, start.elapsed().as_secs_f64());
    }
    let name = |file: &PathBuf| file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let files: Vec<PathBuf> = smt::files()?.into_iter().filter(|f| name(f).contains(&only)).collect();
    if !files.is_empty() {
        let z3 = z3()?;
        for file in files {
            let (text, start) = (std::fs::read_to_string(&file)?, Instant::now());
            say(&name(&file), smt::claim(&text), smt::check(&z3, &file), start.elapsed().as_secs_f64());
        }
    }
    let seconds = begun.elapsed().as_secs_f64();
    println!("{proved} proved, {failed} not, in {seconds:.0} s");
    if proved + failed == 0 {
        bail!("no proof has {only:?} in its name");
    }
    if write_docs {
        ensure!(only.is_empty() && effort == Effort::All && failed == 0, "only a whole run that proves all is written");
        Record::of("arithmetic", &["src"])?
            .write(&format!("{proved} proofs, each with a planted fault that is found; {seconds:.0} s"))?;
    }
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn main() -> ExitCode {
    run().unwrap_or_else(|e| {
        eprintln!("error: {e:#}");
        ExitCode::FAILURE
    })
}
