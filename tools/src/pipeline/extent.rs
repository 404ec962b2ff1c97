//! How large the examples are: what the device's memory must hold.

use elman::blob::{Score, Structure};
use elman::net::Node;

use super::{Answer, Example};
use crate::data::Joints;
use crate::recipe::NetworkRecipe;

/// How a recipe's chains are joined, with room for the largest of these examples.
pub fn structure<'e>(network: &NetworkRecipe, examples: impl Iterator<Item = &'e Example>) -> Structure {
    let short = |n: usize| n.min(usize::from(u16::MAX)) as u16;
    if let Some(s) = &network.seq2seq {
        let longest = examples.map(|e| if let Answer::Symbols(s) = &e.answer { s.len() } else { 0 }).max().unwrap_or(0);
        let max_outputs = if s.max_outputs == 0 { short(longest + 1) } else { s.max_outputs };
        let score: Score = s.attention.score;
        return Structure::Seq2seq { score, max_outputs, beams: s.beams };
    }
    if let Some(t) = &network.tree {
        let (mut max_nodes, mut slots) = (1, t.roots);
        for example in examples {
            if let Joints::Tree(nodes) = &example.joints {
                max_nodes = nodes.len().max(max_nodes);
                slots = states(nodes, t.roots).max(slots);
            }
        }
        return Structure::Tree { roots: t.roots.min(255) as u8, max_nodes: short(max_nodes), slots: short(slots) };
    }
    if let Some(g) = &network.graph {
        let (mut max_nodes, mut max_edges, mut max_degree) = (1, 0, 0);
        for example in examples {
            if let Joints::Graph(rows) = &example.joints {
                max_nodes = (rows.offsets.len().saturating_sub(1)).max(max_nodes);
                max_edges = rows.neighbours.len().max(max_edges);
                let degrees = rows.offsets.windows(2).map(|w| (w[1] - w[0]) as usize);
                max_degree = degrees.max().unwrap_or(0).max(max_degree);
            }
        }
        return Structure::Graph {
            rounds: g.rounds.min(255) as u8,
            max_nodes: short(max_nodes),
            max_edges: short(max_edges),
            max_degree: short(max_degree),
        };
    }
    Structure::Sequence
}

/// States that are needed at a time: a node's is made while its children's are there, which go when their last parent
/// is made; the last `roots` nodes' stay.
fn states(nodes: &[Node], roots: usize) -> usize {
    let mut uses = vec![0u32; nodes.len()];
    let children = |n: &Node| if let Node::Inner { left, right } = n { vec![*left, *right] } else { Vec::new() };
    nodes.iter().flat_map(children).for_each(|k| uses[usize::from(k)] += 1);
    uses.iter_mut().rev().take(roots).for_each(|n| *n += 1);
    let (mut live, mut most) = (0, 0);
    for (k, node) in nodes.iter().enumerate() {
        live += 1;
        most = live.max(most);
        for child in children(node) {
            uses[usize::from(child)] -= 1;
            live -= usize::from(uses[usize::from(child)] == 0);
        }
        live -= usize::from(uses[k] == 0);
    }
    most
}
