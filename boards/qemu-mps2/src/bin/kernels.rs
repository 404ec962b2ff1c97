//! Runs the kernels beside their scalar twins on seeded random data of many shapes, extreme values among
//! them, and exits with failure at the first difference.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use elman::kernel::layout::{ROWS_PARAMS, SPLIT_PARAMS, pack_bias, pack_pair};
use elman::kernel::{self, twin};
use semihosting::{eprintln, println, process};

/// Words of weights, words of a vector and passes at most.
const WEIGHTS: usize = 8192;
const VECTOR: usize = 160;
const PASSES: usize = 8;

struct Random(u64);

impl Random {
    fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 32) as u32
    }

    /// A weight in -127..=127, often an extreme one.
    fn weight(&mut self) -> i8 {
        match self.next() % 8 {
            0 => 127,
            1 => -127,
            _ => ((self.next() % 255) as i32 - 127) as i8,
        }
    }

    /// Two elements of a vector, often extreme ones.
    fn elements(&mut self) -> u32 {
        match self.next() % 8 {
            0 => 0x8000_8000,
            1 => 0x7fff_7fff,
            2 => 0x8000_7fff,
            _ => self.next(),
        }
    }

    fn lane(&mut self) -> u32 {
        u32::from(pack_pair(self.weight(), self.weight()))
    }

    fn bytes(&mut self) -> u32 {
        u32::from_le_bytes([0; 4].map(|_: u8| self.weight() as u8))
    }

    fn bias(&mut self) -> i32 {
        self.next() as i32 >> 8
    }
}

/// Exits at the first pass that differs; the number of passes.
fn compare(kind: &str, shape: (usize, usize), fast: &[[i32; 4]], twin: &[[i32; 4]]) -> usize {
    for (pass, (a, b)) in fast.iter().zip(twin).enumerate() {
        if a != b {
            eprintln!("{} {:?}, pass {}: kernel {:?}, twin {:?}", kind, shape, pass, a, b);
            process::exit(1);
        }
    }
    fast.len()
}

#[cortex_m_rt::entry]
fn main() -> ! {
    let mut random = Random(1);
    let mut weights = [0u32; WEIGHTS];
    let mut passes = 0;
    for blocks in 1..=VECTOR / 2 {
        let words = blocks * 2;
        let x: [u32; VECTOR] = core::array::from_fn(|_| random.elements());
        let rows = (WEIGHTS / (words * 2)).min(PASSES);
        for w in &mut weights[..rows * words * 2] {
            *w = random.lane() | random.lane() << 16;
        }
        let mut params = [0u32; PASSES * ROWS_PARAMS];
        for p in params.chunks_exact_mut(ROWS_PARAMS) {
            p[..3].copy_from_slice(&pack_bias(random.bias(), random.bias()));
            p[3..6].copy_from_slice(&pack_bias(random.bias(), random.bias()));
            p[6..].fill_with(|| random.next());
        }
        let (weights_, x_) = (&weights[..rows * words * 2], &x[..words]);
        let (mut fast, mut slow) = ([[0; 4]; PASSES], [[0; 4]; PASSES]);
        kernel::rows(weights_, &params, x_, fast.iter_mut(), |out, pre| *out = pre);
        twin::rows(weights_, &params, x_, slow.iter_mut(), |out, pre| *out = pre);
        passes += compare("rows", (words, rows), &fast[..rows], &slow[..rows]);
    }
    for x_blocks in 1..=18 {
        for h_blocks in 1..=18 {
            let words = (x_blocks + h_blocks) * 2;
            let xh: [u32; VECTOR] = core::array::from_fn(|_| random.elements());
            for block in weights[..PASSES * words / 2 * 3].chunks_exact_mut(3) {
                block[0] = random.lane() | random.lane() << 16;
                block[1] = random.lane() | random.lane() << 16;
                block[2] = random.bytes();
            }
            let mut params = [0u32; PASSES * SPLIT_PARAMS];
            for p in params.chunks_exact_mut(SPLIT_PARAMS) {
                p[..3].copy_from_slice(&pack_bias(random.bias(), random.bias()));
                p[3..5].fill_with(|| random.bias() as u32);
                p[5..].fill_with(|| random.next());
            }
            let (weights_, xh_) = (&weights[..PASSES * words / 2 * 3], &xh[..words]);
            let (mut fast, mut slow) = ([[0; 4]; PASSES], [[0; 4]; PASSES]);
            kernel::split(weights_, &params, xh_, x_blocks * 2, fast.iter_mut(), |out, pre| *out = pre);
            twin::split(weights_, &params, xh_, x_blocks * 2, slow.iter_mut(), |out, pre| *out = pre);
            passes += compare("split", (x_blocks, h_blocks), &fast, &slow);
        }
    }
    println!("{} passes equal their twins", passes);
    process::exit(0)
}
