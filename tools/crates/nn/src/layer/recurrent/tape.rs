//! What a recurrent layer keeps, and the states that are given to it and taken from it.

use get_size2::GetSize;

use super::dropout::Dropped;
use crate::float::gemm::Packed;

/// What a recurrent layer of one direction keeps in addition to its output.
///
/// A structure that goes on from states (a decoder, a node of a tree, a round of a graph) writes them here before the
/// forward pass, and reads after the backward pass what comes back to them.
#[derive(Clone, Debug, Default, GetSize)]
pub struct RecurrentTape<F> {
    /// `[size, units]`: h before the first step; empty for 0.
    pub h_0: Vec<F>,
    /// `[size, units]`: c before the first step; empty for 0.
    pub c_0: Vec<F>,
    /// `[size, units]`: c of the second predecessor at the first step, of a cell that joins two; else empty.
    pub second: Vec<F>,
    /// `[size, units]`: ∂L/∂c of the last step, where something else than the layer itself reads c; else empty.
    pub last_c_gradient: Vec<F>,

    /// `size * units`
    pub(super) n: usize,
    /// Whether gates, `middle` and `carry` are those of a chunk of steps, computed again for the backward pass.
    pub(super) again: bool,
    /// `[size, units]`: h and c that are computed again, and were kept.
    pub(super) scratch: [Vec<F>; 2],
    /// Per stage `[steps, size, gates * units]`: the gates.
    pub(super) gates: Vec<Vec<F>>,
    /// `[size, stride]`: pre-activations without bias of the step in work.
    pub(super) products: Vec<F>,
    /// Per stage `[steps, size, stride]`: ∂L/∂pre of the chunk in work.
    pub(super) dpre: Vec<Vec<F>>,
    /// `[1 + steps, size, units]`: c, from c_0 on, where the cell keeps it apart from h; else empty.
    pub(super) c: Vec<F>,
    /// `[size, units]`: ∂L/∂second, where it is given.
    pub(super) dsecond: Vec<F>,
    /// `[steps, size, units]`: h between two stages.
    pub(super) middle: Vec<F>,
    /// `[steps, size, units]`: what the first stage carries to the second.
    pub(super) carry: Vec<F>,
    /// Per stage `[steps, size, gates * units]`: pre-activations with bias, where a trace is kept.
    pub(super) pre: Vec<Vec<F>>,
    /// `[size, units]`: ∂L/∂h, ∂L/∂c, ∂L/∂carry of the step in work.
    pub(super) running: [Vec<F>; 3],
    /// `[size, units]`: ∂L/∂h through U, where dropout masks h.
    pub(super) through: Vec<F>,
    /// ∂L/∂W and ∂L/∂U transposed, run by run; empty where they are gathered as they are.
    pub(super) turned: [Vec<F>; 2],
    /// ∂L/∂W and ∂L/∂U, where U is a product of factors.
    pub(super) whole: Vec<F>,
    /// A right operand packed on the way.
    pub(super) packed: Packed<F>,
    /// What dropout drops within the layer.
    pub(super) dropped: Dropped<F>,
    /// ∂L/∂ of V and of what all units share, as units read it; empty where nothing is shared.
    pub(super) dvectors: Vec<F>,
    /// The norms of ∂L/∂h of row 0, step by step, where they are asked for.
    pub(super) norms: Vec<f64>,
}

impl<F> RecurrentTape<F> {
    /// `[steps, size, units]`: c of every step; empty where the cell has none apart from h.
    pub fn cells(&self) -> &[F] {
        self.c.get(self.n..).unwrap_or_default()
    }

    /// ∂L/∂h_0 after the backward pass; it means something only where h_0 was given.
    pub fn h_0_gradient(&self) -> &[F] {
        &self.running[0]
    }

    /// ∂L/∂c_0 after the backward pass.
    pub fn c_0_gradient(&self) -> &[F] {
        &self.running[1]
    }

    /// ∂L/∂second after the backward pass, where it was given.
    pub fn second_gradient(&self) -> &[F] {
        &self.dsecond
    }
}
