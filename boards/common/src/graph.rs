//! The answering side for a model that runs over graphs.
//!
//! # Protocol
//! The host sends a count of nodes and a count of edges, the nodes' frames, the edges' features, then a u16 a node, its
//! number of neighbours, and a u16 an edge, the neighbour. The board answers with a record for each answer, as for whole
//! sequences: ticks (of all of it, in the last record; else 0) and the output.

use elman::Model;
use elman::kernel::layout::vector_words;
use elman::kernel::word;
use elman::net::{CsrRows, Graph};
use embedded_io::{Read, Write};

use crate::{Buffers, Clock, Fault, count, greet, read, record};

/// A whole graph and its ticks.
#[inline(never)]
fn counted_run(graph: &mut Graph<'_, '_>, frames: &[i16], rows: CsrRows<'_>, edges: &[i16], clock: &impl Clock) -> u32 {
    clock.measure(|| {
        let _ = graph.run(frames, rows, edges);
    })
}

pub(crate) fn serve<I: Read, O: Write>(
    model: &Model<'_>,
    buffers: Buffers<'_>,
    input: &mut I,
    output: &mut O,
    clock: &impl Clock,
) -> Result<u32, Fault<I::Error, O::Error>> {
    let mut graph = model.graph(buffers.memory).map_err(Fault::Model)?;
    let record = record(buffers.record, vector_words(model.outputs()))?;
    greet(model, buffers.load_ticks, record.len(), output, clock)?;
    let mut answers = 0u32;
    while let Some(nodes) = count(input)? {
        let (nodes, edges) = (nodes as usize, count(input)?.ok_or(Fault::Input(None))? as usize);
        let frames = nodes.saturating_mul(model.inputs());
        let elements = frames.saturating_add(edges.saturating_mul(graph.edge_features()));
        let Some(values) = buffers.frames.get_mut(..elements) else { return Err(Fault::Frames(elements)) };
        read(values, input)?;
        let (frames, features) = values.split_at(frames.min(values.len()));
        let Some(offsets) = buffers.offsets.get_mut(..nodes.saturating_add(1)) else { return Err(Fault::Nodes(nodes)) };
        let Some(neighbours) = buffers.neighbours.get_mut(..edges) else { return Err(Fault::Nodes(edges)) };
        let mut end = 0u32;
        let mut one = [0; 1];
        for offset in offsets.iter_mut().skip(1) {
            read(&mut one, input)?;
            end = end.wrapping_add(one[0] as u16 as u32);
            *offset = end;
        }
        for neighbour in neighbours.iter_mut() {
            read(&mut one, input)?;
            *neighbour = one[0] as u16;
        }
        let rows = CsrRows::new(offsets, neighbours).map_err(Fault::Model)?;
        let ticks = counted_run(&mut graph, frames, rows, features, clock);
        let outputs = graph.run(frames, rows, features).map_err(Fault::Model)?;
        let last = outputs.len().wrapping_sub(1);
        for (k, y) in outputs.iter().enumerate() {
            let Some((first, scores)) = record.split_first_mut() else { break };
            *first = if k == last { ticks } else { 0 };
            for (to, from) in word::halves_mut(scores).iter_mut().zip(y.logits) {
                *to = *from;
            }
            output.write_all(word::bytes(record)).map_err(Fault::Output)?;
            answers = answers.wrapping_add(1);
        }
    }
    Ok(answers)
}
