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

impl<I, O> From<TooSmall> for Fault<I, O> {
    fn from(TooSmall(bytes): TooSmall) -> Self {
        Fault::Frame(bytes)
    }
}

/// Does the requests of one task.
pub(crate) trait Runner {
    /// Does a request; what it gave. Hello, start and read are not for tasks.
    fn answer(&mut self, request: Request<'_>) -> Result<Outcome, Failure>;

    /// The bytes that belong to the last outcome.
    fn bytes(&self) -> &[u8];
}

/// What a frame asks for besides its reply.
pub(crate) enum Next {
    /// Nothing.
    Reply,
    /// A task, which makes the reply.
    Start(Task),
    /// A restart after the reply.
    Restart,
}

/// The frame of a reply does not fit the buffer of this many bytes.
pub(crate) struct TooSmall(usize);

/// Requests and replies, however they come and go.
pub(crate) struct Session<'b> {
    hello: Hello,
    /// The frame of the last reply, to be sent again where the PC asks again.
    sent: &'b mut [u8],
    length: usize,
    /// Sequence number of the last request.
    last: Option<u32>,
    /// Whether the last answer had bytes, which may be read.
    has_bytes: bool,
    answered: u32,
}

impl<'b> Session<'b> {
    pub(crate) fn new(hello: Hello, sent: &'b mut [u8]) -> Self {
        Session { hello, sent, length: 0, last: None, has_bytes: false, answered: 0 }
    }

    /// The frame of the last reply.
    pub(crate) fn frame(&self) -> &[u8] {
        self.sent.get(..self.length).unwrap_or_default()
    }

    fn reply(&mut self, sequence: u32, reply: &Reply<'_>) -> Result<(), TooSmall> {
        self.length = encode(sequence, reply, self.sent).map_err(|e| TooSmall(e.provided))?.len();
        self.answered = self.answered.wrapping_add(1);
        Ok(())
    }

    /// Does what the content of a frame asks for.
    pub(crate) fn take(
        &mut self,
        content: &[u8],
        runner: &mut dyn Runner,
        updates: &mut dyn Updates,
    ) -> Result<Next, TooSmall> {
        let (sequence, request) = match parse::<Request<'_>>(content) {
            Ok(parsed) => parsed,
            Err(Unreadable { sequence }) => {
                self.reply(sequence, &Reply::Failure(Failure::Unreadable))?;
                return Ok(Next::Reply);
            }
        };
        // The reply was lost: the request is done already.
        if self.last == Some(sequence) && request != Request::Hello {
            return Ok(Next::Reply);
        }
        self.last = Some(sequence);
        let most = self.hello.sizes.payload();
        let reply = match request {
            Request::Hello => Reply::Hello(self.hello),
            Request::Start(task) => return Ok(Next::Start(task)),
            Request::Read { offset } => {
                let bytes = if self.has_bytes { runner.bytes() } else { &[] };
                Reply::Bytes(part(bytes, offset as usize, most))
            }
            Request::Slots(transfer) => {
                self.has_bytes = false;
                match updates.transfer(transfer) {
                    Err(failure) => Reply::Failure(failure),
                    Ok(status) => Reply::Answer(Answer { outcome: Outcome::Slots(status), length: 0, bytes: &[] }),
                }
            }
            request => {
                let outcome = runner.answer(request);
                if outcome.is_ok_and(|outcome| outcome != Outcome::Done) {
                    updates.ran();
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
        self.reply(sequence, &reply)?;
        Ok(if restarts { Next::Restart } else { Next::Reply })
    }

    /// The reply to the request that started a task, or did not.
    pub(crate) fn started(&mut self, done: Result<(), Failure>) -> Result<(), TooSmall> {
        let reply = match done {
            Ok(()) => Reply::Answer(Answer { outcome: Outcome::Done, length: 0, bytes: &[] }),
            Err(failure) => Reply::Failure(failure),
        };
        self.reply(self.last.unwrap_or(0), &reply)
    }
}

/// The frame that asks for one that came damaged. The last reply stays where it is: it may be asked for.
pub(crate) fn again(buffer: &mut [u8; 16]) -> Result<&[u8], TooSmall> {
    encode(0, &Reply::Again, buffer).map_err(|e| TooSmall(e.provided))
}

/// The line to a PC.
pub(crate) struct Link<'b, 'l, I, O> {
    session: Session<'b>,
    receiver: Receiver<'b>,
    updates: &'l mut dyn Updates,
    input: &'l mut I,
    output: &'l mut O,
}

impl<'b, 'l, I: Read, O: Write> Link<'b, 'l, I, O> {
    pub(crate) fn new(
        session: Session<'b>,
        receiver: Receiver<'b>,
        updates: &'l mut dyn Updates,
        input: &'l mut I,
        output: &'l mut O,
    ) -> Self {
        Link { session, receiver, updates, input, output }
    }

    /// Requests answered.
    pub(crate) fn answered(&self) -> u32 {
        self.session.answered
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
        match &mut start() {
            Ok(runner) => {
                self.session.started(Ok(()))?;
                self.send()?;
                self.answer(runner)
            }
            Err(failure) => {
                self.session.started(Err(*failure))?;
                self.send()?;
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
                }
                Scan::Damaged => {
                    self.output.write_all(again(&mut [0; 16])?).map_err(Fault::Output)?;
                    self.output.flush().map_err(Fault::Output)?;
                }
                Scan::Frame => match self.session.take(self.receiver.content(), runner, self.updates)? {
                    Next::Reply => self.send()?,
                    Next::Start(task) => return Ok(Some(task)),
                    Next::Restart => {
                        self.send()?;
                        self.updates.restart();
                    }
                },
            }
        }
    }

    fn send(&mut self) -> Result<(), Fault<I::Error, O::Error>> {
        self.output.write_all(self.session.frame()).map_err(Fault::Output)?;
        self.output.flush().map_err(Fault::Output)
    }
}

/// At most `most` bytes from `offset` on.
fn part(bytes: &[u8], offset: usize, most: usize) -> &[u8] {
    let rest = bytes.get(offset..).unwrap_or_default();
    rest.get(..most).unwrap_or(rest)
}
