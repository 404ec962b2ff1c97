//! Knows gestures in QEMU: reads accelerations from `input.bin`, three i16 each in thousandths of g, and writes three words
//! for each event to `output.bin`: class, step, score.
#![no_std]
#![no_main]
#![deny(unsafe_code)]

#[path = "../board/mod.rs"]
mod board;

use board::fatal;
use board::files::{Error, Input, Output};
use elman::{Blob, Model};
use elman_board::gesture::{Accelerometer, Fault, Gestures};
use elman_board::spotter::{Indicator, NoLed};
use embedded_io::{Read, ReadExactError, Write};
use semihosting::process;
use static_cell::ConstStaticCell;

static BLOB: Blob<'static> = elman::include_blob!(concat!(env!("OUT_DIR"), "/model.elman"));
const WORDS: usize = BLOB.memory_words() + BLOB.detect_words();
static MEMORY: ConstStaticCell<[u32; WORDS]> = ConstStaticCell::new([0; WORDS]);

/// Readings from a file.
struct Recorded(Input);

impl Accelerometer for Recorded {
    type Error = ReadExactError<Error>;

    fn read(&mut self) -> Result<[i16; 3], Self::Error> {
        let mut bytes = [0; 6];
        self.0.read_exact(&mut bytes)?;
        let [x, y, z] = [[bytes[0], bytes[1]], [bytes[2], bytes[3]], [bytes[4], bytes[5]]];
        Ok([x, y, z].map(i16::from_le_bytes))
    }
}

/// From here on.
#[board::entry]
fn main() -> ! {
    let model = Model::load(BLOB).unwrap_or_else(|e| fatal("the blob does not load", &e));
    let input = Input::open(c"input.bin").unwrap_or_else(|e| fatal("input.bin", &e));
    let mut output = Output::create(c"output.bin").unwrap_or_else(|e| fatal("output.bin", &e));
    let light = Indicator::new(NoLed, false, 500).unwrap_or_else(|e| match e {});
    let mut gestures = Gestures::new(&model, MEMORY.take(), Recorded(input), light)
        .unwrap_or_else(|e| fatal("the model takes no gestures", &e));
    loop {
        match gestures.step(40) {
            Ok(None) => {}
            Ok(Some((event, _))) => {
                for word in [u32::from(event.class), event.step, event.score.to_bits().into()] {
                    output.write_all(&word.to_le_bytes()).unwrap_or_else(|e| fatal("output.bin", &e));
                }
            }
            Err(Fault::Sensor(ReadExactError::UnexpectedEof)) => process::exit(0),
            Err(Fault::Sensor(ReadExactError::Other(e))) => fatal("input.bin", &e),
            Err(Fault::Light(e)) => match e {},
        }
    }
}
