//! The four structures that run whole examples.

use elman::net::{CsrRows, Graph, Node, Output, Outputs, RunError, Seq2seq, Sequence, Tree};
use elman_messages::Outcome;

use crate::Clock;

/// An example.
pub(crate) struct Input<'w> {
    pub frames: &'w [i16],
    pub nodes: &'w [Node],
    /// Of the edges.
    pub features: &'w [i16],
    pub offsets: &'w [u32],
    pub neighbours: &'w [u16],
}

/// The numbers of an answer, one after the other, and how many they are, whether they fit or not.
pub(crate) struct Record<'w> {
    numbers: &'w mut [i16],
    length: usize,
}

impl<'w> Record<'w> {
    pub(super) fn new(numbers: &'w mut [i16]) -> Self {
        Record { numbers, length: 0 }
    }

    fn push(&mut self, numbers: &[i16]) {
        let free = self.numbers.get_mut(self.length..).unwrap_or_default();
        free.iter_mut().zip(numbers).for_each(|(to, x)| *to = *x);
        self.length = self.length.saturating_add(numbers.len());
    }

    fn outputs(&mut self, outputs: &Outputs<'_>) {
        outputs.iter().for_each(|y| self.push(y.logits));
    }

    /// How many there are; as an error where they do not fit.
    pub(super) fn numbers(&self) -> Result<usize, usize> {
        if self.length <= self.numbers.len() { Ok(self.length) } else { Err(self.length) }
    }
}

/// A net that runs whole examples.
pub(crate) trait Net {
    /// Whether the frames are the nodes of a graph.
    const GRAPH: bool = false;

    /// Elements of a frame.
    fn inputs(&self) -> usize;

    /// Elements known of each edge.
    fn edge_features(&self) -> usize {
        0
    }

    /// Runs an example and counts its ticks; the answers go to `record`.
    fn run(&mut self, input: Input<'_>, record: &mut Record<'_>, clock: &impl Clock) -> Result<Outcome, RunError>;
}

/// A whole sequence and its ticks. Never inlined, like those below, so that what surrounds it stays out of the count.
#[inline(never)]
fn counted_sequence<'s>(
    net: &'s mut Sequence<'_, '_>,
    frames: &[i16],
    clock: &impl Clock,
) -> (u32, Option<Result<Outputs<'s>, RunError>>) {
    let mut outputs = None;
    let ticks = clock.measure(|| outputs = Some(net.run(frames)));
    (ticks, outputs)
}

impl Net for Sequence<'_, '_> {
    fn inputs(&self) -> usize {
        self.model().inputs()
    }

    fn run(&mut self, input: Input<'_>, record: &mut Record<'_>, clock: &impl Clock) -> Result<Outcome, RunError> {
        let (ticks, outputs) = counted_sequence(self, input.frames, clock);
        if let Some(outputs) = outputs {
            record.outputs(&outputs?);
        }
        Ok(Outcome::Outputs { ticks })
    }
}

impl Net for Seq2seq<'_, '_> {
    fn inputs(&self) -> usize {
        self.model().inputs()
    }

    fn run(&mut self, input: Input<'_>, record: &mut Record<'_>, clock: &impl Clock) -> Result<Outcome, RunError> {
        let most = self.max_outputs();
        let mut written = None;
        let ticks = clock.measure(|| written = Some(Seq2seq::run(self, input.frames)));
        let (mut symbols, mut log2_p) = (0, 0);
        if let Some(written) = written {
            let written = written?;
            (symbols, log2_p) = (written.len() as u32, written.log2_p);
            written.symbols().for_each(|symbol| record.push(&[symbol as i16]));
        }
        // As many as the PC expects, whatever was written.
        for _ in symbols as usize..most {
            record.push(&[0]);
        }
        Ok(Outcome::Written { ticks, symbols, log2_p })
    }
}

#[inline(never)]
fn counted_tree(tree: &mut Tree<'_, '_>, frames: &[i16], nodes: &[Node], clock: &impl Clock) -> u32 {
    clock.measure(|| {
        let _ = tree.run(frames, nodes);
    })
}

impl Net for Tree<'_, '_> {
    fn inputs(&self) -> usize {
        self.model().inputs()
    }

    fn run(&mut self, input: Input<'_>, record: &mut Record<'_>, clock: &impl Clock) -> Result<Outcome, RunError> {
        let ticks = counted_tree(self, input.frames, input.nodes, clock);
        self.run_each(input.frames, input.nodes, |_, y: Output<'_>| record.push(y.logits))?;
        Ok(Outcome::Outputs { ticks })
    }
}

#[inline(never)]
fn counted_graph(
    graph: &mut Graph<'_, '_>,
    frames: &[i16],
    rows: CsrRows<'_>,
    edges: &[i16],
    clock: &impl Clock,
) -> u32 {
    clock.measure(|| {
        let _ = graph.run(frames, rows, edges);
    })
}

impl Net for Graph<'_, '_> {
    const GRAPH: bool = true;

    fn inputs(&self) -> usize {
        self.model().inputs()
    }

    fn edge_features(&self) -> usize {
        Graph::edge_features(self)
    }

    fn run(&mut self, input: Input<'_>, record: &mut Record<'_>, clock: &impl Clock) -> Result<Outcome, RunError> {
        // A graph without nodes has one offset.
        let offsets = if input.offsets.is_empty() { &[0] } else { input.offsets };
        let rows = CsrRows::new(offsets, input.neighbours)?;
        let ticks = counted_graph(self, input.frames, rows, input.features, clock);
        record.outputs(&Graph::run(self, input.frames, rows, input.features)?);
        Ok(Outcome::Outputs { ticks })
    }
}
