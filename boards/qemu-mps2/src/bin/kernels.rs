//! Runs the kernels of every weight format next to their scalar references on seeded random data of many shapes, extreme
//! values among them, and exits with failure at the first difference.
#![no_std]
#![no_main]
#![deny(unsafe_code)]

#[path = "../board/mod.rs"]
mod board;

use elman::kernel::fft::{self, Complex};
use elman::kernel::{self, Layout, Packing, RowBlock, WeightFormat, reference};
use semihosting::{eprintln, println, process};
use static_cell::ConstStaticCell;

/// Whether RAM is too small for a blob.
const SMALL: bool = board::BLOB_AT.is_some();
/// Words of weights, words of a vector and row blocks at most, as RAM allows.
const WEIGHTS: usize = if SMALL { 1280 } else { 8192 };
const VECTOR: usize = if SMALL { 64 } else { 160 };
const ROW_BLOCKS: usize = if SMALL { 3 } else { 8 };
/// Words of parameters of a row block at most.
const PARAMS: usize = 16;
/// Blocks of four columns of x and of h at most.
const BLOCKS: usize = if SMALL { 12 } else { 18 };
/// Points of an FFT at most.
const POINTS: usize = if SMALL { 256 } else { 512 };

/// The order of weights that the kernels of this core read.
const LAYOUT: Layout = match Layout::BUILT {
    Some(layout) => layout,
    None => Layout::Pairs,
};

static WORDS: ConstStaticCell<[u32; WEIGHTS]> = ConstStaticCell::new([0; WEIGHTS]);
static SAMPLES: ConstStaticCell<[u32; POINTS + 1]> = ConstStaticCell::new([0; POINTS + 1]);
static SPECTRA: ConstStaticCell<[[Complex; POINTS]; 2]> = ConstStaticCell::new([[[0; 2]; POINTS]; 2]);

struct Random(u64);

impl Random {
    fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 32) as u32
    }

    /// A weight in -max..=max, often an extreme one.
    fn weight(&mut self, max: i8) -> i8 {
        let max = i32::from(max);
        let weight = match self.next() % 8 {
            0 => max,
            1 => -max,
            _ => (self.next() % (2 * max as u32 + 1)) as i32 - max,
        };
        weight as i8
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

    /// A row block: `params` and `weights` as it packs them.
    fn row_block(&mut self, packing: Packing, block: RowBlock, params: &mut [u32], weights: &mut [u32]) {
        self.scaled_row_block(packing, block, 0, params, weights);
    }

    /// [`Random::row_block`] with multipliers of `scale` bits less.
    fn scaled_row_block(
        &mut self,
        packing: Packing,
        block: RowBlock,
        scale: u32,
        params: &mut [u32],
        weights: &mut [u32],
    ) {
        let biases = [0; 4].map(|_: i32| self.next() as i32 >> 8);
        let multipliers = [0; 4].map(|_: i32| self.next() as i32 >> scale);
        packing.pack_params(block, biases, multipliers, params);
        packing.pack(block, |_, _| self.weight(packing.format.max()), weights);
    }
}

/// Kernel and reference on random row blocks over a random vector, as many as `weights` has room for; their number. Exits
/// where they differ.
fn compare(random: &mut Random, packing: Packing, block: RowBlock, weights: &mut [u32]) -> usize {
    let (words, per_block) = (packing.weight_words(block), packing.param_words(block));
    let count = (weights.len() / words).min(ROW_BLOCKS);
    let mut params = [0u32; ROW_BLOCKS * PARAMS];
    let blocks = params.chunks_exact_mut(per_block).zip(weights.chunks_exact_mut(words));
    blocks.take(count).for_each(|(params, weights)| random.row_block(packing, block, params, weights));
    let (params, weights) = (&params[..count * per_block], &weights[..count * words]);
    let x: [u32; VECTOR] = core::array::from_fn(|_| random.elements());
    let x = &x[..block.width() / 2];
    let (mut fast, mut slow) = ([[0; 4]; ROW_BLOCKS], [[0; 4]; ROW_BLOCKS]);
    if let RowBlock::Split { x: columns, .. } = block {
        let of_x = columns / 2;
        kernel::split(packing, weights, params, x, of_x, fast.iter_mut(), |out, pre| *out = pre);
        reference::split(packing, weights, params, x, of_x, slow.iter_mut(), |out, pre| *out = pre);
    } else {
        kernel::rows(packing, weights, params, x, fast.iter_mut(), |out, pre| *out = pre);
        reference::rows(packing, weights, params, x, slow.iter_mut(), |out, pre| *out = pre);
    }
    for (k, (fast, slow)) in fast.iter().zip(&slow).enumerate() {
        if fast != slow {
            let format = packing.format.name();
            eprintln!("{} {:?}, row block {}: kernel {:?}, reference {:?}", format, block, k, fast, slow);
            process::exit(1);
        }
    }
    count
}

