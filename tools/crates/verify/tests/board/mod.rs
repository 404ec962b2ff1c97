//! A board in QEMU, whose serial port is a pseudo terminal.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use elman_emulator::{Firmware, Machine, Qemu, Session};
use elman_verify::{Patience, Port, Serial};

/// An emulated board with a model, which runs until this is dropped.
pub struct Running {
    child: Child,
    path: String,
    /// Where it reads the model.
    _session: Session,
}

impl Running {
    /// Starts it; `blob` is what it loads where none is built in.
    pub fn start(machine: &Machine, firmware: &Firmware, blob: Option<&[u8]>) -> Self {
        let session = Session::new(blob).unwrap();
        let mut child = Command::new(Qemu::find(machine).unwrap().program())
            // Ticks are instructions, however busy this machine is.
            .args(["-machine", &machine.machine, "-cpu", &machine.cpu, "-icount", "shift=6"])
            .args(["-nographic", "-monitor", "none"])
            .args(["-serial", "pty", "-semihosting-config", "enable=on,target=native", "-kernel"])
            .arg(&firmware.elf)
            .current_dir(session.folder())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        // "char device redirected to /dev/pts/4 (label serial0)"
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let path = line.split_whitespace().find(|w| w.starts_with("/dev/")).unwrap_or_else(|| panic!("{line:?}"));
        Running { path: path.to_owned(), child, _session: session }
    }

    /// A line to it.
    pub fn port(&self) -> Port<Serial> {
        Port::open(&self.path, Patience::default()).unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
