//! The edges of a graph in compressed rows, over the caller's slices.

use crate::net::RunError;

/// Which nodes each node of a graph reads: the neighbours of node v are
/// `neighbours[offsets[v]..offsets[v + 1]]`. Features of edges are in the same order.
///
/// An undirected edge between u and v is listed twice, u in the row of v and v in the row of u; a directed one from u to v
/// once, u in the row of v. A neighbour may be listed several times in a row, and a node in its own.
///
/// ```
/// use elman::net::CsrRows;
///
/// // 0 - 1 - 2, undirected.
/// let rows = CsrRows::new(&[0, 1, 3, 4], &[1, 0, 2, 1]).unwrap();
/// assert_eq!((rows.nodes(), rows.edges(), rows.degree()), (3, 4, 2));
/// assert!(CsrRows::new(&[0, 1, 3, 4], &[1, 0, 3, 1]).is_err()); // there is no node 3
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CsrRows<'g> {
    offsets: &'g [u32],
    neighbours: &'g [u16],
    degree: usize,
}

impl<'g> CsrRows<'g> {
    /// Validates the rows, once: `offsets` has an element more than there are nodes, begins with 0, never falls and ends
    /// with the number of `neighbours`, each of which is the number of a node.
    ///
    /// # Errors
    /// [`RunError::GraphOffset`] and [`RunError::GraphNeighbour`], the first that is wrong, with its numbers.
    pub fn new(offsets: &'g [u32], neighbours: &'g [u16]) -> Result<Self, RunError> {
        let edges = neighbours.len();
        let mut from = 0u32;
        let mut degree = 0;
        for (node, at) in offsets.iter().enumerate() {
            if *at < from || *at as usize > edges || (node == 0 && *at != 0) {
                return Err(RunError::GraphOffset { node, offset: *at, before: from, edges });
            }
            degree = degree.max(at.wrapping_sub(from) as usize);
            from = *at;
        }
        if from as usize != edges || offsets.is_empty() {
            return Err(RunError::GraphOffset { node: offsets.len(), offset: from, before: from, edges });
        }
        let nodes = offsets.len().saturating_sub(1);
        for (edge, neighbour) in neighbours.iter().enumerate() {
            if *neighbour as usize >= nodes {
                return Err(RunError::GraphNeighbour { edge, neighbour: *neighbour, nodes });
            }
        }
        Ok(CsrRows { offsets, neighbours, degree })
    }

    /// Number of nodes.
    pub fn nodes(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    /// Number of neighbours in all rows; an undirected edge counts twice.
    pub fn edges(&self) -> usize {
        self.neighbours.len()
    }

    /// Neighbours in the longest row.
    pub fn degree(&self) -> usize {
        self.degree
    }

    /// The row of each node: the number of its first edge, and its neighbours.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &'g [u16])> + use<'g> {
        let neighbours = self.neighbours;
        self.offsets.iter().zip(self.offsets.iter().skip(1)).map(move |(from, to)| {
            let (from, to) = (*from as usize, *to as usize);
            (from, neighbours.get(from..to).unwrap_or_default())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    #[test]
    fn rows_are_what_stands_between_the_offsets() {
        let rows = CsrRows::new(&[0, 2, 2, 3], &[1, 2, 0]).unwrap();
        assert_eq!(rows.iter().collect::<Vec<_>>(), [(0, &[1, 2][..]), (2, &[]), (2, &[0])]);
        assert_eq!((rows.nodes(), rows.edges(), rows.degree()), (3, 3, 2));
        let none = CsrRows::new(&[0], &[]).unwrap();
        assert_eq!((none.nodes(), none.iter().count()), (0, 0));
    }

    #[test]
    fn wrong_rows_are_named() {
        let offset = |node, offset, before, edges| Err(RunError::GraphOffset { node, offset, before, edges });
        assert_eq!(CsrRows::new(&[], &[]), offset(0, 0, 0, 0));
        assert_eq!(CsrRows::new(&[1, 1], &[0]), offset(0, 1, 0, 1));
        assert_eq!(CsrRows::new(&[0, 2, 1], &[0, 0]), offset(2, 1, 2, 2));
        assert_eq!(CsrRows::new(&[0, 3], &[0, 0]), offset(1, 3, 0, 2));
        assert_eq!(CsrRows::new(&[0, 1], &[0, 0]), offset(2, 1, 1, 2));
        let neighbour = Err(RunError::GraphNeighbour { edge: 1, neighbour: 2, nodes: 2 });
        assert_eq!(CsrRows::new(&[0, 1, 2], &[1, 2]), neighbour);
    }
}
