//! A device that answers the messages of `elman_messages`: an emulated core over files, or a board over a serial line.

use anyhow::{Result, bail, ensure};
use elman_messages::{Answer, BufferSizes, Hello, Outcome, Part, Request, SCHEMA, Task, VERSION};

/// A device. What is asked of it is a script, a closure that asks one question after the other: it is run twice where the
/// questions go into a file before the first answer comes.
pub trait Device {
    /// Name of the core, or what it is reached by.
    fn name(&self) -> &str;

    /// Executed instructions in ticks of its clock, where it counts these; else the ticks.
    fn instructions(&self, ticks: f64) -> f64;

    /// Whether it is a board on a line, whose ticks are of a clock, and not an emulated core, which counts instructions.
    fn is_board(&self) -> bool;

    /// Runs a script on the device, which must run the model of this CRC; how it introduced itself.
    ///
    /// # Errors
    /// Where the device does not answer, runs another model, or does not do a request; and the script's own.
    fn talk(&mut self, crc: u32, script: Script<'_>) -> Result<Hello>;
}

/// What is asked of a device.
pub type Script<'s> = &'s mut dyn FnMut(&mut dyn Channel) -> Result<()>;

/// Where questions go and answers come from.
pub trait Channel {
    /// The device's buffers.
    fn sizes(&self) -> BufferSizes;

    /// Asks; `expected` are the most bytes that the answer may have. `None` where answers come later, in a second run of the
    /// script: then nothing but the next question may depend on it.
    ///
    /// # Errors
    /// Where the device does not answer, or does not do it.
    fn ask(&mut self, request: Request<'_>, expected: usize) -> Result<Option<Answer<'_>>>;
}

/// Starts a task.
pub(crate) fn start(channel: &mut dyn Channel, task: Task) -> Result<()> {
    done(channel, Request::Start(task))
}

/// Asks for what gives nothing but that it was done.
pub(crate) fn done(channel: &mut dyn Channel, request: Request<'_>) -> Result<()> {
    match channel.ask(request, 0)? {
        None | Some(Answer { outcome: Outcome::Done, .. }) => Ok(()),
        Some(answer) => Err(unexpected(&answer)),
    }
}

/// Sends numbers of a part of an example, in as many messages as they take.
pub(crate) fn append(channel: &mut dyn Channel, part: Part, numbers: &[u8]) -> Result<()> {
    let most = channel.sizes().payload().max(4);
    numbers.chunks(most).try_for_each(|numbers| done(channel, Request::Append { part, numbers }))
}

/// The error of an answer to something else.
pub(crate) fn unexpected(answer: &Answer<'_>) -> anyhow::Error {
    anyhow::anyhow!("the device answered something else: {:?}", answer.outcome)
}

/// That a device speaks this version and runs the model of this CRC.
pub(crate) fn check(hello: &Hello, crc: u32) -> Result<()> {
    same_version(hello.version, hello.schema)?;
    ensure!(
        hello.crc == crc,
        "the device runs another model: CRC {:08x} instead of {crc:08x}; flash this one",
        hello.crc
    );
    Ok(())
}

/// That a device speaks this version.
pub(crate) fn same_version(version: u16, schema: u64) -> Result<()> {
    if (version, schema) == (VERSION, SCHEMA) {
        return Ok(());
    }
    bail!(
        "the device speaks version {version} of the protocol with schema {schema:016x}, this program {VERSION} with \
         {SCHEMA:016x}: build its firmware from this version's boards/, and flash it"
    )
}

/// Numbers of 16 bits as bytes.
pub(crate) fn bytes_of(numbers: impl IntoIterator<Item = i16>) -> Vec<u8> {
    numbers.into_iter().flat_map(i16::to_le_bytes).collect()
}
