//! The nodes of several trees by height: what can be computed at a time.

use get_size2::GetSize;
use std::ops::Range;

use elman::net::Node;

/// The nodes of some trees as rows, level after level: leaves first, then nodes by the length of the longest way down.
#[derive(Clone, Debug, Default, PartialEq, GetSize)]
pub struct Plan {
    /// The row of every node, tree after tree.
    pub rows: Vec<usize>,
    /// Where each tree's nodes begin in `rows`; one more than there are trees.
    pub trees: Vec<usize>,
    /// Tree and frame of every leaf, by row.
    pub leaves: Vec<(usize, usize)>,
    /// Rows of left and right child of every inner node, by row after the leaves.
    pub children: Vec<[usize; 2]>,
    /// Rows of every level of inner nodes, by height.
    pub levels: Vec<Range<usize>>,
}

impl Plan {
    /// Arranges trees whose nodes stand after their children.
    pub fn of(trees: &[&[Node]]) -> Self {
        let mut plan = Plan { trees: vec![0], ..Plan::default() };
        let mut heights: Vec<usize> = Vec::new();
        for nodes in trees {
            let first = heights.len();
            for node in *nodes {
                let height = match *node {
                    Node::Leaf(_) => 0,
                    Node::Inner { left, right } => {
                        1 + heights[first + left as usize].max(heights[first + right as usize])
                    }
                };
                heights.push(height);
            }
            plan.trees.push(heights.len());
        }
        let mut starts = vec![0; heights.iter().max().map_or(0, |most| most + 2)];
        heights.iter().for_each(|height| starts[height + 1] += 1);
        for k in 1..starts.len() {
            starts[k] += starts[k - 1];
        }
        plan.levels = starts.windows(2).skip(1).map(|w| w[0]..w[1]).collect();
        let leaves = starts.get(1).copied().unwrap_or(0);
        plan.leaves.resize(leaves, (0, 0));
        plan.children.resize(heights.len() - leaves, [0; 2]);
        for (tree, nodes) in trees.iter().enumerate() {
            let first = plan.trees[tree];
            for (node, height) in nodes.iter().zip(&heights[first..]) {
                let row = starts[*height];
                starts[*height] += 1;
                plan.rows.push(row);
                match *node {
                    Node::Leaf(frame) => plan.leaves[row] = (tree, frame as usize),
                    Node::Inner { left, right } => {
                        plan.children[row - leaves] = [left, right].map(|c| plan.rows[first + c as usize]);
                    }
                }
            }
        }
        plan
    }

    /// The rows of a tree's nodes, in their order.
    pub fn tree(&self, tree: usize) -> &[usize] {
        &self.rows[self.trees[tree]..self.trees[tree + 1]]
    }

    /// Left and right child of every node of a level.
    pub fn children(&self, level: &Range<usize>) -> &[[usize; 2]] {
        &self.children[level.start - self.leaves.len()..level.end - self.leaves.len()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Node::{Inner, Leaf};

    #[test]
    fn levels_go_by_height_over_all_trees() {
        let inner = |left, right| Inner { left, right };
        // (a b) c), and d alone, and a node of two parents: x = (e f), (x e), (x (x e)).
        let first = [Leaf(0), Leaf(1), inner(0, 1), Leaf(2), inner(2, 3)];
        let second = [Leaf(0)];
        let third = [Leaf(0), Leaf(1), inner(0, 1), inner(2, 0), inner(2, 3)];
        let plan = Plan::of(&[&first, &second, &third]);
        assert_eq!(plan.leaves, [(0, 0), (0, 1), (0, 2), (1, 0), (2, 0), (2, 1)]);
        assert_eq!(plan.levels, [6..8, 8..10, 10..11]);
        assert_eq!(plan.tree(0), [0, 1, 6, 2, 8]);
        assert_eq!(plan.tree(1), [3]);
        assert_eq!(plan.tree(2), [4, 5, 7, 9, 10]);
        assert_eq!(plan.children(&plan.levels[0]), [[0, 1], [4, 5]]);
        assert_eq!(plan.children(&plan.levels[1]), [[6, 2], [7, 4]]);
        assert_eq!(plan.children(&plan.levels[2]), [[7, 9]]);
    }
}