/// Equations of an LSTM, or of a GRU where the row block is split, in a kernel and one by one; how many units. Exits where they
/// differ.
#[cfg(layout = "rows")]
fn equations(random: &mut Random, packing: Packing, block: RowBlock, weights: &mut [u32]) -> usize {
    use elman::arith::{Gate, Pre, Q};
    use elman::cell::{Stage, Unit, gru, lstm};

    let (words, per_block) = (packing.weight_words(block), packing.param_words(block));
    let (units, scale) = (1 + random.next() as usize % ROW_BLOCKS, random.next() % 20);
    let units = units.min(weights.len() / words);
    let mut params = [0u32; ROW_BLOCKS * PARAMS];
    let blocks = params.chunks_exact_mut(per_block).zip(weights.chunks_exact_mut(words));
    blocks.take(units).for_each(|(params, w)| random.scaled_row_block(packing, block, scale, params, w));
    let (params, weights) = (&params[..units * per_block], &weights[..units * words]);
    let x: [u32; VECTOR] = core::array::from_fn(|_| random.elements());
    let x = &x[..block.width() / 2];
    let out_frac = (random.next() % 16) as u8;
    let split = if let RowBlock::Split { x, .. } = block { Some(x / 2) } else { None };
    let carried_frac = if split.is_some() { out_frac + Q::HIDDEN_MORE } else { 17 + (random.next() % 11) as u8 };
    let q = Q { carried_frac, out_frac };
    // A state of a GRU is at most 2^30.
    let most = if split.is_some() { 1 << 30 } else { i32::MAX };
    let mut carried: [u32; ROW_BLOCKS] = core::array::from_fn(|k| match k % 4 {
        0 if random.next().is_multiple_of(2) => most as u32,
        1 if random.next().is_multiple_of(2) => -most as u32,
        _ => ((random.next() as i32).clamp(-most, most) >> (random.next() % 24)) as u32,
    });
    let mut h = [7i16; ROW_BLOCKS];
    // Every other LSTM sees its cell state.
    let sees = split.is_none() && random.next().is_multiple_of(2);
    let peepholes: [u32; 3 * ROW_BLOCKS] = core::array::from_fn(|_| random.next() & 0xbfff_ffff);
    let (mut wanted, mut wanted_h) = (carried, h);
    let mut each = |((carried, h), v): ((&mut u32, &mut i16), &[u32]), pre: [i32; 4]| {
        let peephole = [v[0] as i32, v[1] as i32, v[2] as i32];
        let mut unit: Unit<Q> = Unit { h: 0, carried: *carried as i32, second: 0, stage_gate: Gate::ZERO, peephole };
        if split.is_some() {
            gru::After.unit(&q, pre.map(Pre::from_bits), &mut unit);
        } else {
            lstm::VARIANTS[if sees { 3 } else { 0 }].unit(&q, pre.map(Pre::from_bits), &mut unit);
        }
        (*carried, *h) = (unit.carried as u32, unit.h);
    };
    let all = wanted.iter_mut().zip(&mut wanted_h).zip(peepholes.chunks(3));
    if let Some(of_x) = split {
        reference::split(packing, weights, params, x, of_x, all, &mut each);
        kernel::gated_split(packing, weights, params, (x, of_x), q.gru_gates(), &mut carried, &mut h);
    } else {
        reference::rows(packing, weights, params, x, all, &mut each);
        let gates = if sees { q.peephole_gates(&peepholes) } else { q.lstm_gates() };
        kernel::gated_rows(packing, weights, params, x, gates, &mut carried, &mut h);
    }
    if carried != wanted || h != wanted_h {
        eprintln!("{:?}, {} units, {:?}: {:?} {:?}, wanted {:?} {:?}", block, units, q, carried, h, wanted, wanted_h);
        process::exit(1);
    }
    units
}

