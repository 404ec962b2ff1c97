//! A board on a serial line as a device: each question is asked until its answer comes, or the time is over.

use anyhow::{Context, Result, bail, ensure};
use elman_messages::{Answer, BufferSizes, Hello, Receiver, Reply, Request, Scan, encode, parse};
use embedded_io_adapters::std::FromStd;
use std::hash::{BuildHasher, RandomState};
use std::io::{ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use crate::device::{Channel, Device, Script, check, same_version};
use crate::emulated::offsets;

/// How long a board is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// For the answer to a question the first time, twice as long the second, and so on.
    pub first: Duration,
    /// How often a question is asked again before it is given up.
    pub retries: u32,
    /// For everything together.
    pub limit: Duration,
}

impl Default for Patience {
    /// A second for the first answer, five repeats (63 seconds for a question; 15 for the first one), ten minutes for
    /// everything.
    fn default() -> Self {
        Patience { first: Duration::from_secs(1), retries: 5, limit: Duration::from_secs(600) }
    }
}

/// A line to a board.
#[derive(Debug)]
pub struct Port<L> {
    name: String,
    line: L,
    patience: Patience,
    asked_again: u64,
}

/// Bytes of the longest frame that is taken before the board has said how long its frames are.
const LONGEST: u32 = 64 * 1024;
/// How long a board is asked whether it is there: four times, with the patience that is usual.
const HELLO_LIMIT: Duration = Duration::from_secs(15);
/// How long one read of the line waits.
const READ: Duration = Duration::from_millis(20);

/// A serial port that may go away and come back, as that of a board on USB does when it restarts.
#[derive(Debug)]
pub struct Serial {
    path: String,
    port: Option<Box<dyn serialport::SerialPort>>,
}

impl Serial {
    fn open(path: &str) -> serialport::Result<Box<dyn serialport::SerialPort>> {
        serialport::new(path, 115_200).timeout(READ).open()
    }

    /// Does something with the port, where it is there. Where it went away it may come back in time.
    fn with<T>(
        &mut self,
        act: impl FnOnce(&mut dyn serialport::SerialPort) -> std::io::Result<T>,
    ) -> std::io::Result<T> {
        if self.port.is_none() {
            std::thread::sleep(READ);
            self.port = Serial::open(&self.path).ok();
        }
        let Some(port) = &mut self.port else { return Err(ErrorKind::TimedOut.into()) };
        act(port.as_mut()).map_err(|error| {
            if !is_time_out(&error) {
                self.port = None;
            }
            ErrorKind::TimedOut.into()
        })
    }
}

impl Read for Serial {
    fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
        self.with(|port| match port.read(to) {
            // The end of a file: the device is no longer there.
            Ok(0) if !to.is_empty() => Err(ErrorKind::BrokenPipe.into()),
            read => read,
        })
    }
}

impl Write for Serial {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.with(|port| port.write(bytes))
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.with(|port| port.flush())
    }
}

impl Port<Serial> {
    /// Opens a serial port.
    ///
    /// # Errors
    /// Where it cannot be opened.
    pub fn open(path: &str, patience: Patience) -> Result<Self> {
        let port = Serial::open(path).with_context(|| {
            format!("cannot open the serial port {path}; is the board connected, and the port yours?")
        })?;
        Ok(Port::new(path, Serial { path: path.to_owned(), port: Some(port) }, patience))
    }
}

impl<L: Read + Write> Port<L> {
    /// Over any line. A read of it must not wait for ever: it ends with an error of kind `TimedOut` or `WouldBlock`.
    pub fn new(name: &str, line: L, patience: Patience) -> Self {
        Port { name: name.to_owned(), line, patience, asked_again: 0 }
    }

    /// Greets the board and runs a script with it, whatever model it runs; what the script gives.
    pub(crate) fn converse<T>(&mut self, script: impl FnOnce(&Hello, &mut dyn Channel) -> Result<T>) -> Result<T> {
        let mut buffers = [0; 2].map(|_: u8| vec![0; LONGEST as usize]);
        let [received, sent] = &mut buffers;
        let mut conversation = Conversation {
            line: FromStd::new(Tap { line: &mut self.line, last: Vec::new() }),
            receiver: Receiver::new(received),
            sent,
            // By chance, so that no reply of an earlier conversation is taken for one of this.
            sequence: RandomState::new().hash_one(0) as u32,
            patience: self.patience,
            begun: Instant::now(),
            sizes: BufferSizes { frame: LONGEST, ..BufferSizes::default() },
            asked_again: &mut self.asked_again,
            echoed: false,
            answer: Vec::new(),
        };
        let hello = conversation.hello()?;
        same_version(hello.version, hello.schema)?;
        conversation.sizes = hello.sizes;
        script(&hello, &mut conversation)
    }

