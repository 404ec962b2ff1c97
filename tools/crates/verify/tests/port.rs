//! `verify --port` against firmware in QEMU, whose serial port is a pseudo terminal. Where QEMU or a toolchain for the core is
//! missing, the test says so and ends: CI has both.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use elman::Model;
use elman::blob::Blob;
use elman_emulator::{Firmware, Machines, Qemu};
use elman_pipeline::{Answer, Example};
use elman_quant::synthetic::{self, Drive};
use elman_quant::words_of;
use elman_verify::Port;

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn every_bit_over_a_pseudo_terminal() {
    let machines = Machines::find(None).unwrap();
    let blob = synthetic::model("lstm", 5, 9, 3, Drive::Ordinary, 8).to_blob().unwrap();
    let file = tempfile::Builder::new().suffix(".elman").tempfile().unwrap();
    std::fs::write(file.path(), &blob).unwrap();
    let firmware = machines
        .get("m4")
        .and_then(Qemu::find)
        .and_then(|_| Firmware::build(&machines, "m4", "serial", Some(file.path()), &["--features", "serial"]));
    let firmware = match firmware {
        Ok(firmware) => firmware,
        Err(e) => return eprintln!("not run: {e:#}"),
    };
    let machine = machines.get("m4").unwrap();
    let mut child = Running(
        Command::new("qemu-system-arm")
            .args(["-machine", &machine.machine, "-cpu", &machine.cpu, "-nographic", "-monitor", "none"])
            .args(["-serial", "pty", "-semihosting-config", "enable=on,target=native", "-kernel"])
            .arg(&firmware.elf)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap(),
    );
    // "char device redirected to /dev/pts/4 (label serial0)"
    let mut line = String::new();
    BufReader::new(child.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let path = line.split_whitespace().find(|w| w.starts_with("/dev/")).unwrap_or_else(|| panic!("{line:?}"));

    let words = words_of(&blob).unwrap();
    let model = Model::load(Blob::new(&words)).unwrap();
    let example = |seed| Example {
        name: String::new(),
        frames: synthetic::frames(5, 60, seed),
        joints: elman_data::Joints::None,
        answer: Answer::Class(0),
    };
    let report = Port::open(path).unwrap().verify(&model, &[example(1), example(2)]).unwrap();
    assert_eq!((report.steps, report.mismatches), (120, 0), "{:?}", report.first);
    // A board with another model is told apart before a step is run.
    let other = synthetic::model("lstm", 5, 9, 3, Drive::Ordinary, 9).to_blob().unwrap();
    let words = words_of(&other).unwrap();
    let other = Model::load(Blob::new(&words)).unwrap();
    let error = Port::open(path).unwrap().verify(&other, &[]).unwrap_err().to_string();
    assert!(error.contains("another model"), "{error}");
}