/// Activations and a residual cell in a kernel and one by one; how many units. Exits where they differ.
#[cfg(layout = "rows")]
fn activations(random: &mut Random, packing: Packing, block: RowBlock, weights: &mut [u32]) -> usize {
    use elman::arith::{Activation, Arith, Gate, Pre, Q};
    use elman::cell::{Stage, Unit, residual::Residual};

    let (words, per_block) = (packing.weight_words(block), packing.param_words(block));
    let (blocks, scale) = (1 + random.next() as usize % ROW_BLOCKS, random.next() % 20);
    let blocks = blocks.min(weights.len() / words);
    let mut params = [0u32; ROW_BLOCKS * PARAMS];
    let all = params.chunks_exact_mut(per_block).zip(weights.chunks_exact_mut(words));
    all.take(blocks).for_each(|(params, w)| random.scaled_row_block(packing, block, scale, params, w));
    let (params, weights) = (&params[..blocks * per_block], &weights[..blocks * words]);
    let x: [u32; VECTOR] = core::array::from_fn(|_| random.elements());
    let x = &x[..block.width() / 2];
    let out_frac = (random.next() % 16) as u8;
    let (f, carried_frac) = match random.next() % 4 {
        0 => (Activation::Tanh, 0),
        1 => (Activation::Sigmoid, 0),
        2 => (Activation::Relu, random.next() as u8 % (16 - out_frac)),
        _ => (Activation::Linear, random.next() as u8 % (16 - out_frac)),
    };
    let q = Q { carried_frac, out_frac };
    let units = 4 * blocks - random.next() as usize % 4;
    let (mut h, mut wanted) = ([7i16; 4 * ROW_BLOCKS], [7i16; 4 * ROW_BLOCKS]);
    reference::rows(packing, weights, params, x, wanted[..units].chunks_mut(4), |out, pre| {
        out.iter_mut().zip(pre).for_each(|(out, pre)| *out = q.activate(f, Pre::from_bits(pre)));
    });
    kernel::gated_rows(packing, weights, params, x, q.activation_gates(f), &mut [], &mut h[..units]);
    if h != wanted {
        eprintln!("{:?}, {} units, {:?}, {:?}: {:?}, wanted {:?}", block, units, f, q, h, wanted);
        process::exit(1);
    }
    let q = Q { carried_frac: 17 + (random.next() % 11) as u8, out_frac };
    let mut carried = [0u32; 4 * ROW_BLOCKS];
    carried.fill_with(|| match random.next() % 8 {
        0 => i32::MAX as u32,
        1 => i32::MIN as u32,
        _ => (random.next() as i32 >> (random.next() % 16)) as u32,
    });
    let mut wanted_carried = carried;
    let states = wanted_carried[..units].chunks_mut(4).zip(wanted[..units].chunks_mut(4));
    reference::rows(packing, weights, params, x, states, |(carried, out), pre| {
        for ((carried, out), pre) in carried.iter_mut().zip(out).zip(pre) {
            let mut unit: Unit<Q> =
                Unit { h: 0, carried: *carried as i32, second: 0, stage_gate: Gate::ZERO, peephole: [0; 3] };
            Residual.unit(&q, [Pre::from_bits(pre)], &mut unit);
            (*carried, *out) = (unit.carried as u32, unit.h);
        }
    });
    kernel::gated_rows(packing, weights, params, x, q.residual_gates(), &mut carried, &mut h[..units]);
    if h != wanted || carried != wanted_carried {
        eprintln!("residual, {:?}, {} units, {:?}: {:?}, wanted {:?}", block, units, q, h, wanted);
        process::exit(1);
    }
    2 * units
}

/// Other cores have the equations of one unit alone.
#[cfg(not(layout = "rows"))]
fn activations(_: &mut Random, _: Packing, _: RowBlock, _: &mut [u32]) -> usize {
    0
}