    pub(crate) fn patience(&self) -> Patience {
        self.patience
    }

    /// Does something in which no question is asked twice.
    pub(crate) fn once<T>(&mut self, act: impl FnOnce(&mut Self) -> T) -> T {
        let patience = self.patience;
        self.patience.retries = 0;
        let done = act(self);
        self.patience = patience;
        done
    }

    /// How often a question was asked again.
    pub fn asked_again(&self) -> u64 {
        self.asked_again
    }
}

impl<L: Read + Write> Device for Port<L> {
    fn name(&self) -> &str {
        &self.name
    }

    fn is_board(&self) -> bool {
        true
    }

    fn instructions(&self, ticks: f64) -> f64 {
        ticks
    }

    fn talk(&mut self, crc: u32, script: Script<'_>) -> Result<Hello> {
        self.converse(|hello, channel| {
            check(hello, crc)?;
            script(channel)?;
            Ok(*hello)
        })
    }
}

/// What came of waiting for a reply.
enum Wait {
    /// It is in the receiver.
    Reply,
    /// A frame came damaged, or the board asks for the question again.
    Damaged,
    /// Nothing came in time.
    Nothing,
}

/// A line, and what came last over it.
struct Tap<'p, L> {
    line: &'p mut L,
    last: Vec<u8>,
}

/// Bytes that are kept of what came.
const KEPT: usize = 256;

impl<L: Read> Read for Tap<'_, L> {
    fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
        let n = self.line.read(to)?;
        self.last.extend_from_slice(&to[..n]);
        self.last.drain(..self.last.len().saturating_sub(KEPT));
        Ok(n)
    }
}

impl<L: Write> Write for Tap<'_, L> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.line.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.line.flush()
    }
}

impl<L> Tap<'_, L> {
    /// The last whole line of text that came, if what came is text.
    fn text(&self) -> Option<&str> {
        let lines = || self.last.split(|b| matches!(b, b'\r' | b'\n' | 0)).map(<[u8]>::trim_ascii);
        let line = lines().rev().skip(1).chain(lines().next_back()).find(|line| line.len() > 3)?;
        let line = std::str::from_utf8(line).ok()?;
        (!line.contains(char::is_control)).then_some(line)
    }
}

struct Conversation<'p, L> {
    line: FromStd<Tap<'p, L>>,
    receiver: Receiver<'p>,
    sent: &'p mut [u8],
    sequence: u32,
    patience: Patience,
    begun: Instant,
    sizes: BufferSizes,
    asked_again: &'p mut u64,
    /// Whether a question came back.
    echoed: bool,
    answer: Vec<u8>,
}

