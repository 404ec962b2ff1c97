//! How large the examples are, which the device's memory depends on.

use elman::blob::{AttentionScore, Structure};
use elman::net::slots_needed;

use super::{Answer, Example};
use elman_data::ExampleStructure;
use elman_recipe::NetworkRecipe;

/// How a recipe's chains are joined: of trees and graphs with memory for the largest of these examples times the recipe's margin.
pub fn structure<'e>(network: &NetworkRecipe, examples: impl Iterator<Item = &'e Example>) -> Structure {
    let short = |n: usize| n.min(usize::from(u16::MAX)) as u16;
    let larger = |n: usize, margin: f64| short((n as f64 * margin).ceil() as usize);
    if let Some(s) = &network.seq2seq {
        let longest = examples.map(|e| if let Answer::Symbols(s) = &e.answer { s.len() } else { 0 }).max().unwrap_or(0);
        let max_outputs = if s.max_outputs == 0 { short(longest + 1) } else { s.max_outputs };
        let score: AttentionScore = s.attention.score;
        return Structure::Seq2seq { score, max_outputs, beams: s.beams };
    }
    if let Some(t) = &network.tree {
        let (mut max_nodes, mut slots) = (1, t.roots);
        for example in examples {
            if let ExampleStructure::Tree(nodes) = &example.joints {
                max_nodes = nodes.len().max(max_nodes);
                let need = slots_needed(nodes, usize::MAX, t.roots, &mut vec![0; nodes.len()]);
                slots = need.unwrap_or(0).max(slots);
            }
        }
        return Structure::Tree {
            roots: t.roots.min(255) as u8,
            max_nodes: larger(max_nodes, t.margin),
            slots: larger(slots, t.margin),
        };
    }
    if let Some(g) = &network.graph {
        let (mut max_nodes, mut max_edges, mut max_degree) = (1, 0, 0);
        for example in examples {
            if let ExampleStructure::Graph(rows) = &example.joints {
                max_nodes = (rows.offsets.len().saturating_sub(1)).max(max_nodes);
                max_edges = rows.neighbours.len().max(max_edges);
                let degrees = rows.offsets.windows(2).map(|w| (w[1] - w[0]) as usize);
                max_degree = degrees.max().unwrap_or(0).max(max_degree);
            }
        }
        return Structure::Graph {
            rounds: g.rounds.min(255) as u8,
            max_nodes: larger(max_nodes, g.margin),
            max_edges: larger(max_edges, g.margin),
            max_degree: larger(max_degree, g.margin),
        };
    }
    Structure::Sequence
}