/// Other cores have the equations of one unit alone.
#[cfg(not(layout = "rows"))]
fn equations(_: &mut Random, _: Packing, _: RowBlock, _: &mut [u32]) -> usize {
    0
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
    let samples = SAMPLES.take();
    let mut runs = 0;
    for bits in 6..=POINTS.trailing_zeros() {
        let points = 1 << bits;
        let (fast, slow) = (&mut fast[..points], &mut slow[..points]);
        let fresh = |random: &mut Random, fast: &mut [Complex], slow: &mut [Complex]| {
            for (a, b) in fast.iter_mut().zip(slow) {
                *a = [random.next(), random.next()];
                *b = *a;
            }
        };
        for _ in 0..4 {
            fresh(random, fast, slow);
            fft::real_fft(fast, &fft::TURNS, &fft::SINES);
            fft::real_fft_reference(slow, &fft::TURNS, &fft::SINES);
            same("FFT", points, fast, slow);
            runs += 1;
        }
        for (from, to) in [(1, points), (3, 4), (points / 2, points / 2 + 7), (5, 5)] {
            fresh(random, fast, slow);
            let (a, b) = (fft::power(&fast[from..to]), fft::power_reference(&slow[from..to]));
            if a != b {
                eprintln!("powers {} to {} of {} points: {:?}, reference {:?}", from, to, points, a, b);
                process::exit(1);
            }
            runs += 1;
        }
        let most = 2 * points;
        for n in [most, most / 2, most - 4, most * 25 / 32, most - 2, most - 1, 16, 20, 17] {
            samples.fill_with(|| random.elements());
            let words = &*samples;
            for start in [0, 1] {
                let frame = &kernel::word::halves(words)[start..start + n];
                fresh(random, fast, slow);
                let (scale, offset) = (1 << (random.next() % 21), random.next() as i32);
                if !fft::window(frame, fast, &fft::SINES, scale, offset) {
                    continue;
                }
                let value = |s: i16| i32::from(s).wrapping_mul(scale).wrapping_add(offset);
                fft::window_reference(frame, slow, &fft::SINES, value);
                same("window", n, fast, slow);
                let (a, b) = (fft::moments(words, n), fft::moments_reference(words, n));
                if a != b {
                    eprintln!("moments of {} samples: {:?}, reference {:?}", n, a, b);
                    process::exit(1);
                }
                runs += 2;
            }
        }
    }
    for by in 0..2 * VECTOR {
        let vector: [u32; VECTOR] = core::array::from_fn(|k| kernel::word::pair(2 * k as i16, 2 * k as i16 + 1));
        let mut moved = vector;
        kernel::slide(&mut moved, by);
        let element = |v: &[u32; VECTOR], k: usize| (v[k / 2] >> (16 * (k % 2))) as u16;
        if let Some(k) = (0..2 * VECTOR - by).find(|k| element(&moved, *k) != element(&vector, k + by)) {
            eprintln!("a vector slid by {}: element {} is {}", by, k, element(&moved, k));
            process::exit(1);
        }
        runs += 1;
    }
    runs
}

/// Every kernel of this core.
#[board::entry]
fn main() -> ! {
    let mut random = Random(1);
    let weights = WORDS.take();
    let (mut row_blocks, mut units) = (0, 0);
    for format in WeightFormat::ALL {
        let packing = Packing { format: *format, layout: LAYOUT };
        for blocks in 1..=VECTOR / 2 {
            let block = RowBlock::Rows { columns: 4 * blocks };
            row_blocks += compare(&mut random, packing, block, weights);
            for _ in 0..8 {
                units += equations(&mut random, packing, block, weights);
                units += activations(&mut random, packing, block, weights);
            }
        }
        for x_blocks in 1..=BLOCKS {
            for h_blocks in 1..=BLOCKS {
                let block = RowBlock::Split { x: 4 * x_blocks, h: 4 * h_blocks };
                row_blocks += compare(&mut random, packing, block, weights);
                units += equations(&mut random, packing, block, weights);
            }
        }
    }
    let runs = spectra(&mut random);
    println!(
        "{} row blocks, equations of {} units and {} runs of the front end's kernels equal their references",
        row_blocks, units, runs
    );
    process::exit(0)
}
