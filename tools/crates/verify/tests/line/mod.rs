//! A board in a thread of this process, on a line that may be bad.
#![allow(dead_code)] // No test uses all of it.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io::{Error, ErrorKind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use elman::Model;
use elman::blob::Blob;
use elman::net::Node;
use elman_board::{Clock, Workspace, serve, tasks};
use elman_quant::synthetic::Numbers;
use elman_quant::words_of;
use elman_verify::Patience;

/// What a line does to what is written to it at a time: a frame.
pub type Fault = fn(&mut Numbers, &mut Vec<u8>);

/// It passes everything on.
pub fn good(_: &mut Numbers, _: &mut Vec<u8>) {}

/// Loses a frame of six.
pub fn lossy(numbers: &mut Numbers, frame: &mut Vec<u8>) {
    if numbers.between(0, 5) == 0 {
        frame.clear();
    }
}

/// Loses the end of a frame of six.
pub fn cutting(numbers: &mut Numbers, frame: &mut Vec<u8>) {
    if numbers.between(0, 5) == 0 {
        frame.truncate(numbers.between(0, frame.len() as i64) as usize);
    }
}

/// Flips a bit of a frame of four.
#[allow(clippy::ptr_arg, reason = "a fault of a line may also cut the frame")]
pub fn flipping(numbers: &mut Numbers, frame: &mut Vec<u8>) {
    if numbers.between(0, 3) == 0 && !frame.is_empty() {
        let bit = numbers.between(0, frame.len() as i64 * 8 - 1) as usize;
        frame[bit / 8] ^= 1 << (bit % 8);
    }
}

/// Text before every frame.
pub fn talking(_: &mut Numbers, frame: &mut Vec<u8>) {
    frame.splice(0..0, *b"[info] supply 3.1 V, reset by watchdog\r\n");
}

/// Many bytes that are not zero before a frame of three.
pub fn chattering(numbers: &mut Numbers, frame: &mut Vec<u8>) {
    if numbers.between(0, 2) == 0 {
        let noise: Vec<u8> = (0..5000).map(|_| numbers.between(1, 255) as u8).collect();
        frame.splice(0..0, noise);
    }
}

/// One end of a line.
pub struct End {
    to: Sender<Vec<u8>>,
    from: Receiver<Vec<u8>>,
    rest: VecDeque<u8>,
    fault: Fault,
    numbers: Numbers,
}

impl End {
    /// Both ends, with what happens on the way from either.
    pub fn pair(fault: [Fault; 2]) -> [End; 2] {
        let ((a, b), (c, d)) = (channel(), channel());
        let end = |to, from, fault, seed| End { to, from, rest: VecDeque::new(), fault, numbers: Numbers(seed) };
        [end(a, d, fault[0], 1), end(c, b, fault[1], 2)]
    }

    fn take(&mut self, to: &mut [u8]) -> usize {
        let count = to.len().min(self.rest.len());
        self.rest.drain(..count).zip(to).for_each(|(byte, to)| *to = byte);
        count
    }

    fn send(&mut self, bytes: &[u8]) {
        let mut bytes = bytes.to_vec();
        (self.fault)(&mut self.numbers, &mut bytes);
        let _ = self.to.send(bytes);
    }
}

impl std::io::Read for End {
    fn read(&mut self, to: &mut [u8]) -> Result<usize, Error> {
        while self.rest.is_empty() {
            match self.from.recv_timeout(Duration::from_millis(5)) {
                Ok(bytes) => self.rest.extend(bytes),
                Err(RecvTimeoutError::Timeout) => return Err(ErrorKind::TimedOut.into()),
                Err(RecvTimeoutError::Disconnected) => return Ok(0),
            }
        }
        Ok(self.take(to))
    }
}

impl std::io::Write for End {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        self.send(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<(), Error> {
        Ok(())
    }
}

/// The board's end: it waits for bytes as long as the line is there.
pub struct Board(pub End);

impl embedded_io::ErrorType for Board {
    type Error = Infallible;
}

impl embedded_io::Read for Board {
    fn read(&mut self, to: &mut [u8]) -> Result<usize, Infallible> {
        while self.0.rest.is_empty() {
            match self.0.from.recv() {
                Ok(bytes) => self.0.rest.extend(bytes),
                Err(_) => return Ok(0),
            }
        }
        Ok(self.0.take(to))
    }
}

impl embedded_io::Write for Board {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        self.0.send(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

/// A clock that counts how often it is asked.
#[derive(Default)]
pub struct Ticks(std::cell::Cell<u32>);

impl Clock for Ticks {
    const MODULUS: u32 = 0;

    fn now(&self) -> u32 {
        self.0.set(self.0.get().wrapping_add(1));
        self.0.get()
    }
}

/// The board's halves, as firmware has them.
struct Half<'b>(&'b std::cell::RefCell<Board>);

impl embedded_io::ErrorType for Half<'_> {
    type Error = Infallible;
}

impl embedded_io::Read for Half<'_> {
    fn read(&mut self, to: &mut [u8]) -> Result<usize, Infallible> {
        self.0.borrow_mut().read(to)
    }
}

impl embedded_io::Write for Half<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

/// Starts a board that runs a model, with frames of `frame` bytes and `words` words of memory, until the line ends; the other
/// end of its line.
pub fn board(blob: &[u8], frame: usize, words: usize, fault: [Fault; 2]) -> (End, JoinHandle<()>) {
    let [ours, theirs] = End::pair(fault);
    let blob = words_of(blob).unwrap();
    let thread = std::thread::spawn(move || {
        let model = Model::load(Blob::new(&blob)).unwrap();
        let (mut words, mut nodes) = (vec![0; words], vec![Node::Leaf(0); 200]);
        let (mut received, mut sent) = (vec![0; frame], vec![0; frame]);
        let workspace = Workspace { words: &mut words, nodes: &mut nodes, received: &mut received, sent: &mut sent };
        let line = std::cell::RefCell::new(Board(theirs));
        serve::<{ tasks::ALL }, _, _>(&model, 1000, workspace, &mut Half(&line), &mut Half(&line), &Ticks::default())
            .unwrap();
    });
    (ours, thread)
}

/// Less patience than with a real board, so that tests are quick.
pub fn hasty() -> Patience {
    Patience { first: Duration::from_millis(20), retries: 8, limit: Duration::from_secs(120) }
}
