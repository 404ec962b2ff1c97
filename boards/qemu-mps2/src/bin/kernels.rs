//! Runs the kernels and their scalar references on seeded random data of many shapes, extreme values among
//! them, and exits with failure at the first difference.
#![no_std]
#![no_main]
#![deny(unsafe_code)]

#[path = "../board/mod.rs"]
mod board;

use elman::kernel::butterfly::{self, Complex, Sines};
use elman::kernel::layout::{PLAIN_PARAMS, ROWS_PARAMS, pack_bias, pack_pair};
use elman::kernel::{self, Layout, reference};
use semihosting::{eprintln, println, process};
use static_cell::ConstStaticCell;

/// Whether RAM is too small for a blob.
const SMALL: bool = board::BLOB_AT.is_some();
/// Words of weights, words of a vector and passes at most, as RAM allows.
const WEIGHTS: usize = if SMALL { 1280 } else { 8192 };
const VECTOR: usize = if SMALL { 64 } else { 160 };
const PASSES: usize = if SMALL { 3 } else { 8 };
/// Blocks of x and of h at most.
const BLOCKS: usize = if SMALL { 12 } else { 18 };
/// Points of an FFT at most.
const POINTS: usize = if SMALL { 256 } else { 512 };

/// In which order the kernels of this core read weights.
const LAYOUT: Layout = match Layout::BUILT {
    Some(layout) => layout,
    None => Layout::Pairs,
};

static WORDS: ConstStaticCell<[u32; WEIGHTS]> = ConstStaticCell::new([0; WEIGHTS]);
static SPECTRA: ConstStaticCell<[[Complex; POINTS]; 2]> = ConstStaticCell::new([[[0; 2]; POINTS]; 2]);

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

    fn lanes(&mut self) -> u32 {
        self.lane() | self.lane() << 16
    }

    fn bytes(&mut self) -> u32 {
        let offset = if LAYOUT == Layout::Columns { 128 } else { 0 };
        u32::from_le_bytes([0; 4].map(|_: u8| (self.weight() as u8).wrapping_add(offset)))
    }

    fn bias(&mut self) -> i32 {
        self.next() as i32 >> 8
    }

    /// A word of weights of a pass of four rows.
    fn rows_word(&mut self) -> u32 {
        if LAYOUT == Layout::Pairs { self.lanes() } else { self.bytes() }
    }

    /// Three words of a split pass.
    fn split_words(&mut self) -> [u32; 3] {
        if LAYOUT == Layout::Pairs {
            [self.lanes(), self.lanes(), self.bytes()]
        } else {
            [self.bytes(), self.bytes(), self.bytes()]
        }
    }

    /// Parameters of a pass, `pairs` of biases packed where the layout packs them.
    fn params(&mut self, params: &mut [u32], pairs: usize) {
        let pairs = if LAYOUT == Layout::Pairs { pairs } else { 0 };
        let (packed, rest) = params.split_at_mut(3 * pairs);
        for p in packed.chunks_exact_mut(3) {
            p.copy_from_slice(&pack_bias(self.bias(), self.bias()));
        }
        let (biases, multipliers) = rest.split_at_mut(rest.len() - 4);
        biases.fill_with(|| self.bias() as u32);
        multipliers.fill_with(|| self.next());
    }
}

/// Exits at the first pass that differs; the number of passes.
fn compare(kind: &str, shape: (usize, usize), fast: &[[i32; 4]], reference: &[[i32; 4]]) -> usize {
    for (pass, (a, b)) in fast.iter().zip(reference).enumerate() {
        if a != b {
            eprintln!("{} {:?}, pass {}: kernel {:?}, reference {:?}", kind, shape, pass, a, b);
            process::exit(1);
        }
    }
    fast.len()
}

/// Exits where two spectra differ.
fn same(kind: &str, points: usize, fast: &[Complex], reference: &[Complex]) {
    if let Some(at) = fast.iter().zip(reference).position(|(a, b)| a != b) {
        eprintln!("{} of {} points, element {}: {:?}, reference {:?}", kind, points, at, fast[at], reference[at]);
        process::exit(1);
    }
}

