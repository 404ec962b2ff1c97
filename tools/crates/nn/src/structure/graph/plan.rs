//! The graphs of a batch side by side, as one graph.

use super::super::Item;
use elman_data::ExampleStructure;
use get_size2::GetSize;

/// Nodes and edges of some graphs, numbered one graph after the other.
#[derive(Clone, Debug, Default, PartialEq, GetSize)]
pub struct Plan {
    /// Where each graph's nodes begin; one more than there are graphs.
    pub graphs: Vec<usize>,
    /// Where each node's neighbours begin; one more than there are nodes.
    pub offsets: Vec<usize>,
    /// Of every edge, the node that receives and the node that it receives from.
    pub edges: Vec<[usize; 2]>,
}

impl Plan {
    /// Lays out graphs of frames of `inputs` values.
    pub fn of(items: &[Item<'_>], inputs: usize) -> Self {
        let mut plan = Plan { graphs: vec![0], offsets: vec![0], edges: Vec::new() };
        for item in items {
            let (first, before) = (plan.nodes(), plan.edges.len());
            if let ExampleStructure::Graph(rows) = item.joints {
                for (v, row) in rows.offsets.windows(2).enumerate() {
                    let heard = &rows.neighbours[row[0] as usize..row[1] as usize];
                    plan.edges.extend(heard.iter().map(|u| [first + v, first + usize::from(*u)]));
                    plan.offsets.push(before + row[1] as usize);
                }
            }
            // What the judge of a data set refused has no edges.
            plan.offsets.resize(first + item.frames.len() / inputs + 1, plan.edges.len());
            plan.graphs.push(plan.nodes());
        }
        plan
    }

    /// How many nodes there are.
    pub fn nodes(&self) -> usize {
        self.offsets.len() - 1
    }
}
