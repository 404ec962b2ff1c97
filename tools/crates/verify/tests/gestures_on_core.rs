//! The gesture firmware in QEMU tells what its logic tells on the host, from the same readings. Where QEMU or a toolchain for
//! the core is missing, the test says so and ends: CI has both.

use core::convert::Infallible;

use elman::Model;
use elman::blob::Blob;
use elman_board::gesture::{Accelerometer, Gestures};
use elman_board::spotter::Indicator;
use elman_emulator::{Firmware, Machines, Qemu, Session};
use elman_quant::synthetic::{self, Numbers};
use elman_quant::words_of;
use embedded_hal::digital::{ErrorType, OutputPin};

/// The readings, one after the other.
struct Recorded<'r>(std::slice::Iter<'r, [i16; 3]>);

impl Accelerometer for Recorded<'_> {
    type Error = Infallible;

    fn read(&mut self) -> Result<[i16; 3], Infallible> {
        Ok(*self.0.next().expect("as many steps as readings"))
    }
}

/// A light that nobody sees.
struct Dark;

impl ErrorType for Dark {
    type Error = Infallible;
}

impl OutputPin for Dark {
    fn set_low(&mut self) -> Result<(), Infallible> {
        Ok(())
    }

    fn set_high(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

#[test]
fn gestures_on_the_core_are_those_of_the_host() {
    let blob = synthetic::gestures(16, 4, 5).to_blob().unwrap();
    let file = tempfile::Builder::new().suffix(".elman").tempfile().unwrap();
    std::fs::write(file.path(), &blob).unwrap();
    let machines = Machines::find(None).unwrap();
    let firmware = machines.get("m4").and_then(|machine| {
        let qemu = Qemu::find(machine)?;
        let firmware = Firmware::build(&machines, "m4", "gesture", Some(file.path()), &["--features", "gesture"])?;
        Ok((machine, qemu, firmware))
    });
    let (machine, qemu, firmware) = match firmware {
        Ok(found) => found,
        Err(e) => return eprintln!("not run: {e:#}"),
    };
    // Movement about as strong as a wand's, for 40 s.
    let mut numbers = Numbers(3);
    let readings: Vec<[i16; 3]> =
        (0..1000).map(|t| [0; 3].map(|_: i16| numbers.between(-2000, 2000) as i16 >> (t / 50 % 8))).collect();
    let session = Session::new(None).unwrap();
    let bytes: Vec<u8> = readings.iter().flatten().flat_map(|v| v.to_le_bytes()).collect();
    std::fs::write(session.input(), bytes).unwrap();
    qemu.run(machine, &firmware, session.folder()).unwrap();
    let told = words_of(&std::fs::read(session.output()).unwrap_or_default()).unwrap_or_default();

    let words = words_of(&blob).unwrap();
    let model = Model::load(Blob::new(&words)).unwrap();
    let mut memory = vec![0; Blob::new(&words).memory_words() + Blob::new(&words).detect_words()];
    let light = Indicator::new(Dark, false, 500).unwrap();
    let mut gestures = Gestures::new(&model, &mut memory, Recorded(readings.iter()), light).unwrap();
    let mut wanted = Vec::new();
    for _ in &readings {
        if let Some((event, _)) = gestures.step(40).unwrap() {
            wanted.extend([u32::from(event.class), event.step, event.score.to_bits().into()]);
        }
    }
    assert!(wanted.len() >= 9, "{} events", wanted.len() / 3);
    assert_eq!(told, wanted);
}
