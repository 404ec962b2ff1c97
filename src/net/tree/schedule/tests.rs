use super::*;
use std::vec::Vec;

/// Numbers of a fixed sequence, below `n`.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }
}

/// Runs a schedule over `nodes`, a state being two words of which the second is a hash of the node's subtree; asserts
/// that every node reads its own children's, and gives the roots'.
fn run(nodes: &[Node], frames: usize, roots: usize, slots: usize) -> Result<Vec<u32>, RunError> {
    let (mut table, mut states) = (std::vec![0xAAAA_AAAA; nodes.len()], std::vec![0x5555_5555; slots * 2]);
    let mut schedule = Schedule::new(nodes, frames, roots, (&mut table, &mut states, 2))?;
    let mut truth = Vec::new();
    for (k, node) in nodes.iter().enumerate() {
        let hash = match *node {
            Node::Leaf(frame) => u32::from(frame).wrapping_mul(0x9E37_79B9) ^ 1,
            Node::Inner { left, right } => {
                let [l, r] = [left, right].map(|child| {
                    let found = schedule.state(child)[1];
                    assert_eq!(found, truth[child as usize], "node {k} reads child {child}");
                    found
                });
                l.wrapping_mul(31).wrapping_add(r).rotate_left(7) ^ 0xBEEF
            }
        };
        truth.push(hash);
        schedule.keep(k, *node, &[hash.wrapping_mul(3)], &[hash]);
        schedule.free_unread(k);
    }
    Ok((nodes.len() - roots..nodes.len()).map(|k| schedule.state(k as u16)[1]).collect())
}

#[test]
fn random_graphs_keep_what_is_still_read_and_no_more() {
    let mut random = Random(5);
    for _ in 0..2000 {
        let count = 1 + random.below(40);
        let nodes: Vec<Node> = (0..count)
            .map(|k| match random.below(3) {
                0 => Node::Leaf(random.below(9) as u16),
                _ if k == 0 => Node::Leaf(0),
                _ => Node::Inner { left: random.below(k) as u16, right: random.below(k) as u16 },
            })
            .collect();
        let roots = 1 + random.below(count.min(3));
        let need = slots_needed(&nodes, 9, roots, &mut std::vec![7; count]).unwrap();
        assert_eq!(run(&nodes, 9, roots, need).unwrap(), run(&nodes, 9, roots, count).unwrap());
        assert_eq!(run(&nodes, 9, roots, need - 1), Err(RunError::Slots { required: need, provided: need - 1 }));
    }
}

/// A full tree in post-order.
fn full(depth: usize, nodes: &mut Vec<Node>) -> u16 {
    if depth == 0 {
        nodes.push(Node::Leaf(0));
    } else {
        let (left, right) = (full(depth - 1, nodes), full(depth - 1, nodes));
        nodes.push(Node::Inner { left, right });
    }
    (nodes.len() - 1) as u16
}

#[test]
fn depth_sets_the_need_of_post_order() {
    for depth in 0..9 {
        let mut nodes = Vec::new();
        full(depth, &mut nodes);
        assert_eq!(nodes.len(), (2 << depth) - 1);
        assert_eq!(slots_needed(&nodes, 1, 1, &mut std::vec![0; nodes.len()]), Ok(depth + 1));
    }
    // A chain ((0 1) 2) 3 ..., however long, needs two.
    let mut chain = std::vec![Node::Leaf(0)];
    for k in 0..1000 {
        chain.push(Node::Leaf(0));
        chain.push(Node::Inner { left: 2 * k, right: 2 * k + 1 });
    }
    assert_eq!(slots_needed(&chain, 1, 1, &mut [0; 2001]), Ok(2));
}

#[test]
fn a_node_without_readers_is_given_up_at_once() {
    let forest = [Node::Leaf(0); 100];
    assert_eq!(slots_needed(&forest, 1, 1, &mut [0; 100]), Ok(1));
    assert_eq!(slots_needed(&forest, 1, 3, &mut [0; 100]), Ok(3));
}

#[test]
fn refuses_with_numbers() {
    use Node::{Inner, Leaf};
    let judge = |nodes: &[Node], roots| slots_needed(nodes, 2, roots, &mut [0; 3]);
    assert_eq!(judge(&[], 1), Err(RunError::Nodes { nodes: 0, least: 1, most: 3 }));
    assert_eq!(judge(&[Leaf(0)], 2), Err(RunError::Nodes { nodes: 1, least: 2, most: 3 }));
    assert_eq!(judge(&[Leaf(0); 4], 1), Err(RunError::Nodes { nodes: 4, least: 1, most: 3 }));
    assert_eq!(judge(&[Leaf(2)], 1), Err(RunError::LeafFrame { node: 0, frame: 2, frames: 2 }));
    assert_eq!(judge(&[Leaf(0), Inner { left: 1, right: 0 }], 1), Err(RunError::Child { node: 1, child: 1 }));
    let cycle = [Inner { left: 1, right: 1 }, Inner { left: 0, right: 0 }];
    assert_eq!(judge(&cycle, 1), Err(RunError::Child { node: 0, child: 1 }));
    assert_eq!(judge(&[Leaf(0), Inner { left: 0, right: 9 }], 1), Err(RunError::Child { node: 1, child: 9 }));
}
