//! Trees and directed acyclic graphs.

/// A node of a tree or directed acyclic graph, in topological order: children stand before their parents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Node {
    /// Reads the frame of this number.
    Leaf(u16),
    /// Composes two earlier nodes.
    Inner {
        /// Number of the left child.
        left: u16,
        /// Number of the right child.
        right: u16,
    },
}
