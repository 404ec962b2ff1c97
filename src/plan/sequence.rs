//! Memory of layers that run over all steps one after the other.

use super::chain_words;
use crate::cell::LayerView;
use crate::descriptor::Direction;
use crate::kernel::layout::vector_words;

/// Two buffers of a vector for each step, which the layers read from and write to alternately, and after them the memory of
/// the layer that runs, with its output.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SequencePlan {
    pub buffers: Buffers,
    /// Words of the layer that needs the most, with its output.
    pub widest: usize,
}

impl SequencePlan {
    pub(crate) fn of(layers: &[LayerView<'_>]) -> Self {
        let mut buffers = Buffers::new(layers.first().map_or(0, LayerView::inputs));
        let mut widest = 0;
        for layer in layers {
            buffers.add(layer.units(), layer.direction());
            widest = chain_words(core::slice::from_ref(layer)).max(widest);
        }
        SequencePlan { buffers, widest }
    }

    /// Words for sequences of up to `steps`; saturates.
    pub(crate) fn words(&self, steps: usize) -> usize {
        self.buffers.words().saturating_mul(steps).saturating_add(self.widest)
    }
}

/// Words of a vector in each of the two buffers: the widest of those that they hold in turn.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Buffers {
    pub even: usize,
    pub odd: usize,
    /// Elements of the vector that was added last.
    width: usize,
    last_is_odd: bool,
}

impl Buffers {
    /// The input is in the even buffer.
    fn new(inputs: usize) -> Self {
        Buffers { even: vector_words(inputs), odd: 0, width: inputs, last_is_odd: false }
    }

    /// Whether the last layer's output is in the odd buffer.
    pub(crate) fn last_is_odd(&self) -> bool {
        self.last_is_odd
    }

    /// Words of a step.
    pub(crate) fn words(&self) -> usize {
        self.even.saturating_add(self.odd)
    }

    /// The output of a layer: in the other buffer than the last vector, or after it in the same where it reads backward.
    fn add(&mut self, units: usize, direction: Direction) {
        match direction {
            Direction::Forward => (self.width, self.last_is_odd) = (units, !self.last_is_odd),
            Direction::Backward => self.width = self.width.saturating_add(units),
        }
        let words = vector_words(self.width);
        let buffer = if self.last_is_odd { &mut self.odd } else { &mut self.even };
        *buffer = words.max(*buffer);
    }
}
