//! Any blob of a tree that loads, any nodes over any frames: they are refused, or run to the same answers again.

use crate::sealed;
use elman::Model;
use elman::blob::{Blob, Readout, Structure};
use elman::net::{Node, slots_needed};

/// Bytes of frames at the end of the data, and of nodes before them.
pub const FRAMES: usize = 32;
/// Bytes of nodes.
pub const NODES: usize = 128;

/// Runs it on some bytes.
pub fn run(data: &[u8]) {
    let Some(start) = data.len().checked_sub(FRAMES + NODES) else { return };
    let (blob, rest) = data.split_at(start);
    let (nodes, frames) = rest.split_at(NODES);
    let frames: Vec<i16> = frames.as_chunks::<2>().0.iter().map(|b| i16::from_le_bytes(*b)).collect();
    // Small numbers, so that many are nodes that are there; a right child of 255 makes a leaf, two of them the end.
    let nodes: Vec<Node> = nodes
        .as_chunks::<2>()
        .0
        .iter()
        .take_while(|pair| **pair != [255; 2])
        .map(|[left, right]| match right {
            255 => Node::Leaf(u16::from(*left)),
            right => Node::Inner { left: u16::from(*left), right: u16::from(*right) },
        })
        .collect();
    let words = sealed::words(blob);
    let Ok(model) = Model::load(Blob::new(&words)) else { return };
    let Structure::Tree { roots, max_nodes, slots } = model.structure() else {
        assert!(model.tree(&mut vec![0; 64]).is_err());
        return;
    };
    if model.memory_words() > 1 << 20 {
        return;
    }
    let mut memory = vec![0; model.memory_words()];
    let mut tree = model.tree(&mut memory).expect("memory of the size it asks for");
    let inputs = model.inputs();
    let frames = &frames[..frames.len() / inputs * inputs];
    let mut run = || {
        let mut answers = Vec::new();
        tree.run_each(frames, &nodes, |k, y| answers.push((k, y.logits.to_vec()))).map(|()| answers)
    };
    let first = run();
    assert_eq!(run(), first);
    let mut table = vec![0; usize::from(max_nodes)];
    let need = slots_needed(&nodes, frames.len() / inputs, usize::from(roots), &mut table);
    match first {
        Ok(answers) => {
            assert!(need.is_ok_and(|need| need <= usize::from(slots)));
            let each = if model.readout() == Readout::EveryStep { nodes.len() } else { 1 };
            assert_eq!(answers.len(), each);
            assert!(answers.iter().all(|(_, scores)| scores.len() == model.outputs()));
        }
        Err(e) => assert!(need.is_err() || matches!(e, elman::RunError::Slots { .. }), "{e}"),
    }
}
