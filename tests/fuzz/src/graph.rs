//! Any blob of a graph network that loads, any rows over any frames: they are refused, or run to the same answers again.

use crate::sealed;
use elman::Model;
use elman::blob::{Blob, Structure};
use elman::net::CsrRows;

/// Bytes at the end of the data: of offsets, of neighbours, of frames and of features, one behind the other.
const OFFSETS: usize = 16;
const NEIGHBOURS: usize = 48;
const VALUES: usize = 128;
/// All of them.
pub const TAIL: usize = OFFSETS + NEIGHBOURS + VALUES;

/// Runs it on some bytes.
pub fn run(data: &[u8]) {
    let Some(start) = data.len().checked_sub(TAIL) else { return };
    let (blob, rest) = data.split_at(start);
    let (offsets, rest) = rest.split_at(OFFSETS);
    let (neighbours, values) = rest.split_at(NEIGHBOURS);
    // Small numbers, so that many are in range; 255 is the end.
    let offsets: Vec<u32> = offsets.iter().take_while(|b| **b != 255).map(|b| (*b).into()).collect();
    let neighbours: Vec<u16> = neighbours.iter().take_while(|b| **b != 255).map(|b| (*b).into()).collect();
    let values: Vec<i16> = values.as_chunks::<2>().0.iter().map(|b| i16::from_le_bytes(*b)).collect();
    let Ok(rows) = CsrRows::new(&offsets, &neighbours) else { return };
    let words = sealed::words(blob);
    let Ok(model) = Model::load(Blob::new(&words)) else { return };
    if !matches!(model.structure(), Structure::Graph { .. }) {
        assert!(model.graph(&mut vec![0; 64]).is_err());
        return;
    }
    if model.memory_words() > 1 << 20 {
        return;
    }
    let mut memory = vec![0; model.memory_words()];
    let mut graph = model.graph(&mut memory).expect("memory of the size it asks for");
    let features = (rows.edges() * graph.edge_features()).min(values.len());
    let frames = (rows.nodes() * model.inputs()).min(values.len());
    let mut run = || {
        let outputs = graph.run(&values[..frames], rows, &values[..features])?;
        Ok::<_, elman::RunError>(outputs.iter().map(|y| y.logits.to_vec()).collect::<Vec<_>>())
    };
    let first = run();
    assert_eq!(run(), first);
    if let Ok(answers) = first {
        assert!(answers.len() == rows.nodes() || answers.len() == rows.nodes().min(1));
        assert!(answers.iter().all(|scores| scores.len() == model.outputs()));
    }
}
