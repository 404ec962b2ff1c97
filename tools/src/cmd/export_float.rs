//! `elman export RUN --to model.onnx` and `model.safetensors`: the float network for other programs.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use elman_data::files::write_atomically;
use elman_import::AffineOp;
use elman_import::export::{Target, write};
use elman_nn::StructureSpec;
use elman_pipeline::Frames;
use elman_pipeline::run::RunFolder;
use elman_recipe::Usage;
use serde::Serialize;

use super::import_encoding::input_scale;
use crate::ui::{Ui, bytes};

/// What a path asks for by its ending.
pub(super) fn target(to: &Path) -> Option<Target> {
    match to.extension()?.to_str()? {
        "onnx" => Some(Target::Onnx),
        "safetensors" => Some(Target::Safetensors),
        _ => None,
    }
}

#[derive(Serialize)]
struct Exported {
    file: PathBuf,
    bytes: usize,
    labels: Vec<String>,
}

/// Writes the float network of a run.
///
/// # Errors
/// Where there is no run folder, or the network is no chain that the format has.
pub(super) fn run(run: &Path, to: &Path, target: Target, ui: Ui) -> Result<()> {
    ensure!(
        run.is_dir(),
        Usage(format!(
            "{} is a blob, which has integers only; name the run folder, which has the float network",
            run.display()
        ))
    );
    let folder = RunFolder::open(run)?;
    let (about, network) = (folder.about()?, folder.network()?);
    ensure!(
        network.spec().structure == StructureSpec::Sequence,
        "an encoder-decoder, a network over trees or graphs is no chain of layers, which is all that is exported"
    );
    // A channel that never moved in training is 0 whatever it reads.
    let moves = |k: usize| match &about.encoding.frames {
        Frames::Values { scaling, .. } => scaling.get(k).is_none_or(|c| c.multiplier != 0),
        _ => true,
    };
    let input = input_scale(&about).map(|AffineOp { scale, offset }| {
        let of = |(k, (s, o)): (usize, (&f64, &f64))| if moves(k) { (1.0 / s, -o / s) } else { (0.0, 0.0) };
        let (scale, offset) = scale.iter().zip(&offset).enumerate().map(of).unzip();
        AffineOp { scale, offset }
    });
    let output = (!about.target.is_empty()).then(|| {
        let (offset, scale) = about.target.iter().copied().unzip();
        AffineOp { scale, offset }
    });
    let file = write(&network, input, output, target).with_context(|| run.display().to_string())?;
    write_atomically(to, &file)?;
    ui.line(format!(
        "wrote {}, {}; its frames are in their own units, its outputs logits or values",
        to.display(),
        bytes(file.len())
    ));
    ui.result(&Exported { file: to.to_owned(), bytes: file.len(), labels: about.encoding.labels.clone() })
}
