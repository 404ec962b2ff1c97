//! Requests in, replies out, whatever the task.

use elman_messages::{
    Answer, Failure, Hello, Outcome, Receiver, Reply, Request, Scan, Task, Transfer, Unreadable, encode, parse,
};
use embedded_io::{Read, Write};

use crate::models::Updates;

/// Why a session ended early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault<I, O> {
    /// The input failed.
    Input(I),
    /// The output failed.
    Output(O),
    /// The buffer of frames to send is too small: its bytes.
    Frame(usize),
}

/// Does the requests of one task.
pub(crate) trait Runner {
    /// Does a request; what it gave. Hello, start and read are not for tasks.
    fn answer(&mut self, request: Request<'_>) -> Result<Outcome, Failure>;

    /// The bytes that belong to the last outcome.
    fn bytes(&self) -> &[u8];
}

/// The line to a PC.
pub(crate) struct Link<'b, 'l, I, O> {
    hello: Hello,
    receiver: Receiver<'b>,
    /// The frame of the last reply, to be sent again where the PC asks again.
    sent: &'b mut [u8],
    length: usize,
    /// Sequence number of the last request.
    last: Option<u32>,
    /// Whether the last answer had bytes, which may be read.
    has_bytes: bool,
    answered: u32,
    updates: &'l mut dyn Updates,
    input: &'l mut I,
    output: &'l mut O,
}

impl<'b, 'l, I: Read, O: Write> Link<'b, 'l, I, O> {
    pub(crate) fn new(
        hello: Hello,
        receiver: Receiver<'b>,
        sent: &'b mut [u8],
        updates: &'l mut dyn Updates,
        input: &'l mut I,
        output: &'l mut O,
    ) -> Self {
        Link { hello, receiver, sent, length: 0, last: None, has_bytes: false, answered: 0, updates, input, output }
    }

    /// Requests answered.
    pub(crate) fn answered(&self) -> u32 {
        self.answered
    }

    /// Starts a task, and answers its requests; those of no task where it could not be started. What is started next;
    /// `None` at the end of input.
    ///
    /// Not inlined, so that the stack holds one task and not all of them.
    #[inline(never)]
    pub(crate) fn run<R: Runner>(
        &mut self,
        start: impl FnOnce() -> Result<R, Failure>,
    ) -> Result<Option<Task>, Fault<I::Error, O::Error>> {
        let sequence = self.last.unwrap_or(0);
        match &mut start() {
            Ok(runner) => {
                self.send(sequence, &Reply::Answer(Answer { outcome: Outcome::Done, length: 0, bytes: &[] }))?;
                self.answer(runner)
            }
            Err(failure) => {
                self.send(sequence, &Reply::Failure(*failure))?;
                self.answer(&mut crate::task::NotStarted)
            }
        }
    }

    /// Answers requests until one starts a task, which is given; `None` at the end of input.
    pub(crate) fn answer(&mut self, runner: &mut dyn Runner) -> Result<Option<Task>, Fault<I::Error, O::Error>> {
        loop {
            match self.receiver.scan() {
                Scan::More => {
                    if self.receiver.fill(self.input).map_err(Fault::Input)? == 0 {
                        return Ok(None);
                    }
                    continue;
                }
                Scan::Damaged => {
                    self.ask_again()?;
                    continue;
                }
                Scan::Frame => {}
            }
            let (sequence, request) = match parse::<Request<'_>>(self.receiver.content()) {
                Ok(parsed) => parsed,
                Err(Unreadable { sequence }) => {
                    self.send(sequence, &Reply::Failure(Failure::Unreadable))?;
                    continue;
                }
            };
            // The reply was lost: the request is done already.
            if self.last == Some(sequence) && request != Request::Hello {
                self.send_last()?;
                continue;
            }
            self.last = Some(sequence);
            let most = self.hello.sizes.payload();
            let reply = match request {
                Request::Hello => Reply::Hello(self.hello),
                Request::Start(task) => return Ok(Some(task)),
                Request::Read { offset } => {
                    let bytes = if self.has_bytes { runner.bytes() } else { &[] };
                    Reply::Bytes(part(bytes, offset as usize, most))
                }
                Request::Slots(transfer) => {
                    self.has_bytes = false;
                    match self.updates.transfer(transfer) {
                        Err(failure) => Reply::Failure(failure),
                        Ok(status) => Reply::Answer(Answer { outcome: Outcome::Slots(status), length: 0, bytes: &[] }),
                    }
                }
                request => {
                    let outcome = runner.answer(request);
                    if outcome.is_ok_and(|outcome| outcome != Outcome::Done) {
                        self.updates.ran();
                    }
                    self.has_bytes = outcome.is_ok_and(|outcome| outcome != Outcome::Done);
                    let bytes = if self.has_bytes { runner.bytes() } else { &[] };
                    match outcome {
                        Err(failure) => Reply::Failure(failure),
                        Ok(outcome) => {
                            Reply::Answer(Answer { outcome, length: bytes.len() as u32, bytes: part(bytes, 0, most) })
                        }
                    }
                }
            };
            let restarts = matches!(request, Request::Slots(Transfer::Restart)) && !matches!(reply, Reply::Failure(_));
            self.send(sequence, &reply)?;
            if restarts {
                self.updates.restart();
            }
        }
    }

    fn send(&mut self, sequence: u32, reply: &Reply<'_>) -> Result<(), Fault<I::Error, O::Error>> {
        self.length = encode(sequence, reply, self.sent).map_err(|e| Fault::Frame(e.provided))?.len();
        self.answered = self.answered.wrapping_add(1);
        self.send_last()
    }

    fn send_last(&mut self) -> Result<(), Fault<I::Error, O::Error>> {
        self.output.write_all(self.sent.get(..self.length).unwrap_or_default()).map_err(Fault::Output)?;
        self.output.flush().map_err(Fault::Output)
    }

    /// Asks for a frame that came damaged. The last reply stays where it is: it may be asked for.
    fn ask_again(&mut self) -> Result<(), Fault<I::Error, O::Error>> {
        let mut buffer = [0; 16];
        let provided = buffer.len();
        let frame = encode(0, &Reply::Again, &mut buffer).map_err(|_| Fault::Frame(provided))?;
        self.output.write_all(frame).map_err(Fault::Output)?;
        self.output.flush().map_err(Fault::Output)
    }
}

/// At most `most` bytes from `offset` on.
fn part(bytes: &[u8], offset: usize, most: usize) -> &[u8] {
    let rest = bytes.get(offset..).unwrap_or_default();
    rest.get(..most).unwrap_or(rest)
}
