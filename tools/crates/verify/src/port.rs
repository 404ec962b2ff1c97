//! The bit-exact check over a serial line: a board that answers the protocol of boards/common's `serial`.

use std::io::{Read, Write};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use elman::Model;
use serde::{Deserialize, Serialize};

use super::compare::locate;
use super::{Mismatch, VerifyReport};
use elman_pipeline::Example;

/// Version of the protocol.
const VERSION: u16 = 1;

/// What the host asks; as boards/common has it.
#[derive(Clone, Copy, Debug, Serialize)]
enum Request<'a> {
    Hello,
    Reset,
    Step(&'a [u8]),
}

/// What the board answers.
#[derive(Clone, Copy, Debug, Deserialize)]
enum Reply<'a> {
    Hello { version: u16, crc: u32, snapshot_words: u32 },
    Reset,
    Step { ticks: u32, snapshot: &'a [u8] },
    Fault,
}

/// A line to a board.
#[derive(Debug)]
pub struct Port<L> {
    line: L,
    received: Vec<u8>,
}

impl Port<Box<dyn serialport::SerialPort>> {
    /// Opens a serial port.
    ///
    /// # Errors
    /// Where it cannot be opened.
    pub fn open(path: &str) -> Result<Self> {
        let line = serialport::new(path, 115_200).timeout(Duration::from_secs(10)).open().with_context(|| {
            format!("cannot open the serial port {path}; is the board connected, and the port yours?")
        })?;
        Ok(Port::new(line))
    }
}

impl<L: Read + Write> Port<L> {
    /// Over any line.
    pub fn new(line: L) -> Self {
        Port { line, received: Vec::new() }
    }

    /// Sends a request and reads the reply to it.
    fn ask(&mut self, request: Request<'_>) -> Result<Reply<'_>> {
        let framed = postcard::to_stdvec_cobs(&request).context("a request too long")?;
        self.line.write_all(&framed).context("the board takes no bytes")?;
        self.line.flush().context("the board takes no bytes")?;
        self.received.clear();
        loop {
            let mut byte = [0];
            let n = self.line.read(&mut byte).context("the board does not answer")?;
            ensure!(n == 1, "the line ended");
            if byte == [0] {
                break;
            }
            self.received.push(byte[0]);
        }
        match postcard::from_bytes_cobs(&mut self.received).context("the board sent what is no reply")? {
            Reply::Fault => bail!("the board could not read or do a request"),
            reply => Ok(reply),
        }
    }

    /// Runs examples on the board and on the host, and compares every word of every step's states.
    ///
    /// # Errors
    /// Where the board does not answer, or runs another model. A difference is no error, but is in the report.
    pub fn verify(&mut self, model: &Model<'_>, examples: &[Example]) -> Result<VerifyReport> {
        let (mut memory, mut other) = (vec![0; model.memory_words()], vec![0; model.memory_words()]);
        let mut host = model.stream(&mut memory).map_err(|e| anyhow::anyhow!("{e}"))?;
        let mut board = model.stream(&mut other).map_err(|e| anyhow::anyhow!("{e}"))?;
        let mut snapshot = vec![0; host.snapshot_words()];
        match self.ask(Request::Hello)? {
            Reply::Hello { version: VERSION, crc, snapshot_words } => {
                ensure!(
                    crc == model.crc(),
                    "the board runs another model: CRC {crc:08x} instead of {:08x}; flash this one",
                    model.crc()
                );
                ensure!(snapshot_words as usize == snapshot.len(), "snapshots of {snapshot_words} words");
            }
            Reply::Hello { version, .. } => bail!("the board speaks version {version}, this {VERSION}"),
            other => bail!("the board answered {other:?}"),
        }
        let mut report = VerifyReport {
            core: "serial port".to_owned(),
            steps: 0,
            mismatches: 0,
            first: None,
            instructions: 0.0,
            range: [0.0; 2],
            load_instructions: 0.0,
        };
        let mut ticks = 0u64;
        let (mut least, mut most) = (u32::MAX, 0);
        for (sequence, example) in examples.iter().enumerate() {
            host.reset();
            ensure!(matches!(self.ask(Request::Reset)?, Reply::Reset), "the board does not reset");
            for (step, frame) in example.frames.chunks_exact(model.inputs()).enumerate() {
                host.step(frame);
                host.snapshot(&mut snapshot).map_err(|e| anyhow::anyhow!("{e}"))?;
                let bytes: Vec<u8> = frame.iter().flat_map(|x| x.to_le_bytes()).collect();
                let Reply::Step { ticks: taken, snapshot: theirs } = self.ask(Request::Step(&bytes))? else {
                    bail!("the board answered a step with something else");
                };
                let theirs: Vec<u32> = theirs.as_chunks().0.iter().map(|b| u32::from_le_bytes(*b)).collect();
                ensure!(theirs.len() == snapshot.len(), "a snapshot of {} words", theirs.len());
                report.steps += 1;
                ticks += u64::from(taken);
                (least, most) = (least.min(taken), most.max(taken));
                if theirs != snapshot {
                    report.mismatches += 1;
                    if report.first.is_none() {
                        board.restore(&theirs).map_err(|e| anyhow::anyhow!("{e}"))?;
                        let found = locate(&mut host, &mut board, &snapshot, &theirs);
                        report.first = Some(Mismatch { sequence, step, ..found });
                    }
                }
            }
        }
        report.instructions = ticks as f64 / report.steps.max(1) as f64;
        report.range = [least.min(most), most].map(f64::from);
        Ok(report)
    }
}