/// The front end's kernels; how often they ran.
fn spectra(random: &mut Random) -> usize {
    let [fast, slow] = SPECTRA.take();
    let mut runs = 0;
    let mut sines: Sines = [0; 257];
    sines.fill_with(|| random.next() as i32);
    let sines: &'static Sines = SINES.take().write(sines);
    for bits in 6..=POINTS.trailing_zeros() {
        let points = 1 << bits;
        let (fast, slow) = (&mut fast[..points], &mut slow[..points]);
        let fresh = |random: &mut Random, fast: &mut [Complex], slow: &mut [Complex]| {
            for (a, b) in fast.iter_mut().zip(slow) {
                *a = [random.next(), random.next()];
                *b = *a;
            }
        };
        for length in [points, points / 4, 4] {
            for k in [0, 1, length / 8, length / 4 - 1].into_iter().filter(|k| *k < length / 4) {
                let turns = [0; 3].map(|_: u8| [random.next() as i32, random.next() as i32]);
                for turns in [None, Some(&turns)] {
                    fresh(random, fast, slow);
                    butterfly::radix4(fast, length, k, turns);
                    butterfly::radix4_reference(slow, length, k, turns);
                    same("butterflies", points, fast, slow);
                    runs += 1;
                }
            }
        }
        fresh(random, fast, slow);
        butterfly::real_fft_postprocess(fast, sines);
        butterfly::real_fft_postprocess_reference(slow, sines);
        same("postprocessing of a real FFT", points, fast, slow);
        for (from, to) in [(1, points), (3, 4), (points / 2, points / 2 + 7), (5, 5)] {
            fresh(random, fast, slow);
            let (a, b) = (butterfly::power(fast, from, to), butterfly::power_reference(slow, from, to));
            if a != b {
                eprintln!("powers {} to {} of {} points: {:?}, reference {:?}", from, to, points, a, b);
                process::exit(1);
            }
            runs += 1;
        }
    }
    for _ in 0..1000 {
        let (exponent, mantissa) = (random.next() & 63, random.next() | 1 << 31);
        let (a, b) = (kernel::logarithm::<10>(exponent, mantissa), kernel::logarithm_reference(exponent, mantissa, 10));
        if a != b {
            eprintln!("log2 {} {}: {}, reference {}", exponent, mantissa, a, b);
            process::exit(1);
        }
    }
    runs + 1000
}

static SINES: ConstStaticCell<core::mem::MaybeUninit<Sines>> = ConstStaticCell::new(core::mem::MaybeUninit::uninit());

/// From here on.
#[board::entry]
fn main() -> ! {
    let mut random = Random(1);
    let weights = WORDS.take();
    let mut passes = 0;
    for blocks in 1..=VECTOR / 2 {
        let words = blocks * 2;
        let x: [u32; VECTOR] = core::array::from_fn(|_| random.elements());
        let rows = (WEIGHTS / (words * 2)).min(PASSES);
        for w in &mut weights[..rows * words * 2] {
            *w = random.rows_word();
        }
        let mut params = [0u32; PASSES * ROWS_PARAMS];
        let params = &mut params[..PASSES * LAYOUT.rows_params()];
        for p in params.chunks_exact_mut(LAYOUT.rows_params()) {
            random.params(p, 2);
        }
        let (weights_, x_) = (&weights[..rows * words * 2], &x[..words]);
        let (mut fast, mut slow) = ([[0; 4]; PASSES], [[0; 4]; PASSES]);
        kernel::rows(LAYOUT, weights_, params, x_, fast.iter_mut(), |out, pre| *out = pre);
        reference::rows(LAYOUT, weights_, params, x_, slow.iter_mut(), |out, pre| *out = pre);
        passes += compare("rows", (words, rows), &fast[..rows], &slow[..rows]);
    }
    for x_blocks in 1..=BLOCKS {
        for h_blocks in 1..=BLOCKS {
            let words = (x_blocks + h_blocks) * 2;
            let xh: [u32; VECTOR] = core::array::from_fn(|_| random.elements());
            for block in weights[..PASSES * words / 2 * 3].chunks_exact_mut(3) {
                block.copy_from_slice(&random.split_words());
            }
            let mut params = [0u32; PASSES * (PLAIN_PARAMS + 1)];
            let params = &mut params[..PASSES * LAYOUT.split_params()];
            for p in params.chunks_exact_mut(LAYOUT.split_params()) {
                random.params(p, 1);
            }
            let (weights_, xh_) = (&weights[..PASSES * words / 2 * 3], &xh[..words]);
            let (mut fast, mut slow) = ([[0; 4]; PASSES], [[0; 4]; PASSES]);
            kernel::split(LAYOUT, weights_, params, xh_, x_blocks * 2, fast.iter_mut(), |out, pre| *out = pre);
            reference::split(LAYOUT, weights_, params, xh_, x_blocks * 2, slow.iter_mut(), |out, pre| *out = pre);
            passes += compare("split", (x_blocks, h_blocks), &fast, &slow);
        }
    }
    let runs = spectra(&mut random);
    println!("{} passes and {} runs of the front end's kernels equal their references", passes, runs);
    process::exit(0)
}
