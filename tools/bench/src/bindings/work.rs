//! Exported folders, compilers and their flags.

use anyhow::{Context, Result, ensure};
use elman_export::{CModel, Core, Float, Folder, make};
use std::path::Path;
use std::process::{Command, Stdio};

/// Whether a program can be run.
pub fn there(program: &str) -> bool {
    Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|s| s.success())
}

/// Runs to success; what it printed.
pub fn run(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("{:?} does not start", command.get_program()))?;
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?} failed:\n{text}");
    Ok(text.into_owned())
}

/// What the programs of bindings/c/tests are compiled with for a model.
pub fn names(model: &CModel) -> Vec<String> {
    let mut flags = vec![
        format!("-DMODEL_HEADER=\"{}.h\"", model.stem),
        format!("-DTEST_HEADER=\"{}_test.h\"", model.stem),
        format!("-DMODEL(x)={}##x", model.stem),
        format!("-DMODEL_UPPER(x)={}##x", model.upper()),
    ];
    for (yes, name) in [(model.sequence, "SEQUENCE"), (model.listens, "LISTENS"), (model.labelled(), "LABELS")] {
        if yes {
            flags.push(format!("-D{name}"));
        }
    }
    flags
}

/// Writes a model and its test.
pub fn model(to: &mut Folder, model: &CModel) -> Result<()> {
    to.write(&format!("{}.h", model.stem), model.header())?;
    to.write(&format!("{}.c", model.stem), model.source())?;
    to.write(&format!("{}_test.h", model.stem), model.test())
}

/// Compiles `sources` in an exported folder for its core, with the flags of its Makefile and these, to `to`.
pub fn firmware(folder: &Path, core: &Core, float: Float, more: &[String], sources: &[&str], to: &str) -> Result<()> {
    let mut command = Command::new(format!("{}gcc", core.gcc_prefix()));
    command.current_dir(folder).args(["-Os", "-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]);
    command.args(core.gcc_flags(float).split(' ')).args(make::FREESTANDING).args(more).args(["-o", to]);
    run(command.args(sources).args(["libelman.a", "-lgcc"])).map(drop)
}
