//! Networks of other frameworks: imported and quantized in one call.

use std::path::PathBuf;

use elman_pipeline::run::RunFolder;
use elman_tools::cmd::import::{Cmd, Report};
use elman_tools::cmd::quantize;
use elman_tools::ui::Ui;
use pyo3::prelude::*;

use crate::error;

/// Imports the network of a file into the run folder `run` and quantizes it; `frames` are a folder of examples that calibrate.
/// Gives what was assumed.
#[pyfunction]
#[pyo3(signature = (file, frames, run, labels=None, recipe=None))]
pub fn convert(
    py: Python<'_>,
    file: PathBuf,
    frames: PathBuf,
    run: PathBuf,
    labels: Option<String>,
    recipe: Option<PathBuf>,
) -> PyResult<Vec<String>> {
    let cmd = Cmd {
        file,
        data: frames,
        to: run,
        recipe,
        labels,
        vocabulary: None,
        same_front_end: false,
        set: Vec::new(),
        force: false,
    };
    // Standard output is the caller's.
    py.detach(|| {
        let Report { run, notes, .. } = cmd.import(Ui { json: true }).map_err(error)?;
        let run = RunFolder::open_locked(&run).map_err(error)?;
        quantize::run(&run, 0).map_err(error)?;
        Ok(notes)
    })
}
