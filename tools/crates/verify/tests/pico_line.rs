//! `elman send` to the Pico's firmware over USB, in the emulator rp2040js, whose flash is erased and programmed as the boot ROM drives it; and
//! the supply fails in operations of that flash, after which the next start must run the old model or the new one.
//!
//! ELMAN_RP2040 names the folder that `cargo xtask boards --run pico` makes; without it the test says so and ends. ELMAN_CUTS: how many
//! cuts.

use std::io::{Error, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use elman::Model;
use elman::audio::Config;
use elman::blob::Blob;
use elman_flash::board;
use elman_flash::image::{Firmware, file};
use elman_flash::key::Key;
use elman_flash::sealed::Sealed;
use elman_quant::synthetic::{Numbers, sound};
use elman_quant::words_of;
use elman_verify::{Patience, Port};
use serde::Deserialize;

/// An operation of the flash.
#[derive(Clone, Debug, Deserialize)]
struct Operation {
    at: usize,
    #[serde(default)]
    erased: usize,
    #[serde(default)]
    programmed: Vec<u8>,
}

/// What line.cjs leaves.
#[derive(Deserialize)]
struct Left {
    journal: Vec<Operation>,
    errors: Vec<String>,
}

/// Its bytes.
const FLASH: usize = 2 << 20;

impl Operation {
    /// Does it, whole or in part: `part` says of each byte which of its bits that would change do so.
    fn act(&self, flash: &mut [u8], mut part: impl FnMut() -> u8) {
        for k in 0..self.erased {
            flash[self.at + k] |= part();
        }
        let page = self.at & !255;
        for (k, byte) in self.programmed.iter().enumerate() {
            flash[page + ((self.at + k) & 255)] &= byte | !part();
        }
    }
}

/// An emulated Pico, as a line.
struct Pico {
    child: Child,
    input: Option<ChildStdin>,
    output: Receiver<Vec<u8>>,
    rest: Vec<u8>,
    operations: PathBuf,
}

impl Pico {
    fn start(packages: &Path, flash: &Path) -> Pico {
        let operations = flash.with_extension("json");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../boards/pico/line.cjs");
        let mut child = Command::new("node")
            .arg(script)
            .args([packages, flash, &operations])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (to, output) = channel();
        let (input, mut out) = (child.stdin.take(), child.stdout.take().unwrap());
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = out.read(&mut bytes) {
                if to.send(bytes[..count].to_vec()).is_err() {
                    break;
                }
            }
        });
        Pico { child, input, output, rest: Vec::new(), operations }
    }

    /// The line to it; the emulator is many times slower than the chip.
    fn port(&mut self) -> Port<&mut Pico> {
        let patience = Patience { first: Duration::from_secs(8), retries: 3, limit: Duration::from_secs(600) };
        Port::new("the Pico", self, patience)
    }

    /// Turns it off; what its flash was asked for.
    fn end(mut self) -> Vec<Operation> {
        drop(self.input.take());
        assert!(self.child.wait().unwrap().success());
        let left: Left = serde_json::from_slice(&std::fs::read(&self.operations).unwrap()).unwrap();
        assert!(left.errors.is_empty(), "{:?}", left.errors);
        left.journal
    }
}

impl Read for &mut Pico {
    fn read(&mut self, to: &mut [u8]) -> Result<usize, Error> {
        if self.rest.is_empty() {
            match self.output.recv_timeout(Duration::from_millis(20)) {
                Ok(bytes) => self.rest = bytes,
                Err(RecvTimeoutError::Timeout) => return Err(ErrorKind::TimedOut.into()),
                Err(RecvTimeoutError::Disconnected) => return Err(ErrorKind::BrokenPipe.into()),
            }
        }
        let count = to.len().min(self.rest.len());
        self.rest.drain(..count).zip(to).for_each(|(byte, to)| *to = byte);
        Ok(count)
    }
}

impl Write for &mut Pico {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        self.input.as_mut().ok_or(ErrorKind::BrokenPipe)?.write(bytes)
    }

    fn flush(&mut self) -> Result<(), Error> {
        self.input.as_mut().ok_or(ErrorKind::BrokenPipe)?.flush()
    }
}

/// A listener with random weights, packed for the Pico, and the CRC by which it introduces itself.
fn listener(seed: u64) -> (Vec<u8>, u32) {
    let core = board::of_name("pico").unwrap().core;
    let blob = sound::listener(Config::HZ_16000, 24, 4, seed).to_blob_for(core).unwrap();
    let words = words_of(&blob).unwrap();
    let crc = Model::load(Blob::new(&words)).unwrap().crc();
    (blob, crc)
}

