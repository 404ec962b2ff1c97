//! Why a blob, a memory or a snapshot is refused.

use crate::kernel::Layout;
use crate::{Feature, audio, detect};

/// A refusal, with the numbers that a user needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Error {
    /// Fewer bytes than a frame has.
    TooShort {
        /// Bytes of the blob.
        bytes: usize,
    },
    /// Not an elman blob.
    Magic {
        /// Its first word.
        found: u32,
    },
    /// A format of another version.
    Version {
        /// The blob's.
        found: u16,
        /// This crate's.
        supported: u16,
    },
    /// Weights laid out for another kind of core.
    Layout {
        /// The number of the blob's, [`Layout::of`].
        found: u16,
        /// What this build's kernels read; `None` where they read every one.
        reads: Option<Layout>,
    },
    /// Truncated or extended.
    Length {
        /// Bytes that the frame says.
        said: u32,
        /// Bytes there are.
        bytes: usize,
    },
    /// Tables of cells and layers other than this crate's.
    Schema {
        /// The blob's.
        found: u32,
        /// This crate's.
        supported: u32,
    },
    /// Descriptor, weights and CRC do not fill the blob.
    Parts {
        /// Bytes of the descriptor.
        descriptor: u32,
        /// Offset of the weights.
        offset: u32,
        /// Bytes of the weights.
        weights: u32,
        /// Bytes of the blob.
        total: u32,
    },
    /// Damaged.
    Crc {
        /// CRC at the end of the blob.
        found: u32,
        /// CRC of the blob.
        computed: u32,
    },
    /// The descriptor is not canonical postcard of this shape.
    Descriptor,
    /// No layers, or none that computes.
    NoLayers,
    /// A layer of unknown kind.
    UnknownLayer {
        /// Number of the layer.
        layer: u8,
        /// Its tag.
        tag: u8,
        /// Its variant.
        variant: u8,
    },
    /// A width of 0 or beyond [`super::MAX_WIDTH`].
    Width {
        /// Number of the layer.
        layer: u8,
        /// Inputs.
        inputs: u16,
        /// Outputs.
        units: u16,
    },
    /// A layer does not take what the one before gives (or the front end, for layer 0).
    Joint {
        /// Number of the layer.
        layer: u8,
        /// Elements it takes.
        inputs: u16,
        /// Elements it is given.
        given: u16,
        /// Fraction bits it takes.
        frac: u8,
        /// Fraction bits it is given.
        given_frac: u8,
    },
    /// A number format that the layer cannot have.
    Format {
        /// Number of the layer.
        layer: u8,
        /// Fraction bits of the output.
        out_frac: u8,
        /// Fraction bits of the long state, or shift.
        long_frac: u8,
    },
    /// A layer's own numbers are not what its variant takes, or one that it does not have is not 0.
    Parameters {
        /// Number of the layer.
        layer: u8,
        /// Its numbers.
        params: [u16; 4],
        /// Its inputs.
        inputs: u16,
        /// Its outputs.
        units: u16,
    },
    /// A delay line longer than [`crate::cell::MAX_LINE_WORDS`].
    DelayLine {
        /// Number of the layer.
        layer: u8,
        /// Words that it needs.
        need: usize,
        /// Most words.
        most: usize,
    },
    /// A layer that reads backward carries no state, or does not stand behind a forward one with the same input
    /// and output format.
    Direction {
        /// Number of the layer.
        layer: u8,
    },
    /// A longest sequence is stated without a layer that reads backward, or the other way round.
    MaxSteps {
        /// The longest sequence stated.
        max_steps: u16,
        /// Whether a layer reads backward.
        backward: bool,
    },
    /// Feedback is missing where the output adds to the previous one, is not the whole output, does not fit the input, or goes to an input that is no plain frame: sound,
    /// symbols, or a sequence read backward.
    Feedback {
        /// Elements fed back.
        feedback: u16,
        /// Elements of the input.
        inputs: u16,
        /// Elements of the output.
        outputs: u16,
    },
    /// The structure cannot have so many chains, or they have not as many layers as there are.
    Chains {
        /// Chains.
        chains: usize,
        /// Layers of all of them.
        layers: usize,
    },
    /// A chain is not what its structure asks for there.
    Structure {
        /// Number of the chain.
        chain: u8,
    },
    /// The model runs in another way than was asked for: as its structure says. Or this build lacks the feature
    /// `structures`, without which models are sequences.
    Way {
        /// The model's structure.
        structure: super::Structure,
    },
    /// What a feature of the crate does that this build lacks.
    Lacks(Feature),
    /// The symbols of a text are not in ascending order, or one is empty.
    TextOrder {
        /// The symbol in the wrong place.
        symbol: usize,
    },
    /// The first layer has not as many symbols as the text, or takes none.
    TextSymbols {
        /// Symbols of the text, the unknown one included.
        symbols: usize,
        /// Symbols of the layer; 0 where it takes none.
        layer: usize,
    },
    /// The layers need another number of bytes of weights.
    WeightsLength {
        /// Words needed.
        need: usize,
        /// Words there are.
        have: usize,
    },
    /// A weight out of -127..=127, or biases not in the kernels' form.
    Packing {
        /// Number of the layer.
        layer: u8,
        /// Pass of the kernel.
        pass: u16,
    },
    /// A multiplier that is negative.
    Multiplier {
        /// Number of the layer.
        layer: u8,
        /// Pass of the kernel.
        pass: u16,
    },
    /// Σ|w|·32768 + |b| of a row reaches 2^31: an input could overflow the accumulator.
    Accumulator {
        /// Number of the layer.
        layer: u8,
        /// Pass of the kernel.
        pass: u16,
        /// Σ|w|
        weights: u32,
        /// b
        bias: i32,
    },
    /// The frame says other memory than the layers need.
    MemorySaid {
        /// Words said.
        said: u32,
        /// Words needed.
        need: usize,
    },
    /// Labels and outputs differ in number.
    Labels {
        /// Labels.
        labels: usize,
        /// Outputs of the last layer.
        outputs: u16,
    },
    /// The audio front end's parameters.
    Audio(audio::Error),
    /// The detector's parameters.
    Detect(detect::Error),
    /// The frame says other memory for the detector than it needs, or a model that is no stream has one.
    DetectorSaid {
        /// Words said.
        said: u32,
        /// Words needed.
        need: usize,
    },
    /// The model has no front end or no detector, so that it cannot listen.
    Deaf {
        /// Whether it has a front end.
        audio: bool,
        /// Whether it has a detector.
        detector: bool,
    },
    /// The caller's memory is too small.
    Memory {
        /// Words needed.
        need: usize,
        /// Words given.
        have: usize,
    },
    /// A layer reads backward, so that the model runs whole sequences and no stream.
    SequenceOnly {
        /// Its longest sequence.
        max_steps: usize,
    },
    /// A sequence that is no whole number of frames.
    Frames {
        /// Elements given.
        elements: usize,
        /// Elements of a frame.
        inputs: usize,
    },
    /// A sequence longer than the memory has room for.
    TooLong {
        /// Its steps.
        steps: usize,
        /// Most steps.
        most: usize,
    },
    /// The offsets of a graph's rows do not begin with 0, fall, or do not end with the number of neighbours.
    GraphOffset {
        /// Number of the offset; the number of offsets where the last is the wrong one.
        node: usize,
        /// The offset.
        offset: u32,
        /// The offset before it.
        before: u32,
        /// Neighbours in all rows.
        edges: usize,
    },
    /// A neighbour in a graph that is no node of it.
    GraphNeighbour {
        /// Number of the edge.
        edge: usize,
        /// The neighbour that it names.
        neighbour: u16,
        /// Nodes of the graph.
        nodes: usize,
    },
    /// A graph with more nodes, edges or neighbours of a node than the model was made for.
    GraphTooLarge {
        /// Nodes of the graph.
        nodes: usize,
        /// Most nodes.
        max_nodes: usize,
        /// Edges of the graph, an undirected one counted twice.
        edges: usize,
        /// Most edges.
        max_edges: usize,
        /// Most neighbours of a node of it.
        degree: usize,
        /// Most neighbours of a node.
        max_degree: usize,
    },
    /// What comes with a graph has not a frame for each node, or not as many features for each edge as the model reads.
    GraphFeatures {
        /// Elements of the nodes' frames.
        node_elements: usize,
        /// Elements that the nodes need.
        node_need: usize,
        /// Elements of the edges' features.
        edge_elements: usize,
        /// Elements that the edges need.
        edge_need: usize,
    },
    /// A pooling layer over more vectors, as the model states their number, than it adds up exactly.
    Aggregation {
        /// Number of the layer.
        layer: u8,
        /// Vectors that it can be given.
        steps: usize,
        /// Most vectors.
        most: usize,
    },
    /// More nodes than the memory has room for, or fewer than the structure has roots.
    Nodes {
        /// Nodes given.
        nodes: usize,
        /// Fewest nodes.
        least: usize,
        /// Most nodes.
        most: usize,
    },
    /// A child that does not stand before its node: a forward reference, a cycle, or a node that is not there.
    Child {
        /// Number of the node.
        node: usize,
        /// Number of its child.
        child: u16,
    },
    /// A leaf of a frame that is not there.
    LeafFrame {
        /// Number of the node.
        node: usize,
        /// Number of its frame.
        frame: u16,
        /// Frames given.
        frames: usize,
    },
    /// More states are needed at a time than there are slots for.
    Slots {
        /// Slots needed.
        need: usize,
        /// Slots there are.
        have: usize,
    },
    /// The snapshot is of another model, or not a snapshot.
    Snapshot {
        /// The model's CRC, which marks its snapshots.
        model: u32,
        /// The mark found.
        found: u32,
    },
}

impl core::fmt::Display for Error {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Error::Layout { found, reads } = *self else { return core::fmt::Debug::fmt(self, f) };
        let list = |f: &mut core::fmt::Formatter<'_>, layout: Layout| {
            write!(f, "`{}`, the layout of", layout.name())?;
            layout.cores().iter().try_for_each(|core| write!(f, " {core}"))
        };
        match Layout::of(found) {
            Some(layout) => {
                f.write_str("the weights lie as ")?;
                list(f, layout)?;
            }
            None => write!(f, "the weights lie in a layout {found} that this version does not know")?,
        }
        f.write_str("; these kernels read ")?;
        match reads {
            Some(layout) => list(f, layout),
            None => f.write_str("every layout that there is"),
        }
    }
}

impl core::error::Error for Error {}
