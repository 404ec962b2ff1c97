//! Trees of brackets: `(left right)`, with or without a label after each opening bracket.

use crate::ExampleStructure;
use elman::net::Node;

/// The trees of one example as they were read.
#[derive(Debug, Default)]
pub struct Forest {
    /// The words of the leaves, from left to right.
    words: Vec<String>,
    /// Each after its children.
    nodes: Vec<Node>,
    /// Of every node; empty where it has none.
    labels: Vec<String>,
    roots: Vec<usize>,
}

/// An example in the order in which it is computed.
#[derive(Debug, PartialEq)]
pub struct Ordered {
    /// The frames: the words of the leaves, from left to right.
    pub words: Vec<String>,
    /// In topological order, the roots last.
    pub joints: ExampleStructure,
    /// Of every node.
    pub labels: Vec<String>,
}

/// An opened bracket.
#[derive(Default)]
struct Open {
    label: Option<String>,
    children: Vec<usize>,
}

/// Brackets, and what stands between them and white space (ASCII only: words may hold other space).
fn tokens(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches([' ', '\t']);
        let end = rest.find(['(', ')', ' ', '\t']).map_or(rest.len(), |end| end.max(1));
        let (token, behind) = rest.split_at(end);
        rest = behind;
        (!token.is_empty()).then_some(token)
    })
}

impl Forest {
    /// Words read.
    pub fn leaves(&self) -> usize {
        self.words.len()
    }

