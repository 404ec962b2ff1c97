//! Trees on an emulated core, every answer compared with the host's.

use anyhow::{Context, Result, anyhow};
use elman::Model;
use elman::blob::Blob;
use elman::kernel::layout::vector_words;
use elman::kernel::word;
use elman::net::Node;

use super::compare::Records;
use super::{Bench, Mismatch, Options, Part, VerifyReport};
use elman_data::Joints;
use elman_emulator::Session;
use elman_pipeline::Example;
use elman_pipeline::evaluate::host;
use elman_quant::{relay, words_of};

/// In place of a right child: the node is a leaf.
const LEAF: u16 = u16::MAX;

/// What the firmware reads, as boards/common describes it.
fn input(model: &Model<'_>, examples: &[Example]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for example in examples {
        let Joints::Tree(nodes) = &example.joints else { continue };
        let frames = example.frames.len() / model.inputs().max(1);
        bytes.extend((frames as u32).to_le_bytes());
        bytes.extend((nodes.len() as u32).to_le_bytes());
        bytes.extend(example.frames.iter().flat_map(|x| x.to_le_bytes()));
        let pair = |node: &Node| match *node {
            Node::Leaf(frame) => [frame, LEAF],
            Node::Inner { left, right } => [left, right],
        };
        bytes.extend(nodes.iter().flat_map(pair).flat_map(u16::to_le_bytes));
    }
    bytes
}

/// As [`super::run`], for a model over trees: each of `examples` is one.
///
/// # Errors
/// As of [`super::run`], and where a tree is larger than the model takes.
pub fn trees(model: &[u8], core: &str, examples: &[Example], options: &Options) -> Result<VerifyReport> {
    let model = &relay::for_core(model, core)?;
    let words = words_of(model)?;
    let loaded = Model::load(Blob::new(&words)).map_err(|e| anyhow!("the blob does not load: {e}"))?;
    Bench::new(options, core, Some(model))?.trees(&loaded, examples, None)
}

impl Bench {
    /// Runs trees and compares every answer; `blob` is what the firmware loads where none is built in.
    ///
    /// # Errors
    /// As of [`trees`].
    pub fn trees(&self, model: &Model<'_>, examples: &[Example], blob: Option<&[u8]>) -> Result<VerifyReport> {
        let session = Session::new(blob)?;
        std::fs::write(session.input(), input(model, examples)).context("a temporary file of trees")?;
        self.answers(model, examples, &session)
    }

    /// Runs a session whose input is written, and compares its answers with the host's.
    pub(super) fn answers(&self, model: &Model<'_>, examples: &[Example], session: &Session) -> Result<VerifyReport> {
        self.qemu.run(&self.machine, &self.firmware, session.folder())?;
        let mut memory = vec![0; model.memory_words()];
        let mut records = Records::open(model, vector_words(model.outputs()), session)?;
        let (mut mismatches, mut first) = (0u64, None);
        for (sequence, example) in examples.iter().enumerate() {
            let mut ours = Vec::new();
            host::structure(model, &mut memory, example, |k, output| ours.push((k, output.logits.to_vec())))
                .map_err(|e| anyhow!("{}: {e}", example.name))?;
            for (step, host) in ours {
                let board = word::halves(records.next()?);
                if let Some(unit) = host.iter().zip(board).position(|(h, b)| h != b) {
                    mismatches += 1;
                    let (layer, host, board) = (model.layers().len() - 1, host[unit].into(), board[unit].into());
                    first.get_or_insert(Mismatch { sequence, step, part: Part::Output, layer, unit, host, board });
                }
            }
        }
        records.finish(&self.core, &self.machine, mismatches, first)
    }
}
