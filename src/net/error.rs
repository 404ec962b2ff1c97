//! Errors from running a model.

use core::fmt;

use crate::blob::Structure;
use crate::memory::MemoryError;
use crate::{audio, detect, text};

/// Why a model cannot run as asked for. States stay as they were.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum RunError {
    /// The caller's memory is too small.
    Memory(MemoryError),
    /// The model's structure runs in another way, e.g. as a tree and not as a stream.
    WrongRunner {
        /// The model's structure.
        structure: Structure,
    },
    /// The model cannot listen: it has no front end or no detector.
    NotAListener {
        /// Whether it has an audio front end.
        front_end: bool,
        /// Whether it has a detector.
        detector: bool,
    },
    /// A layer reads backward, so that the model runs whole sequences and no stream.
    SequenceOnly {
        /// Steps of its longest sequence.
        max_steps: usize,
    },
    /// A frame of another length than the model reads in a step.
    FrameLength {
        /// Elements required.
        required: usize,
        /// Elements provided.
        provided: usize,
    },
    /// A sequence that is no whole number of frames.
    Frames {
        /// Elements provided.
        elements: usize,
        /// Elements of a frame.
        inputs: usize,
    },
    /// A sequence longer than the memory can hold.
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
    /// A graph without a frame for each node, or without as many features for each edge as the model reads.
    GraphFeatures {
        /// Elements of the nodes' frames.
        node_elements: usize,
        /// Elements that the nodes require.
        node_required: usize,
        /// Elements of the edges' features.
        edge_elements: usize,
        /// Elements that the edges require.
        edge_required: usize,
    },
    /// More nodes than the memory can hold, or fewer than the structure has roots.
    Nodes {
        /// Nodes provided.
        nodes: usize,
        /// Fewest nodes.
        least: usize,
        /// Most nodes.
        most: usize,
    },
    /// A child that does not come before its node: a forward reference, a cycle, or a node that is not there.
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
        /// Frames provided.
        frames: usize,
    },
    /// More states are required at a time than there are slots for.
    Slots {
        /// Slots required.
        required: usize,
        /// Slots in the memory.
        provided: usize,
    },
    /// The snapshot is of another model, or not a snapshot.
    Snapshot {
        /// CRC of the model, which marks its snapshots.
        model: u32,
        /// The mark found.
        found: u32,
    },
    /// The audio front end's parameters are invalid.
    Audio(audio::Error),
    /// The detector's parameters are invalid.
    Detect(detect::Error),
    /// A text cannot be read.
    Text(text::Error),
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            RunError::Memory(error) => error.fmt(f),
            RunError::WrongRunner { structure } => match structure {
                Structure::Sequence => {
                    f.write_str("the model is a sequence: run it with `Model::stream` or `Model::sequence`")
                }
                Structure::Seq2seq { .. } => {
                    f.write_str("the model is an encoder-decoder: run it with `Model::seq2seq`")
                }
                Structure::Tree { .. } => f.write_str("the model is a tree: run it with `Model::tree`"),
                Structure::Graph { .. } => f.write_str("the model is a graph network: run it with `Model::graph`"),
            },
            RunError::NotAListener { front_end, detector } => {
                let has = |yes: bool| if yes { "has" } else { "has no" };
                write!(
                    f,
                    "the model {} audio front end and {} detector: a listener needs both; train on sound and run \
                     `elman calibrate`",
                    has(front_end),
                    has(detector)
                )
            }
            RunError::SequenceOnly { max_steps } => write!(
                f,
                "a layer reads backward: run sequences of up to {max_steps} steps with `Model::sequence` instead of a stream"
            ),
            RunError::FrameLength { required, provided } => {
                write!(f, "a frame of {provided} elements, {required} are required: provide one frame a step")
            }
            RunError::Frames { elements, inputs } => {
                write!(f, "{elements} elements are no whole number of frames of {inputs}: provide whole frames")
            }
            RunError::TooLong { steps, most } => {
                write!(f, "a sequence of {steps} steps, at most {most} fit: split it or provide more memory")
            }
            RunError::Nodes { nodes, least, most } => {
                write!(f, "{nodes} nodes, {least} to {most} are possible: the model's limit is part of its recipe")
            }
            RunError::Child { node, child } => {
                write!(
                    f,
                    "node {node} has child {child}, which does not come before it: order nodes after their children"
                )
            }
            RunError::LeafFrame { node, frame, frames } => {
                write!(f, "leaf {node} reads frame {frame}, but there are {frames} frames: provide one for each leaf")
            }
            RunError::Slots { required, provided } => {
                write!(
                    f,
                    "{required} states are required at a time, {provided} slots are provided: order nodes depth first"
                )
            }
            RunError::Snapshot { model, found } => write!(
                f,
                "the snapshot is marked {found:#010x}, this model's are {model:#010x}: restore a snapshot of the same blob"
            ),
            RunError::Audio(error) => write!(f, "audio front end: {error}"),
            RunError::Detect(error) => write!(f, "detector: {error}"),
            RunError::Text(error) => write!(f, "text: {error}"),
            RunError::GraphOffset { .. }
            | RunError::GraphNeighbour { .. }
            | RunError::GraphTooLarge { .. }
            | RunError::GraphFeatures { .. } => self.fmt_graph(f),
        }
    }
}

impl RunError {
    /// What is wrong with a graph.
    fn fmt_graph(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            RunError::GraphOffset { node, offset, before, edges } => write!(
                f,
                "offset {node} of the graph's rows is {offset} after {before}: offsets begin with 0, never fall and end with \
                 the number of neighbours, {edges}"
            ),
            RunError::GraphNeighbour { edge, neighbour, nodes } => {
                write!(f, "edge {edge} names node {neighbour}, but the graph has {nodes} nodes")
            }
            RunError::GraphTooLarge { nodes, max_nodes, edges, max_edges, degree, max_degree } => write!(
                f,
                "a graph of {nodes} nodes (at most {max_nodes}), {edges} edges (at most {max_edges}) and {degree} neighbours of \
                 a node (at most {max_degree}): the limits are part of the model's recipe"
            ),
            RunError::GraphFeatures { node_elements, node_required, edge_elements, edge_required } => write!(
                f,
                "{node_elements} elements for the nodes, {node_required} are required; {edge_elements} for the edges, \
                 {edge_required} are required: provide a frame for each node and the features of each edge"
            ),
            _ => Ok(()),
        }
    }
}

impl core::error::Error for RunError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            RunError::Memory(error) => Some(error),
            RunError::Audio(error) => Some(error),
            RunError::Detect(error) => Some(error),
            RunError::Text(error) => Some(error),
            _ => None,
        }
    }
}

impl From<MemoryError> for RunError {
    fn from(error: MemoryError) -> Self {
        RunError::Memory(error)
    }
}

impl From<audio::Error> for RunError {
    fn from(error: audio::Error) -> Self {
        RunError::Audio(error)
    }
}

impl From<detect::Error> for RunError {
    fn from(error: detect::Error) -> Self {
        RunError::Detect(error)
    }
}

impl From<text::Error> for RunError {
    fn from(error: text::Error) -> Self {
        RunError::Text(error)
    }
}
