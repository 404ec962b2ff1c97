//! Counts what a start has to check of a model: the SHA-512 of a blob, and the signature over its header.
//!
//! seal.bin is a header over 1,024 bytes of 0x5a, signed by the first key of RFC 8032.
#![no_std]
#![no_main]
#![deny(unsafe_code)]

#[path = "../board/mod.rs"]
mod board;

use core::hint::black_box;
use elman_board::Clock;
use elman_slots::{HEADER_BYTES, Header, PublicKey, Signed, Trust, sha512};
use semihosting::{println, process};

const HEADER: &[u8; HEADER_BYTES] = include_bytes!("seal.bin");
const KEY: PublicKey = PublicKey([
    0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07, 0x3a, 0x0e, 0xe1, 0x72,
    0xf3, 0xda, 0xa6, 0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a,
]);

/// Ticks of the hash and of the signature.
#[board::entry]
fn main() -> ! {
    let clock = board::clock();
    let Some((header, seal)) = Header::parse(HEADER) else { process::exit(1) };
    let blob = [0x5a; 1024];
    let (mut digest, mut checked) = ([0; 64], Ok(()));
    let hash = clock.measure(|| digest = sha512(black_box(&blob)));
    let signature = clock.measure(|| checked = Signed([black_box(KEY)]).check(&header, black_box(&seal)));
    if digest != header.digest || checked.is_err() {
        process::exit(1)
    }
    println!("{} {}", hash, signature);
    process::exit(0)
}
