//! Requests in, replies out, whatever the task.

use elman_messages::{
    Answer, Failure, Hello, Outcome, Receiver, Reply, Request, Scan, Task, Unreadable, encode, parse,
};
use embedded_io::{Read, Write};

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
    answered: u32,
    input: &'l mut I,
    output: &'l mut O,
}

impl<'b, 'l, I: Read, O: Write> Link<'b, 'l, I, O> {
    pub(crate) fn new(
        hello: Hello,
        receiver: Receiver<'b>,
        sent: &'b mut [u8],
        input: &'l mut I,
        output: &'l mut O,
    ) -> Self {
        Link { hello, receiver, sent, length: 0, last: None, answered: 0, input, output }
    }

    /// Requests answered.
    pub(crate) fn answered(&self) -> u32 {
        self.answered
    }

    /// Says whether the task could be started, and answers its requests, or that there is no task. What is started next;
    /// `None` at the end of input.
    pub(crate) fn run<R: Runner>(
        &mut self,
        runner: Result<R, Failure>,
    ) -> Result<Option<Task>, Fault<I::Error, O::Error>> {
        let sequence = self.last.unwrap_or(0);
        match runner {
            Ok(mut runner) => {
                self.send(sequence, &Reply::Answer(Answer { outcome: Outcome::Done, length: 0, bytes: &[] }))?;
                self.answer(&mut runner)
            }
            Err(failure) => {
                self.send(sequence, &Reply::Failure(failure))?;
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
                Request::Read { offset } => Reply::Bytes(part(runner.bytes(), offset as usize, most)),
                request => match runner.answer(request) {
                    Err(failure) => Reply::Failure(failure),
                    Ok(outcome) => {
                        let bytes = runner.bytes();
                        Reply::Answer(Answer { outcome, length: bytes.len() as u32, bytes: part(bytes, 0, most) })
                    }
                },
            };
            self.send(sequence, &reply)?;
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
