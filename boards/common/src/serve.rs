//! Answers a PC: one task after the other, as it asks for them.

use elman::Model;
use elman::blob::Structure;
use elman::net::Node;
use elman_messages::{BufferSizes, Failure, Hello, Receiver, SCHEMA, Task, VERSION};
use embedded_io::{Read, Write};

use crate::Clock;
use crate::link::{Fault, Link, Session};
use crate::models::{NoSlots, Updates};
use crate::task::{Examples, FrontEnds, Listening, NotStarted, Streams, Texts};

/// Memory of a session.
#[derive(Debug)]
pub struct Workspace<'m> {
    /// The model's states, an example and its answer.
    pub words: &'m mut [u32],
    /// The nodes of a tree.
    pub nodes: &'m mut [Node],
    /// The longest frame that comes.
    pub received: &'m mut [u8],
    /// The longest frame that goes.
    pub sent: &'m mut [u8],
}

impl Workspace<'_> {
    fn sizes(&self) -> BufferSizes {
        BufferSizes {
            frame: self.received.len().min(self.sent.len()) as u32,
            words: self.words.len() as u32,
            nodes: self.nodes.len() as u32,
        }
    }
}

/// Which tasks a firmware has, a bit each: what is not named is not linked.
pub mod tasks {
    /// Steps of a stream.
    pub const STREAM: u8 = 1;
    /// Examples that are run whole.
    pub const EXAMPLES: u8 = 2;
    /// Text.
    pub const TEXT: u8 = 4;
    /// Listening.
    pub const LISTEN: u8 = 8;
    /// The front end by itself.
    pub const FRONT_END: u8 = 16;
    /// All of them.
    pub const ALL: u8 = STREAM | EXAMPLES | TEXT | LISTEN | FRONT_END;
}

/// Whether `all` has a task.
const fn has(all: u8, task: u8) -> bool {
    all & task != 0
}

/// Answers until `input` ends; the number of requests. `TASKS`: those of [`tasks`] that it does. `load_ticks`: what loading
/// the model took.
///
/// # Errors
/// [`Fault`]: input or output failed, or not even a failure fits into a frame.
pub fn serve<const TASKS: u8, I: Read, O: Write>(
    model: &Model<'_>,
    load_ticks: u32,
    workspace: Workspace<'_>,
    input: &mut I,
    output: &mut O,
    clock: &impl Clock,
) -> Result<u32, Fault<I::Error, O::Error>> {
    serve_with::<TASKS, I, O>(model, load_ticks, workspace, &mut NoSlots, (input, output), clock)
}

/// As [`serve()`], on a device that receives new models over the same line.
///
/// # Errors
/// As [`serve()`].
pub fn serve_with<const TASKS: u8, I: Read, O: Write>(
    model: &Model<'_>,
    load_ticks: u32,
    workspace: Workspace<'_>,
    updates: &mut dyn Updates,
    (input, output): (&mut I, &mut O),
    clock: &impl Clock,
) -> Result<u32, Fault<I::Error, O::Error>> {
    let sizes = workspace.sizes();
    let Workspace { words, nodes, received, sent } = workspace;
    // The first measurement pays for code that the second does not.
    clock.measure(|| ());
    let snapshot_words = model.stream(words).map_or(0, |stream| stream.snapshot_words() as u32);
    let hello = Hello {
        version: VERSION,
        schema: SCHEMA,
        crc: model.crc(),
        snapshot_words,
        empty_ticks: clock.measure(|| ()),
        load_ticks,
        sizes,
    };
    let mut link = Link::new(Session::new(hello, sent), Receiver::new(received), updates, input, output);
    let mut task = link.answer(&mut NotStarted)?;
    while let Some(started) = task {
        task = match started {
            Task::Stream if has(TASKS, tasks::STREAM) => link.run(|| Streams::new(model, words, clock))?,
            Task::Text { seed, temperature, top_k } if has(TASKS, tasks::TEXT) => {
                link.run(|| Texts::new(model, words, (seed, temperature, top_k), clock))?
            }
            Task::Listen if has(TASKS, tasks::LISTEN) => link.run(|| Listening::new(model, words, clock))?,
            Task::FrontEnd if has(TASKS, tasks::FRONT_END) => link.run(|| FrontEnds::new(model, words, clock))?,
            Task::Examples if has(TASKS, tasks::EXAMPLES) => match model.structure() {
                Structure::Sequence => link.run(|| Examples::new(model, words, nodes, clock, Model::sequence))?,
                Structure::Seq2seq { .. } => link.run(|| Examples::new(model, words, nodes, clock, Model::seq2seq))?,
                Structure::Tree { .. } => link.run(|| Examples::new(model, words, nodes, clock, Model::tree))?,
                Structure::Graph { .. } => link.run(|| Examples::new(model, words, nodes, clock, Model::graph))?,
            },
            _ => link.run(|| Err::<NotStarted, _>(Failure::NotLinked))?,
        };
    }
    Ok(link.answered())
}

/// The hello of a device that does no task over its line.
pub(crate) fn without_tasks(crc: u32, sizes: BufferSizes) -> Hello {
    Hello { version: VERSION, schema: SCHEMA, crc, snapshot_words: 0, empty_ticks: 0, load_ticks: 0, sizes }
}

/// Answers on a device whose slots have no model, until `input` ends: a model can be sent to it, and nothing else be done. The CRC
/// of its model is 0.
///
/// # Errors
/// As [`serve()`].
pub fn receive<I: Read, O: Write>(
    workspace: Workspace<'_>,
    updates: &mut dyn Updates,
    (input, output): (&mut I, &mut O),
) -> Result<u32, Fault<I::Error, O::Error>> {
    let hello = without_tasks(0, workspace.sizes());
    let Workspace { received, sent, .. } = workspace;
    let mut link = Link::new(Session::new(hello, sent), Receiver::new(received), updates, input, output);
    let mut task = link.answer(&mut NotStarted)?;
    while task.is_some() {
        task = link.run(|| Err::<NotStarted, _>(Failure::NoModel))?;
    }
    Ok(link.answered())
}
