//! Graphs on an emulated core, every answer compared with the host's.

use anyhow::{Context, Result, anyhow};
use elman::Model;
use elman::blob::Blob;

use super::{Bench, Options, VerifyReport};
use elman_data::Joints;
use elman_emulator::Session;
use elman_pipeline::Example;
use elman_pipeline::evaluate::host;
use elman_quant::{relay, words_of};

/// What the firmware reads, as boards/common describes it.
fn input(model: &Model<'_>, examples: &[Example]) -> Result<Vec<u8>> {
    let mut memory = vec![0; model.memory_words()];
    let frac = model.graph(&mut memory).map_err(|e| anyhow!("{e}"))?.edge_frac();
    let mut bytes = Vec::new();
    for example in examples {
        let Joints::Graph(rows) = &example.joints else { continue };
        let degrees = rows.offsets.windows(2).map(|w| (w[1] - w[0]) as u16);
        bytes.extend((rows.offsets.len() as u32 - 1).to_le_bytes());
        bytes.extend((rows.neighbours.len() as u32).to_le_bytes());
        bytes.extend(example.frames.iter().flat_map(|x| x.to_le_bytes()));
        bytes.extend(host::edge_features(rows, frac).iter().flat_map(|x| x.to_le_bytes()));
        bytes.extend(degrees.chain(rows.neighbours.iter().copied()).flat_map(u16::to_le_bytes));
    }
    Ok(bytes)
}

/// As [`super::run`], for a model over graphs: each of `examples` is one.
///
/// # Errors
/// As of [`super::run`], and where a graph is larger than the model takes.
pub fn graphs(model: &[u8], core: &str, examples: &[Example], options: &Options) -> Result<VerifyReport> {
    let model = &relay::for_core(model, core)?;
    let words = words_of(model)?;
    let loaded = Model::load(Blob::new(&words)).map_err(|e| anyhow!("the blob does not load: {e}"))?;
    Bench::new(options, core, Some(model))?.graphs(&loaded, examples, None)
}

impl Bench {
    /// Runs graphs and compares every answer; `blob` is what the firmware loads where none is built in.
    ///
    /// # Errors
    /// As of [`graphs`].
    pub fn graphs(&self, model: &Model<'_>, examples: &[Example], blob: Option<&[u8]>) -> Result<VerifyReport> {
        let session = Session::new(blob)?;
        std::fs::write(session.input(), input(model, examples)?).context("a temporary file of graphs")?;
        self.answers(model, examples, &session)
    }
}
