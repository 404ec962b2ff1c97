//! The answering side for a model that runs over trees.
//!
//! # Protocol
//! The host sends a count of frames and a count of nodes, the frames, then two u16 a node: left and right child, or the
//! frame of a leaf and [`LEAF`]. The board answers with a record for each answer, as for whole sequences: ticks (of all of
//! it, in the last record; else 0) and the output.

use elman::Model;
use elman::kernel::layout::vector_words;
use elman::kernel::word;
use elman::net::{Node, Output, Tree};
use embedded_io::{Read, Write};

use crate::{Buffers, Clock, Fault, count, greet, read, record};

/// In place of a right child: the node is a leaf.
pub const LEAF: u16 = u16::MAX;

/// A whole tree and its ticks.
#[inline(never)]
fn counted_run(tree: &mut Tree<'_, '_>, frames: &[i16], nodes: &[Node], clock: &impl Clock) -> u32 {
    clock.measure(|| {
        let _ = tree.run(frames, nodes);
    })
}

pub(crate) fn serve<I: Read, O: Write>(
    model: &Model<'_>,
    buffers: Buffers<'_>,
    input: &mut I,
    output: &mut O,
    clock: &impl Clock,
) -> Result<u32, Fault<I::Error, O::Error>> {
    let mut tree = model.tree(buffers.memory).map_err(Fault::Model)?;
    let record = record(buffers.record, vector_words(model.outputs()))?;
    greet(model, buffers.load_ticks, record.len(), output, clock)?;
    let mut answers = 0u32;
    while let Some(frames) = count(input)? {
        let nodes = count(input)?.ok_or(Fault::Input(None))? as usize;
        let elements = (frames as usize).saturating_mul(model.inputs());
        let Some(frames) = buffers.frames.get_mut(..elements) else { return Err(Fault::Frames(elements)) };
        read(frames, input)?;
        let Some(nodes) = buffers.nodes.get_mut(..nodes) else { return Err(Fault::Nodes(nodes)) };
        for node in &mut *nodes {
            let mut pair = [0; 2];
            read(&mut pair, input)?;
            let [left, right] = pair.map(|x| x as u16);
            *node = if right == LEAF { Node::Leaf(left) } else { Node::Inner { left, right } };
        }
        let ticks = counted_run(&mut tree, frames, nodes, clock);
        let last = nodes.len().wrapping_sub(1);
        let mut written = Ok(());
        let mut write = |k: usize, y: Output<'_>| {
            if let (Some((first, scores)), true) = (record.split_first_mut(), written.is_ok()) {
                *first = if k == last { ticks } else { 0 };
                for (to, from) in word::halves_mut(scores).iter_mut().zip(y.logits) {
                    *to = *from;
                }
                written = output.write_all(word::bytes(record));
                answers = answers.wrapping_add(1);
            }
        };
        tree.run_each(frames, nodes, &mut write).map_err(Fault::Model)?;
        written.map_err(Fault::Output)?;
    }
    Ok(answers)
}
