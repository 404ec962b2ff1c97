//! What a PC asks of a device.

use postcard_schema::Schema;
use serde::{Deserialize, Serialize};

/// In place of a right child: the node is a leaf, and the left number is its frame.
pub const LEAF: u16 = u16::MAX;

/// What a PC asks. Numbers are 16 bits each, little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub enum Request<'a> {
    /// Who is there? It changes nothing, and is answered at any time by [`Reply::Hello`](crate::Reply::Hello).
    ///
    /// The first message of every version, so that versions recognise each other.
    Hello,
    /// Begins a task, in place of the one before, with states as at the start of a sequence.
    Start(Task),
    /// States as at the start of a sequence.
    Reset,
    /// One frame of a stream: as many numbers as the model has inputs. Without those that the model feeds back to itself, it
    /// runs in closed loop.
    Step(#[serde(with = "serde_bytes", borrow)] &'a [u8]),
    /// Samples of sound: at least one, at most a hop, so that they complete one frame at most.
    Samples(#[serde(with = "serde_bytes", borrow)] &'a [u8]),
    /// Symbols of the prompt, which the text goes on after.
    Prompt(#[serde(with = "serde_bytes", borrow)] &'a [u8]),
    /// Draws the next symbol.
    Draw,
    /// Begins an example that is run as a whole: how much of each part comes.
    Example(Example),
    /// The next numbers of a part of the example.
    Append {
        /// Which part.
        part: Part,
        /// Its numbers.
        #[serde(with = "serde_bytes", borrow)]
        numbers: &'a [u8],
    },
    /// Runs the example, all of whose parts have come.
    Run,
    /// More of the last answer's bytes.
    Read {
        /// The first of them.
        offset: u32,
    },
    /// What is in the device's slots for models, and a new model for them. Answered at any time, whatever task runs.
    #[serde(borrow)]
    Slots(Transfer<'a>),
}

/// A new model on its way to the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub enum Transfer<'a> {
    /// Nothing but how it is.
    Status,
    /// Begins the transfer of the model with this header; that of the same header goes on.
    Begin(#[serde(with = "serde_bytes", borrow)] &'a [u8]),
    /// The next bytes of its blob.
    Block {
        /// The first of them.
        offset: u32,
        /// The bytes.
        #[serde(with = "serde_bytes", borrow)]
        bytes: &'a [u8],
    },
    /// All bytes have come.
    Finish,
    /// Restarts the device, after it has answered.
    Restart,
}

/// What the requests that follow are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub enum Task {
    /// Steps of a stream: [`Request::Step`].
    Stream,
    /// Whole examples: [`Request::Example`], [`Request::Append`], [`Request::Run`].
    Examples,
    /// Text: [`Request::Prompt`], then [`Request::Draw`].
    Text {
        /// Seed of the sampler.
        seed: u64,
        /// Temperature, 12 fraction bits; at 0 the greatest logit is taken.
        temperature: u16,
        /// Draws among so many of the greatest logits; 0 for all.
        top_k: u16,
    },
    /// Listening, from samples to events: [`Request::Samples`].
    Listen,
    /// The audio front end by itself: [`Request::Samples`].
    FrontEnd,
}

/// How large an example is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub struct Example {
    /// Frames of a sequence, of a tree's leaves, or of a graph's nodes.
    pub frames: u32,
    /// Nodes of a tree.
    pub nodes: u32,
    /// Edges of a graph: neighbours of all nodes together.
    pub edges: u32,
}

/// A part of an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub enum Part {
    /// Frames, one after the other.
    Frames,
    /// Nodes of a tree, two numbers each: left and right child, or the frame of a leaf and [`LEAF`].
    Nodes,
    /// The features of each edge of a graph.
    Features,
    /// The number of neighbours of each node of a graph.
    Degrees,
    /// The neighbours, node after node.
    Neighbours,
}
