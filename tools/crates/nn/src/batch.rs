//! Sequences side by side.

use super::Float;
use super::layer::{Given, IntegerStates, fit};
use get_size2::GetSize;

/// A matrix per step: `[steps, size, width]`, of which the first `rows[t]` rows of step t are there.
///
/// Sequences are sorted by length, longest first, so the rows that are still running at a step are the first
/// ones: what would be padding is never computed, and needs no mask.
#[derive(Clone, Copy, Debug)]
pub struct Frames<'a, F> {
    /// The matrices.
    pub data: &'a [F],
    /// Rows in use at every step, never growing.
    pub rows: &'a [usize],
    /// Rows of every step's matrix.
    pub size: usize,
    /// Columns.
    pub width: usize,
}

impl<'a, F> Frames<'a, F> {
    /// Steps of the longest sequence.
    pub fn steps(&self) -> usize {
        self.rows.len()
    }

    /// The rows in use at step `t`.
    pub fn step(&self, t: usize) -> &'a [F] {
        &self.data[t * self.size * self.width..][..self.rows[t] * self.width]
    }

    /// Everything from step `t` on.
    pub fn from(&self, t: usize) -> &'a [F] {
        &self.data[t * self.size * self.width..]
    }

    /// Row `row` of step `t`.
    pub fn row(&self, t: usize, row: usize) -> &'a [F] {
        &self.data[(t * self.size + row) * self.width..][..self.width]
    }
}

/// Input sequences of a batch or a shard of it.
#[derive(Clone, Debug, Default, GetSize)]
pub struct Batch<F> {
    data: Vec<F>,
    rows: Vec<usize>,
    order: Vec<usize>,
    lengths: Vec<usize>,
    inputs: usize,
    given: Vec<Given<F>>,
}

impl<F: Float> Batch<F> {
    /// Lays out sequences of `[length, inputs]` values, each at least one frame long, reusing the memory.
    ///
    /// # Panics
    /// Where a sequence is empty or not a whole number of frames.
    pub fn fill<T: Copy + Into<f64>>(&mut self, sequences: &[&[T]], inputs: usize) {
        let length = |i: usize| sequences[i].len() / inputs;
        for sequence in sequences {
            assert!(
                !sequence.is_empty() && sequence.len().is_multiple_of(inputs),
                "a sequence of {} values is not a positive number of frames of {inputs}",
                sequence.len()
            );
        }
        self.inputs = inputs;
        self.given.clear();
        self.order.clear();
        self.order.extend(0..sequences.len());
        self.order.sort_by_key(|&i| std::cmp::Reverse(length(i)));
        self.lengths.clear();
        self.lengths.extend(self.order.iter().map(|&i| length(i)));
        self.rows.clear();
        let mut running = self.lengths.len();
        for t in 0..self.lengths.first().copied().unwrap_or(0) {
            while self.lengths[running - 1] <= t {
                running -= 1;
            }
            self.rows.push(running);
        }
        fit(&mut self.data, self.rows.len() * sequences.len() * inputs);
        for (row, &i) in self.order.iter().enumerate() {
            for (t, frame) in sequences[i].chunks_exact(inputs).enumerate() {
                let to = &mut self.data[(t * sequences.len() + row) * inputs..][..inputs];
                to.iter_mut().zip(frame).for_each(|(to, x)| *to = F::of((*x).into()));
            }
        }
    }

    /// The frames.
    pub fn frames(&self) -> Frames<'_, F> {
        Frames { data: &self.data, rows: &self.rows, size: self.order.len(), width: self.inputs }
    }

    /// Takes what the network in integers computed, for each sequence given to [`Batch::fill`] a list with the states of each layer of
    /// the recipe.
    pub fn give(&mut self, sequences: &[Vec<IntegerStates>]) {
        let layers = sequences.first().map_or(0, Vec::len);
        self.given.resize_with(layers, Given::default);
        for (layer, given) in self.given.iter_mut().enumerate() {
            let rows: Vec<&IntegerStates> = self.order.iter().map(|&i| &sequences[i][layer]).collect();
            given.fill(&rows);
        }
    }

    /// What takes the place of each layer's output; empty where the layers compute their own.
    pub fn given(&self) -> &[Given<F>] {
        &self.given
    }

    /// For every row, which of the sequences given to [`Batch::fill`] it holds.
    pub fn order(&self) -> &[usize] {
        &self.order
    }

    /// Length of every row's sequence.
    pub fn lengths(&self) -> &[usize] {
        &self.lengths
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn longest_first_and_time_major() {
        let mut batch = Batch::<f32>::default();
        batch.fill::<f32>(&[&[1.0, 2.0], &[3.0, 4.0, 5.0, 6.0, 7.0, 8.0], &[9.0, 10.0, 11.0, 12.0]], 2);
        assert_eq!(batch.order(), [1, 2, 0]);
        assert_eq!(batch.lengths(), [3, 2, 1]);
        let frames = batch.frames();
        assert_eq!(frames.rows, [3, 2, 1]);
        assert_eq!(frames.step(0), [3.0, 4.0, 9.0, 10.0, 1.0, 2.0]);
        assert_eq!(frames.step(1), [5.0, 6.0, 11.0, 12.0]);
        assert_eq!(frames.step(2), [7.0, 8.0]);
    }
}
