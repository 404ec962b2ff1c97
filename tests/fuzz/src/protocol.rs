//! Any bytes on the line of a device: it answers every frame with a message that a PC can read, keeps within its buffers, and ends with
//! the line. Some of the bytes are requests in whole frames, with any numbers in them. A PC reads any bytes too.

use crate::taken::Taken;
use crate::{models, sealed};
use elman::Model;
use elman::blob::Blob;
use elman::net::Node;
use elman_board::{Clock, Workspace, serve, tasks};
use elman_messages::{Example, Hello, Part, Receiver, Reply, Request, Scan, Task, Transfer, encode, parse};
use std::convert::Infallible;

/// Bytes of the device's frames.
const FRAME: usize = 600;
/// Words of the device's memory.
const WORDS: usize = 4096;

/// Runs it on some bytes.
pub fn run(data: &[u8]) {
    read(data, |content| {
        let _ = parse::<Reply<'_>>(content);
        let _ = Hello::peek(content);
    });
    let mut taken = Taken(data);
    let Some(blob) = models::made(&mut taken) else { return };
    let words = sealed::words(&blob);
    let Ok(model) = Model::load(Blob::new(&words)) else { return };
    let line = line(&mut taken);
    let sent = answers(&model, &line);
    // Frames that were asked for, and no others.
    read(&sent, |content| {
        let (_, reply) = parse::<Reply<'_>>(content).expect("a message of this version");
        if let Reply::Hello(hello) = reply {
            assert_eq!((hello.crc, hello.sizes.frame), (model.crc(), FRAME as u32));
        }
    });
}

/// Requests in frames, and bytes between them.
fn line(taken: &mut Taken<'_>) -> Vec<u8> {
    let (mut line, mut sequence, mut buffer) = (Vec::new(), 0u32, [0; FRAME]);
    while !taken.0.is_empty() && line.len() < 1 << 14 {
        let kind = taken.byte();
        let request = request(taken, kind);
        match (kind >= 230, request) {
            (false, Some(request)) => {
                sequence = sequence.wrapping_add(1);
                if let Ok(frame) = encode(sequence, &request, &mut buffer) {
                    line.extend(frame);
                }
            }
            // Noise, or a frame with a bit changed.
            _ => {
                let bit = usize::from(taken.byte());
                let from = line.len().saturating_sub(bit / 8);
                if let Some(byte) = line.get_mut(from) {
                    *byte ^= 1 << (bit % 8);
                }
                line.push(bit as u8);
            }
        }
    }
    line
}

/// A request with bytes of the data in it.
fn request<'d>(taken: &mut Taken<'d>, kind: u8) -> Option<Request<'d>> {
    fn bytes<'d>(taken: &mut Taken<'d>) -> &'d [u8] {
        let (bytes, rest) = taken.0.split_at(usize::from(taken.0.first().copied().unwrap_or(0)).min(taken.0.len()));
        taken.0 = rest;
        bytes
    }
    Some(match kind % 16 {
        0 => Request::Hello,
        1 => Request::Start(Task::Stream),
        2 => Request::Start(Task::Examples),
        3 => Request::Start(Task::Text { seed: taken.word().into(), temperature: taken.half(), top_k: taken.half() }),
        4 => Request::Start(Task::Listen),
        5 => Request::Start(Task::FrontEnd),
        6 => Request::Reset,
        7 => Request::Step(bytes(taken)),
        8 => Request::Samples(bytes(taken)),
        9 => Request::Prompt(bytes(taken)),
        10 => Request::Draw,
        11 => Request::Example(Example { frames: size(taken), nodes: size(taken), edges: size(taken) }),
        12 => {
            let parts = [Part::Frames, Part::Nodes, Part::Features, Part::Degrees, Part::Neighbours];
            Request::Append { part: taken.one(&parts), numbers: bytes(taken) }
        }
        13 => Request::Run,
        14 => Request::Read { offset: size(taken) },
        _ => Request::Slots(match taken.below(5) {
            0 => Transfer::Status,
            1 => Transfer::Begin(bytes(taken)),
            2 => Transfer::Block { offset: size(taken), bytes: bytes(taken) },
            3 => Transfer::Finish,
            _ => Transfer::Restart,
        }),
    })
}

/// Mostly small.
fn size(taken: &mut Taken<'_>) -> u32 {
    match taken.byte() {
        255 => taken.word(),
        small => (small % 32).into(),
    }
}

/// Calls `each` with the content of every frame.
fn read(mut bytes: &[u8], mut each: impl FnMut(&[u8])) {
    let mut buffer = [0; FRAME];
    let mut receiver = Receiver::new(&mut buffer);
    loop {
        match receiver.scan() {
            Scan::Frame => each(receiver.content()),
            Scan::Damaged => {}
            Scan::More => {
                if receiver.fill(&mut bytes).is_ok_and(|count| count == 0) {
                    return;
                }
            }
        }
    }
}

/// What the device says.
fn answers(model: &Model<'_>, mut line: &[u8]) -> Vec<u8> {
    let (mut words, mut nodes) = (vec![0; WORDS], [Node::Leaf(0); 64]);
    let (mut received, mut buffer, mut sent) = ([0; FRAME], [0; FRAME], Sent::default());
    let workspace = Workspace { words: &mut words, nodes: &mut nodes, received: &mut received, sent: &mut buffer };
    let _ = serve::<{ tasks::ALL }, _, _>(model, 1, workspace, &mut line, &mut sent, &Still);
    sent.0
}

/// A clock that stands still.
struct Still;

impl Clock for Still {
    const MODULUS: u32 = 0;

    fn now(&self) -> u32 {
        0
    }
}

/// The line to the PC.
#[derive(Default)]
struct Sent(Vec<u8>);

impl embedded_io::ErrorType for Sent {
    type Error = Infallible;
}

impl embedded_io::Write for Sent {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}
