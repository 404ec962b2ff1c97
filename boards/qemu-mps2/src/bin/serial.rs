//! Answers `elman verify --port` over the first serial port (elman_board::serial has the protocol). The model is built in.
#![no_std]
#![no_main]

#[path = "../board/mod.rs"]
mod board;
#[path = "../uart.rs"]
mod uart;

use board::give_up;
use elman::{Blob, Model};
use elman_board::serial::{MESSAGE, Room, serve};
use semihosting::process;
use static_cell::ConstStaticCell;

static BLOB: Blob<'static> = elman::include_blob!(concat!(env!("OUT_DIR"), "/model.elman"));

static MEMORY: ConstStaticCell<[u32; 4096]> = ConstStaticCell::new([0; 4096]);
static SNAPSHOT: ConstStaticCell<[u32; 4096]> = ConstStaticCell::new([0; 4096]);
static FRAME: ConstStaticCell<[i16; 4096]> = ConstStaticCell::new([0; 4096]);
static RECEIVED: ConstStaticCell<[u8; MESSAGE]> = ConstStaticCell::new([0; MESSAGE]);
static SENT: ConstStaticCell<[u8; 2 * MESSAGE]> = ConstStaticCell::new([0; 2 * MESSAGE]);

/// From here on.
#[board::entry]
fn main() -> ! {
    let clock = board::clock();
    let model = Model::load(BLOB).unwrap_or_else(|e| give_up("the blob is refused", &e));
    let room = Room {
        memory: MEMORY.take(),
        snapshot: SNAPSHOT.take(),
        frame: FRAME.take(),
        received: RECEIVED.take(),
        sent: SENT.take(),
    };
    match serve(&model, room, &mut uart::Uart::start(), &clock) {
        Ok(_) => process::exit(0),
        Err(e) => give_up("the session ended early", &e),
    }
}