impl<L: Read + Write> Conversation<'_, L> {
    fn hello(&mut self) -> Result<Hello> {
        match self.exchange(Request::Hello)? {
            Reply::Hello(hello) => Ok(hello),
            reply => bail!("the board answered a hello by {reply:?}"),
        }
    }

    /// Asks until the reply comes.
    fn exchange(&mut self, request: Request<'_>) -> Result<Reply<'_>> {
        self.sequence = self.sequence.wrapping_add(1);
        let most = self.sent.len().min(self.sizes.frame as usize);
        let length = encode(self.sequence, &request, &mut self.sent[..most])?.len();
        // A frame that comes damaged is asked for at once, but noise must not use up the repeats.
        let mut damaged = 0;
        // Whether there is a board at all shows soon.
        let first = matches!(request, Request::Hello);
        let (retries, mut asked) = (self.patience.retries, 0);
        for attempt in 0..=retries {
            let until = Instant::now() + self.patience.first * 2u32.saturating_pow(attempt);
            let until = until.min(self.begun + self.patience.limit);
            self.write(length, until)?;
            loop {
                match self.wait(until)? {
                    Wait::Reply => return self.reply(),
                    Wait::Damaged if damaged < self.patience.retries => {
                        damaged += 1;
                        *self.asked_again += 1;
                        self.write(length, until)?;
                    }
                    Wait::Damaged => {}
                    Wait::Nothing => break,
                }
            }
            ensure!(
                self.begun.elapsed() < self.patience.limit,
                "the board took more than the {} seconds that there are for all of it",
                self.patience.limit.as_secs_f32()
            );
            asked = attempt + 1;
            if first && self.begun.elapsed() >= HELLO_LIMIT {
                break;
            }
            *self.asked_again += u64::from(attempt < retries);
        }
        ensure!(
            !self.echoed,
            "the line sends back what is written to it, and nothing else; is a board at its other end?"
        );
        if let Some(text) = self.line.inner().text() {
            bail!(
                "the board was asked {asked} times and sends text instead, `{text}`; its firmware is not one of boards/"
            );
        }
        bail!(
            "the board does not answer: it was asked {} times; is its firmware the one of boards/, and the line's other end \
             the right one?",
            asked
        )
    }

    /// The reply in the receiver.
    fn reply(&self) -> Result<Reply<'_>> {
        match parse::<Reply<'_>>(self.receiver.content())?.1 {
            Reply::Failure(failure) => Err(failure).context("the board did not do a request"),
            reply => Ok(reply),
        }
    }

    /// Waits for the reply to the last question.
    fn wait(&mut self, until: Instant) -> Result<Wait> {
        loop {
            match self.receiver.scan() {
                Scan::Damaged => return Ok(Wait::Damaged),
                Scan::Frame => match parse::<Reply<'_>>(self.receiver.content()) {
                    Ok((_, Reply::Again)) => return Ok(Wait::Damaged),
                    Ok((sequence, _)) if sequence == self.sequence => return Ok(Wait::Reply),
                    // Of a question that was asked again although its answer was on its way.
                    Ok(_) => {}
                    Err(unreadable) => {
                        // A question that comes back is no reply.
                        if parse::<Request<'_>>(self.receiver.content()).is_ok_and(|(s, _)| s == self.sequence) {
                            self.echoed = true;
                            continue;
                        }
                        if let Some((version, schema)) = Hello::peek(self.receiver.content()) {
                            same_version(version, schema)?;
                        }
                        return Err(unreadable).context("a reply of the board");
                    }
                },
                Scan::More => match self.receiver.fill(&mut self.line) {
                    Ok(0) => bail!("the line ended"),
                    Ok(_) if Instant::now() < until => {}
                    Ok(_) => return Ok(Wait::Nothing),
                    Err(e) if is_time_out(&e) => {
                        if Instant::now() >= until {
                            return Ok(Wait::Nothing);
                        }
                    }
                    Err(e) => return Err(e).context("the line to the board"),
                },
            }
        }
    }

    /// Writes the question, as fast as the line takes it.
    fn write(&mut self, length: usize, until: Instant) -> Result<()> {
        let mut rest = &self.sent[..length];
        while !rest.is_empty() {
            match self.line.inner_mut().write(rest) {
                Ok(0) => bail!("the line ended"),
                Ok(count) => rest = &rest[count..],
                // It was never begun or is cut off: the board drops it, and is asked again.
                Err(e) if is_time_out(&e) && Instant::now() >= until => return Ok(()),
                Err(e) if is_time_out(&e) => {}
                Err(e) => return Err(e).context("the line to the board"),
            }
        }
        match self.line.inner_mut().flush() {
            Err(e) if !is_time_out(&e) => Err(e).context("the line to the board"),
            _ => Ok(()),
        }
    }
}

fn is_time_out(e: &std::io::Error) -> bool {
    matches!(e.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

impl<L: Read + Write> Channel for Conversation<'_, L> {
    fn sizes(&self) -> BufferSizes {
        self.sizes
    }

    fn ask(&mut self, request: Request<'_>, expected: usize) -> Result<Option<Answer<'_>>> {
        let most = self.sizes.payload();
        let mut bytes = std::mem::take(&mut self.answer);
        bytes.clear();
        let (outcome, length) = match self.exchange(request)? {
            Reply::Answer(answer) => {
                bytes.extend_from_slice(answer.bytes);
                (answer.outcome, answer.length as usize)
            }
            reply => bail!("the board answered {reply:?}"),
        };
        ensure!(length <= expected, "an answer of {length} bytes instead of {expected}");
        for offset in offsets(length, most) {
            match self.exchange(Request::Read { offset: offset as u32 })? {
                Reply::Bytes(more) => bytes.extend_from_slice(more),
                reply => bail!("the board answered {reply:?}"),
            }
        }
        self.answer = bytes;
        ensure!(self.answer.len() == length, "{} bytes of an answer of {length}", self.answer.len());
        Ok(Some(Answer { outcome, length: length as u32, bytes: &self.answer }))
    }
}