/// CRC of the model that runs, its counter, and whether it is confirmed.
fn running(pico: &mut Pico) -> (u32, u32, bool) {
    let (hello, status) = pico.port().slots().unwrap();
    let running = status.running.expect("a model runs");
    (hello.crc, running.counter, running.confirmed)
}

#[test]
fn a_model_comes_over_usb_through_cuts_of_the_supply() {
    let Some(packages) = std::env::var_os("ELMAN_RP2040").map(PathBuf::from) else {
        return eprintln!("not run: `cargo xtask boards --run pico` runs it");
    };
    let pico = board::of_name("pico").unwrap();
    let firmware = Firmware::new(pico, std::fs::read(packages.join("pico.bin")).unwrap()).unwrap();
    let here = tempfile::tempdir().unwrap();
    let key = Key::new();
    let ((old, old_crc), (new, new_crc)) = (listener(1), listener(2));
    let parts = firmware.join(&Sealed::new(&old, 1, Some(&key)).unwrap(), &[key.public()]).unwrap();
    let uf2 = here.path().join("first.uf2");
    std::fs::write(&uf2, file(pico, &parts).unwrap()).unwrap();

    let mut board = Pico::start(&packages, &uf2);
    assert_eq!(running(&mut board), (old_crc, 1, true));
    // What is not signed, or with another key, is rejected, and nothing is erased for it.
    for seal in [Sealed::new(&new, 2, None).unwrap(), Sealed::new(&new, 2, Some(&Key::new())).unwrap()] {
        board.port().send(&seal, &mut |_| ()).unwrap_err();
    }
    let sent = board.port().send(&Sealed::new(&new, 2, Some(&key)).unwrap(), &mut |_| ()).unwrap();
    assert_eq!((sent.before, sent.status.running.map(|r| r.counter)), (0, Some(1)));
    board.port().restart().unwrap();
    let mut now = running(&mut board);
    assert_eq!((now.0, now.1), (new_crc, 2));
    // Listening goes on beside the line: after 100 blocks its trial is over.
    for _ in 0..200 {
        if now.2 {
            break;
        }
        now = running(&mut board);
    }
    assert_eq!(now, (new_crc, 2, true));
    let operations = board.end();

    let mut flash = vec![0xff; FLASH];
    for part in &parts {
        let from = (part.at - pico.flash_at) as usize;
        flash[from..from + part.bytes.len()].copy_from_slice(&part.bytes);
    }
    let spare = operations.iter().map(|o| o.at).min().unwrap();
    assert!(spare >= FLASH - (512 << 10), "nothing but a slot is erased or written");
    let states: Vec<Vec<u8>> = std::iter::once(flash.clone())
        .chain(operations.iter().map(|operation| {
            operation.act(&mut flash, || 0xff);
            flash.clone()
        }))
        .collect();

    let cuts: usize = std::env::var("ELMAN_CUTS").ok().and_then(|n| n.parse().ok()).unwrap_or(20);
    let (mut numbers, mut kept) = (Numbers(7), [0usize; 2]);
    let image = here.path().join("cut.bin");
    for cut in 0..cuts {
        let at = match cut {
            0 => 0,
            1 => operations.len() - 1,
            _ => numbers.between(0, operations.len() as i64 - 1) as usize,
        };
        let mut flash = states[at].clone();
        let kind = numbers.between(0, 3);
        let mut whole = numbers.between(0, 4096);
        operations[at].act(&mut flash, || {
            whole -= 1;
            match kind {
                0 => 0,
                1 => 0xff,
                2 if whole > 0 => 0xff,
                2 => 0,
                _ => numbers.between(0, 255) as u8,
            }
        });
        std::fs::write(&image, &flash).unwrap();
        let mut board = Pico::start(&packages, &image);
        let now = running(&mut board);
        let of_two = [(old_crc, 1), (new_crc, 2)].iter().position(|model| *model == (now.0, now.1));
        kept[of_two.unwrap_or_else(|| panic!("operation {at} of {}, kind {kind}: {now:?}", operations.len()))] += 1;
        board.end();
    }
    println!(
        "a signed model of {} bytes came over USB in {} operations of the flash; after each of {cuts} cuts of the supply the next start ran \
         the old model or the new one ({} and {})",
        new.len(),
        operations.len(),
        kept[0],
        kept[1]
    );
    assert!(cuts < 20 || kept.iter().all(|n| *n > 0));
}
