//! The first serial port of an MPS2 board, polled.

use core::convert::Infallible;
use embedded_io::{ErrorType, Read, Write};

/// Where it is on the boards with Cortex-M3, M4 and M7.
const BASE: usize = 0x4000_4000;
const DATA: usize = 0;
const STATE: usize = 4;
const CONTROL: usize = 8;
const DIVIDER: usize = 16;

fn register(offset: usize) -> u32 {
    // SAFETY: a register of a peripheral that is always there; reading has no effect on memory.
    unsafe { ((BASE + offset) as *const u32).read_volatile() }
}

fn write_register(offset: usize, value: u32) {
    // SAFETY: as above; writing has no effect on memory.
    unsafe { ((BASE + offset) as *mut u32).write_volatile(value) }
}

/// The bytes that come.
pub struct Receiver(());

/// The bytes that go.
pub struct Sender(());

/// Switches the port on. There is one owner: whoever calls this twice gets two handles to one port, whose bytes then mix.
pub fn start() -> (Receiver, Sender) {
    write_register(DIVIDER, 16);
    write_register(CONTROL, 3);
    (Receiver(()), Sender(()))
}

impl ErrorType for Receiver {
    type Error = Infallible;
}

impl Read for Receiver {
    fn read(&mut self, to: &mut [u8]) -> Result<usize, Infallible> {
        let Some(first) = to.first_mut() else { return Ok(0) };
        while register(STATE) & 2 == 0 {}
        *first = register(DATA) as u8;
        Ok(1)
    }
}

impl ErrorType for Sender {
    type Error = Infallible;
}

impl Write for Sender {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        for byte in bytes {
            while register(STATE) & 1 != 0 {}
            write_register(DATA, u32::from(*byte));
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}