    /// Reads one tree. A bracket has two children; with `labelled`, a label before them, or before one word; without, a
    /// bracket around one is that one.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn read(&mut self, text: &str, labelled: bool) -> Result<(), String> {
        let mut open: Vec<Open> = Vec::new();
        let mut root = None;
        for token in tokens(text) {
            if root.is_some() {
                return Err(format!("`{token}` after the end of the tree"));
            }
            let node = match (token, open.last_mut()) {
                ("(", _) => {
                    open.push(Open::default());
                    continue;
                }
                (")", _) => self.close(open.pop().ok_or("a `)` without its `(`")?, labelled)?,
                (label, Some(top)) if labelled && top.label.is_none() => {
                    top.label = Some(label.to_owned());
                    continue;
                }
                (word, _) => {
                    // A symbol of a vocabulary of words has no white space, of whatever kind, in it.
                    self.words.push(word.replace(char::is_whitespace, "_"));
                    self.push(Node::Leaf((self.words.len() - 1) as u16), String::new())?
                }
            };
            match open.last_mut() {
                Some(parent) => parent.children.push(node),
                None => root = Some(node),
            }
        }
        match root {
            Some(root) if open.is_empty() && (!labelled || !self.labels[root].is_empty()) => self.roots.push(root),
            Some(_) => return Err("a tree needs a label, as in (3 word)".to_owned()),
            None if open.is_empty() => return Err("no tree".to_owned()),
            None => return Err(format!("{} `(` without their `)`", open.len())),
        }
        Ok(())
    }

    fn push(&mut self, node: Node, label: String) -> Result<usize, String> {
        self.nodes.push(node);
        self.labels.push(label);
        if self.nodes.len() >= usize::from(u16::MAX) {
            return Err(format!("more than {} nodes", u16::MAX - 1));
        }
        Ok(self.nodes.len() - 1)
    }

    /// The node that a closed bracket makes.
    fn close(&mut self, bracket: Open, labelled: bool) -> Result<usize, String> {
        let label = bracket.label.unwrap_or_default();
        if labelled && label.is_empty() {
            return Err("a bracket without a label".to_owned());
        }
        let unlabelled = |k: &usize| self.labels[*k].is_empty();
        match bracket.children[..] {
            [only] if !labelled => Ok(only),
            [only] if unlabelled(&only) => {
                self.labels[only] = label;
                Ok(only)
            }
            [left, right] if !(labelled && (unlabelled(&left) || unlabelled(&right))) => {
                self.push(Node::Inner { left: left as u16, right: right as u16 }, label)
            }
            [_, _] => Err("a word next to another child needs a bracket and a label of its own".to_owned()),
            ref children => Err(format!("a bracket with {} children; it must have two", children.len())),
        }
    }

    /// The nodes in an order that needs few states at a time: of two children the one that needs more comes first (Sethi
    /// and Ullman 1970), and all roots last.
    pub fn ordered(self) -> Ordered {
        let mut need = vec![1u32; self.nodes.len()];
        for (k, node) in self.nodes.iter().enumerate() {
            if let Node::Inner { left, right } = node {
                let [l, r] = [left, right].map(|c| need[usize::from(*c)]);
                need[k] = if l == r { l + 1 } else { l.max(r) };
            }
        }
        let mut order = Vec::with_capacity(self.nodes.len());
        // A node, and whether its children are done.
        let mut stack: Vec<(usize, bool)> = Vec::new();
        let children = |k: usize| match self.nodes[k] {
            Node::Leaf(_) => None,
            Node::Inner { left, right } => {
                let (left, right) = (usize::from(left), usize::from(right));
                Some(if need[right] > need[left] { [right, left] } else { [left, right] })
            }
        };
        for root in &self.roots {
            stack.extend(children(*root).into_iter().flatten().rev().map(|k| (k, false)));
            while let Some((k, done)) = stack.pop() {
                match children(k) {
                    Some(below) if !done => {
                        stack.push((k, true));
                        stack.extend(below.into_iter().rev().map(|k| (k, false)));
                    }
                    _ => order.push(k),
                }
            }
        }
        order.extend(&self.roots);
        let mut place = vec![0; order.len()];
        order.iter().enumerate().for_each(|(at, k)| place[*k] = at as u16);
        let moved = |k: &usize| match self.nodes[*k] {
            Node::Inner { left, right } => {
                Node::Inner { left: place[usize::from(left)], right: place[usize::from(right)] }
            }
            leaf => leaf,
        };
        Ordered {
            joints: ExampleStructure::Tree(order.iter().map(moved).collect()),
            labels: order.iter().map(|k| self.labels[*k].clone()).collect(),
            words: self.words,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Node::{Inner, Leaf};

    fn read(texts: &[&str], labelled: bool) -> Result<Ordered, String> {
        let mut forest = Forest::default();
        texts.iter().try_for_each(|t| forest.read(t, labelled))?;
        Ok(forest.ordered())
    }

    #[test]
    fn the_heavier_child_comes_first() {
        let tree = read(&["(3 (2 a) (4 (1 b) (0 c\u{a0}d)))"], true).unwrap();
        assert_eq!(tree.words, ["a", "b", "c_d"]);
        assert_eq!(tree.labels, ["1", "0", "4", "2", "3"]);
        let nodes = [Leaf(1), Leaf(2), Inner { left: 0, right: 1 }, Leaf(0), Inner { left: 3, right: 2 }];
        assert_eq!(tree.joints, ExampleStructure::Tree(nodes.to_vec()));
    }

    #[test]
    fn roots_come_last_and_brackets_around_one_are_none() {
        let pair = read(&["( ( not ( a ) ) )", "b"], false).unwrap();
        assert_eq!(pair.words, ["not", "a", "b"]);
        assert_eq!(pair.joints, ExampleStructure::Tree(vec![Leaf(0), Leaf(1), Inner { left: 0, right: 1 }, Leaf(2)]));
    }

    #[test]
    fn a_long_branch_either_way_needs_two_slots() {
        let right = (0..500).fold("x".to_owned(), |tree, _| format!("( y {tree} )"));
        let left = (0..500).fold("x".to_owned(), |tree, _| format!("( {tree} y )"));
        for text in [right, left] {
            let ExampleStructure::Tree(nodes) = read(&[&text], false).unwrap().joints else { panic!("a tree") };
            assert_eq!(elman::net::slots_needed(&nodes, 501, 1, &mut vec![0; nodes.len()]), Ok(2));
        }
    }

    #[test]
    fn says_what_is_wrong() {
        for (text, labelled, problem) in [
            ("", false, "no tree"),
            ("( a b", false, "1 `(` without their `)`"),
            ("( a b ) )", false, "`)` after the end of the tree"),
            (")", false, "a `)` without its `(`"),
            ("( a b c )", false, "a bracket with 3 children; it must have two"),
            ("( )", false, "a bracket with 0 children; it must have two"),
            ("(3 (2 a) b)", true, "a word next to another child needs a bracket and a label of its own"),
            ("(3 (2 a))", true, "a bracket with 1 children; it must have two"),
            ("((2 a) (2 b))", true, "a bracket without a label"),
            ("word", true, "a tree needs a label, as in (3 word)"),
        ] {
            assert_eq!(read(&[text], labelled).unwrap_err(), problem, "{text}");
        }
    }
}
