//! An emulated core as a device: questions go into a file, the firmware runs, and its answers are read from another.

use anyhow::{Context, Result, bail, ensure};
use elman_emulator::Session;
use elman_messages::{Answer, BufferSizes, Hello, Receiver, Reply, Request, Scan, encode, parse};
use embedded_io_adapters::std::FromStd;
use std::fs::File;
use std::io::{BufReader, BufWriter, Write};

use crate::device::{Channel, Device, Script, check, same_version};
use crate::{Bench, Program};

/// A firmware on an emulated core, and the blob that it loads where none is built in.
#[derive(Clone, Copy, Debug)]
pub struct Emulated<'b> {
    bench: &'b Bench,
    program: Program,
    blob: Option<&'b [u8]>,
}

impl<'b> Emulated<'b> {
    pub(crate) fn new(bench: &'b Bench, program: Program, blob: Option<&'b [u8]>) -> Self {
        Emulated { bench, program, blob }
    }
}

impl Device for Emulated<'_> {
    fn name(&self) -> &str {
        self.bench.core()
    }

    fn is_board(&self) -> bool {
        false
    }

    fn instructions(&self, ticks: f64) -> f64 {
        self.bench.machine().instructions(ticks)
    }

    fn talk(&mut self, crc: u32, script: Script<'_>) -> Result<Hello> {
        let sizes = self.bench.machine().buffers;
        let session = Session::new(self.blob)?;
        let mut frame = vec![0; sizes.frame as usize];
        let file = File::create(session.input()).context("a temporary file of requests")?;
        let mut writer = Writer { file: BufWriter::new(file), frame: &mut frame, sizes, sequence: 0 };
        writer.send(Request::Hello)?;
        script(&mut writer)?;
        writer.file.flush().context("a temporary file of requests")?;
        self.bench.run(self.program, self.blob, &session)?;

        let path = session.output();
        let file = BufReader::new(File::open(&path).with_context(|| path.display().to_string())?);
        let mut reader = Reader {
            file: FromStd::new(file),
            receiver: Receiver::new(&mut frame),
            sizes,
            sequence: 0,
            answer: Vec::new(),
        };
        let hello = reader.hello()?;
        check(&hello, crc)?;
        script(&mut reader)?;
        reader.end()?;
        Ok(hello)
    }
}

/// Offsets at which the rest of an answer of `expected` bytes is read, `most` at a time.
pub(crate) fn offsets(expected: usize, most: usize) -> impl Iterator<Item = usize> {
    (most.max(1)..expected).step_by(most.max(1))
}

/// Writes the questions.
struct Writer<'f> {
    file: BufWriter<File>,
    frame: &'f mut [u8],
    sizes: BufferSizes,
    sequence: u32,
}

impl Writer<'_> {
    fn send(&mut self, request: Request<'_>) -> Result<()> {
        let frame = encode(self.sequence, &request, self.frame)?;
        self.file.write_all(frame).context("a temporary file of requests")?;
        self.sequence += 1;
        Ok(())
    }
}

impl Channel for Writer<'_> {
    fn sizes(&self) -> BufferSizes {
        self.sizes
    }

    fn ask(&mut self, request: Request<'_>, expected: usize) -> Result<Option<Answer<'_>>> {
        self.send(request)?;
        for offset in offsets(expected, self.sizes.payload()) {
            self.send(Request::Read { offset: offset as u32 })?;
        }
        Ok(None)
    }
}

/// Reads the answers.
struct Reader<'f> {
    file: FromStd<BufReader<File>>,
    receiver: Receiver<'f>,
    sizes: BufferSizes,
    sequence: u32,
    answer: Vec<u8>,
}

impl Reader<'_> {
    /// The next reply.
    fn next(&mut self) -> Result<Reply<'_>> {
        let sequence = self.sequence;
        loop {
            match self.receiver.scan() {
                Scan::Frame => break,
                Scan::Damaged => bail!("reply {sequence} of the firmware is damaged"),
                Scan::More => {
                    let count = self.receiver.fill(&mut self.file).context("the firmware's replies")?;
                    ensure!(count > 0, "the firmware stopped after {sequence} replies");
                }
            }
        }
        self.sequence += 1;
        let (number, reply) = parse::<Reply<'_>>(self.receiver.content()).context("a reply of the firmware")?;
        match reply {
            Reply::Failure(failure) => Err(failure).context("the firmware did not do a request"),
            reply if number == sequence => Ok(reply),
            reply => bail!("the firmware answered request {number} instead of {sequence}: {reply:?}"),
        }
    }

    fn hello(&mut self) -> Result<Hello> {
        match self.next() {
            Ok(Reply::Hello(hello)) => return Ok(hello),
            Ok(reply) => bail!("the firmware answered a hello by {reply:?}"),
            Err(_) => {}
        }
        if let Some((version, schema)) = Hello::peek(self.receiver.content()) {
            same_version(version, schema)?;
        }
        bail!("the firmware wrote no hello: rebuild it from this version's boards/")
    }

    /// That there is nothing more.
    fn end(&mut self) -> Result<()> {
        let sequence = self.sequence;
        while self.receiver.scan() == Scan::More {
            if self.receiver.fill(&mut self.file).context("the firmware's replies")? == 0 {
                return Ok(());
            }
        }
        bail!("the firmware wrote more than {sequence} replies")
    }
}

impl Channel for Reader<'_> {
    fn sizes(&self) -> BufferSizes {
        self.sizes
    }

    fn ask(&mut self, _: Request<'_>, expected: usize) -> Result<Option<Answer<'_>>> {
        let most = self.sizes.payload();
        let mut bytes = std::mem::take(&mut self.answer);
        bytes.clear();
        let (outcome, length) = match self.next()? {
            Reply::Answer(answer) => {
                bytes.extend_from_slice(answer.bytes);
                (answer.outcome, answer.length)
            }
            reply => bail!("the firmware answered {reply:?}"),
        };
        for _ in offsets(expected, most) {
            match self.next()? {
                Reply::Bytes(more) => bytes.extend_from_slice(more),
                reply => bail!("the firmware answered {reply:?}"),
            }
        }
        self.answer = bytes;
        ensure!(length as usize <= expected, "an answer of {length} bytes instead of {expected}");
        ensure!(self.answer.len() == length as usize, "{} bytes of an answer of {length}", self.answer.len());
        Ok(Some(Answer { outcome, length, bytes: &self.answer }))
    }
}
