//! `elman send` against firmware in QEMU, whose serial port is a pseudo terminal and whose memory stands for flash: it keeps the
//! slots over a restart. Where QEMU or a toolchain for the core is missing, the test says so and ends: CI has both.

use crate::board::Running;
use std::io::{Read, Write};

use elman::Model;
use elman::blob::Blob;
use elman_emulator::{Firmware, Machines, Qemu};
use elman_flash::key::Key;
use elman_flash::sealed::Sealed;
use elman_pipeline::{Answer, Example};
use elman_quant::synthetic::{self, Drive};
use elman_quant::words_of;
use elman_slots::{INFO_BYTES, INFO_MAGIC, Info};
use elman_verify::{Device, Port, compare_examples};

/// A blob of a model with random weights.
fn blob(seed: u64) -> Vec<u8> {
    synthetic::model("lstm", 5, 9, 3, Drive::Ordinary, seed).to_blob().unwrap()
}

/// Counter of the model that runs, and whether it is confirmed.
fn running<L: Read + Write>(board: &mut Port<L>) -> Option<(u32, bool)> {
    board.slots().unwrap().1.running.map(|running| (running.counter, running.confirmed))
}

/// Runs steps on the board, and compares every bit.
fn runs(board: &mut dyn Device, blob: &[u8], steps: usize) {
    let words = words_of(blob).unwrap();
    let frames = synthetic::frames(5, steps, 3);
    let example =
        Example { name: String::new(), frames, joints: elman_data::ExampleStructure::None, answer: Answer::Class(0) };
    let model = Model::load(Blob::new(&words)).unwrap();
    let report = compare_examples(board, &model, &[example], None).unwrap();
    assert_eq!((report.steps, report.mismatches), (steps as u64, 0), "{:?}", report.first);
}

#[test]
fn models_are_sent_tried_and_kept() {
    let machines = Machines::find(None).unwrap();
    let machine = machines.get("m4").unwrap();
    let firmware =
        Qemu::find(machine).and_then(|_| Firmware::build(&machines, "m4", "slots", None, &["--features", "slots"]));
    let mut firmware = match firmware {
        Ok(firmware) => firmware,
        Err(e) => return eprintln!("not run: {e:#}"),
    };
    let (mut one, none) = (Vec::new(), &mut |_: u32| ());
    let mut note = |received| one.push(received);

    // A board without a model says so, and receives one.
    let board = Running::start(machine, &firmware, None);
    let mut port = board.port();
    let (hello, status) = port.slots().unwrap();
    assert_eq!((hello.crc, status.running, status.highest, status.signed), (0, None, 0, false));
    let (first, second) = (Sealed::new(&blob(1), 1, None).unwrap(), Sealed::new(&blob(2), 2, None).unwrap());
    port.send(&first, &mut note).unwrap();
    port.restart().unwrap();
    assert_eq!(running(&mut port), Some((1, false)));
    assert!(one.len() > 1 && one.last() == Some(&(first.blob.len() as u32)));
    // Its first good steps end its trial.
    runs(&mut port, &first.blob, 120);
    assert_eq!(running(&mut port), Some((1, true)));

    // One that does not prove itself: the next start has the one before.
    let sent = port.send(&second, none).unwrap();
    assert_eq!(sent.status.running.map(|r| r.counter), Some(1));
    port.restart().unwrap();
    assert_eq!(running(&mut port), Some((2, false)));
    let error = format!("{:#}", port.send(&Sealed::new(&blob(3), 3, None).unwrap(), none).unwrap_err());
    assert!(error.contains("on trial"), "{error}");
    port.restart().unwrap();
    assert_eq!(running(&mut port), Some((1, true)));
    let error = format!("{:#}", port.send(&second, none).unwrap_err());
    assert!(error.contains("counter is 2") && error.contains("has had 2"), "{error}");
    let third = Sealed::new(&blob(3), 3, None).unwrap();
    port.send(&third, none).unwrap();
    port.restart().unwrap();
    runs(&mut port, &third.blob, 120);
    port.restart().unwrap();
    assert_eq!(running(&mut port), Some((3, true)));
    // Bits that change after sealing are found when all have come.
    let mut changed = Sealed::new(&blob(4), 4, None).unwrap();
    changed.blob[40] ^= 1;
    let error = format!("{:#}", port.send(&changed, none).unwrap_err());
    assert!(error.contains("SHA-512 differs"), "{error}");
    runs(&mut port, &third.blob, 5);
    drop(board);

    // The same firmware with a key in it, as `elman flash --key` makes it.
    let key = Key::of_seed([9; 32]).unwrap();
    let mut elf = std::fs::read(&firmware.elf).unwrap();
    let at = elf.windows(INFO_BYTES).position(|b| b.starts_with(&INFO_MAGIC) && b[16..].starts_with(b"qemu-mps2"));
    let block: &mut [u8; INFO_BYTES] = elf[at.unwrap()..].first_chunk_mut().unwrap();
    Info::require(block, &[key.public()]);
    let folder = tempfile::tempdir().unwrap();
    firmware.elf = folder.path().join("signed");
    std::fs::write(&firmware.elf, elf).unwrap();
    let board = Running::start(machine, &firmware, None);
    let mut port = board.port();
    assert!(port.slots().unwrap().1.signed);
    let error = format!("{:#}", port.send(&first, none).unwrap_err());
    assert!(error.contains("signed models alone"), "{error}");
    let other = Key::of_seed([8; 32]).unwrap();
    let error = format!("{:#}", port.send(&Sealed::new(&blob(1), 1, Some(&other)).unwrap(), none).unwrap_err());
    assert!(error.contains("does not know the key"), "{error}");
    let signed = Sealed::new(&blob(1), 7, Some(&key)).unwrap();
    port.send(&signed, none).unwrap();
    port.restart().unwrap();
    runs(&mut port, &signed.blob, 120);
    assert_eq!(running(&mut port), Some((7, true)));
}
