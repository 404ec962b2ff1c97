//! `import`: models of PyTorch, ONNX and Keras in, and elman's out.

use anyhow::{Context, Result, ensure};
use elman_figures::root;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use crate::bench;
use crate::flags::{Flags, unknown};

/// Flags of `import`.
pub const FLAGS: &str = "  \
      --python PATH  Make the models again with this Python, which has tests/import/requirements.txt, and run what elman
                     exports in onnxruntime; without it, the models that are stored are read";

/// Reads every stored model and compares outputs; with a Python, makes them first and checks exports.
///
/// # Errors
/// Where a flag is wrong, or something fails.
pub fn run(mut flags: Flags) -> Result<ExitCode> {
    let mut python: Option<PathBuf> = None;
    while let Some(name) = flags.next()? {
        match name.as_str() {
            "python" => python = Some(flags.value()?),
            _ => return Err(unknown(&name)),
        }
    }
    let python = python.map(|path| std::path::absolute(&path).unwrap_or(path));
    let script = |name: &str| root().join("tests/import").join(name);
    if let Some(python) = &python {
        succeed(Command::new(python).arg(script("make_models.py")))?;
    }
    let exported = root().join("target/exported");
    let mut test = bench::cargo();
    test.current_dir(root()).args(["test", "--release", "-p", "elman-import", "--", "--nocapture"]);
    if python.is_some() {
        test.env("ELMAN_EXPORTED", &exported);
    }
    succeed(&mut test)?;
    if let Some(python) = &python {
        succeed(Command::new(python).arg(script("check_exports.py")).arg(&exported))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn succeed(command: &mut Command) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let status = command.status().with_context(|| format!("{name} does not start"))?;
    ensure!(status.success(), "{name} failed");
    Ok(())
}
