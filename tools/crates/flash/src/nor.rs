//! NOR flash in memory, whose supply can fail in the midst of an operation.
//!
//! Writes let bits fall, an erase raises all of a sector. A unit of which a bit has fallen is not written again before it is erased:
//! to do so is a fault of the program, and reported as [`Fault::Rewritten`]. An operation is the write of one unit of the chip's programmer, or the erase of one
//! sector. When the supply fails in an operation, [`Tear`] says what became of its bits; from then on nothing answers.

use embedded_storage::nor_flash::{ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash};

/// Why the flash did not do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The supply has failed.
    #[error("the supply has failed")]
    Cut,
    /// A unit was written that was not erased.
    #[error("the unit at {0} was written a second time")]
    Rewritten(u32),
    /// Not in whole units or sectors, or beyond the end.
    #[error("{0}")]
    Bounds(NorFlashErrorKind),
}

impl NorFlashError for Fault {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            Fault::Bounds(kind) => *kind,
            _ => NorFlashErrorKind::Other,
        }
    }
}

/// What becomes of the bits of an operation in which the supply fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tear {
    /// It was not begun.
    Before,
    /// Of a write, each bit falls or not; of an erase, each bit is raised or not. `share` of 256 are done.
    Some {
        /// Which.
        seed: u64,
        /// How many of 256.
        share: u8,
    },
    /// The first bytes are done, `share` of 256, the others are not begun.
    Front(u8),
    /// The last bytes are done, `share` of 256, the others are not begun.
    Back(u8),
    /// Of an erase: the sector was set to 0 throughout, as chips do first, and not raised. A write is done.
    Zeros,
    /// Of an erase: any bits. Of a write, as [`Tear::Some`].
    Any(u64),
    /// It was done, and the supply failed before the next.
    After,
}

/// A flash of units of `WRITE` bytes and sectors of `ERASE`, whose programmer writes `PROGRAM` bytes at a time.
#[derive(Clone, Debug)]
pub struct Nor<const WRITE: usize, const ERASE: usize, const PROGRAM: usize> {
    /// What is stored.
    pub bytes: Vec<u8>,
    /// Units that may be written.
    blank: Vec<bool>,
    /// Operations done.
    pub operations: u64,
    /// The operation in which the supply fails, and how.
    cut: Option<(u64, Tear)>,
    failed: bool,
    /// The first thing that the program did wrong.
    pub fault: Option<Fault>,
}

/// The next of a sequence of numbers (SplitMix64).
pub fn next(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *seed;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A byte whose bits are 1 with `share` of 256.
fn bits(seed: &mut u64, share: u8) -> u8 {
    (0..8).fold(0, |byte, k| byte | u8::from((next(seed) & 0xff) < u64::from(share)) << k)
}

impl<const WRITE: usize, const ERASE: usize, const PROGRAM: usize> Nor<WRITE, ERASE, PROGRAM> {
    /// An erased flash of so many sectors.
    pub fn new(sectors: usize) -> Self {
        let bytes = vec![0xff; sectors * ERASE];
        let blank = vec![true; bytes.len() / WRITE];
        Nor { bytes, blank, operations: 0, cut: None, failed: false, fault: None }
    }

    /// Puts bytes into it from outside, as a programmer does.
    pub fn put(&mut self, at: usize, bytes: &[u8]) {
        self.bytes[at..at + bytes.len()].copy_from_slice(bytes);
        self.blank[at / WRITE..(at + bytes.len()).div_ceil(WRITE)].fill(false);
    }

    /// Lets the supply fail in the operation of this number, counted from the next one on.
    pub fn cut_at(&mut self, operation: u64, tear: Tear) {
        self.operations = 0;
        self.cut = Some((operation, tear));
    }

    /// Whether the supply has failed.
    pub fn has_failed(&self) -> bool {
        self.failed
    }

    /// The flash after the supply is there again. It fails no more unless it is asked to.
    pub fn powered(&self) -> Self {
        Nor { operations: 0, cut: None, failed: false, ..self.clone() }
    }

    /// Counts an operation; how it is torn, if it is.
    fn begin(&mut self) -> Result<Option<Tear>, Fault> {
        if self.failed {
            return Err(Fault::Cut);
        }
        let tear = self.cut.filter(|(at, _)| *at == self.operations).map(|(_, tear)| tear);
        self.operations += 1;
        self.failed = tear.is_some();
        Ok(tear)
    }

    fn program(&mut self, at: usize, data: &[u8]) -> Result<(), Fault> {
        let units = at / WRITE..(at + data.len()) / WRITE;
        if let Some(used) = units.clone().find(|unit| !self.blank[*unit]) {
            let fault = Fault::Rewritten((used * WRITE) as u32);
            self.fault.get_or_insert(fault);
            return Err(fault);
        }
        let tear = self.begin()?;
        if tear == Some(Tear::Before) {
            return Err(Fault::Cut);
        }
        let cells = &mut self.bytes[at..at + data.len()];
        match tear {
            None | Some(Tear::After | Tear::Zeros | Tear::Before) => {
                cells.iter_mut().zip(data).for_each(|(c, d)| *c &= d)
            }
            Some(Tear::Front(share)) => {
                let count = data.len() * usize::from(share) / 256;
                cells.iter_mut().zip(data).take(count).for_each(|(c, d)| *c &= d);
            }
            Some(Tear::Back(share)) => {
                let skipped = data.len() - data.len() * usize::from(share) / 256;
                cells.iter_mut().zip(data).skip(skipped).for_each(|(c, d)| *c &= d);
            }
            Some(Tear::Some { mut seed, share }) => {
                cells.iter_mut().zip(data).for_each(|(c, d)| *c &= d | !bits(&mut seed, share));
            }
            Some(Tear::Any(mut seed)) => cells.iter_mut().zip(data).for_each(|(c, d)| *c &= d | !bits(&mut seed, 128)),
        }
        // A unit of which no bit fell may be written still: these are flashes without error correction.
        for unit in units {
            self.blank[unit] = self.bytes[unit * WRITE..(unit + 1) * WRITE].iter().all(|byte| *byte == 0xff);
        }
        if tear.is_some() { Err(Fault::Cut) } else { Ok(()) }
    }

    fn erase_sector(&mut self, at: usize) -> Result<(), Fault> {
        let tear = self.begin()?;
        let cells = &mut self.bytes[at..at + ERASE];
        match tear {
            None | Some(Tear::After) => cells.fill(0xff),
            Some(Tear::Before) => return Err(Fault::Cut),
            Some(Tear::Zeros) => cells.fill(0),
            Some(Tear::Front(share)) => cells[..ERASE * usize::from(share) / 256].fill(0xff),
            Some(Tear::Back(share)) => cells[ERASE - ERASE * usize::from(share) / 256..].fill(0xff),
            Some(Tear::Some { mut seed, share }) => cells.iter_mut().for_each(|c| *c |= bits(&mut seed, share)),
            Some(Tear::Any(mut seed)) => cells.iter_mut().for_each(|c| *c = next(&mut seed) as u8),
        }
        // After a torn erase no unit is known to be erased, whatever it reads.
        self.blank[at / WRITE..(at + ERASE) / WRITE].fill(matches!(tear, None | Some(Tear::After)));
        if tear.is_some() { Err(Fault::Cut) } else { Ok(()) }
    }

    fn bounds(&self, at: u32, length: usize, unit: usize) -> Result<(), Fault> {
        let (at, end) = (at as usize, at as usize + length);
        let kind = match () {
            () if end > self.bytes.len() => NorFlashErrorKind::OutOfBounds,
            () if !at.is_multiple_of(unit) || !length.is_multiple_of(unit) => NorFlashErrorKind::NotAligned,
            () => return Ok(()),
        };
        Err(Fault::Bounds(kind))
    }
}

impl<const WRITE: usize, const ERASE: usize, const PROGRAM: usize> ErrorType for Nor<WRITE, ERASE, PROGRAM> {
    type Error = Fault;
}

impl<const WRITE: usize, const ERASE: usize, const PROGRAM: usize> ReadNorFlash for Nor<WRITE, ERASE, PROGRAM> {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, to: &mut [u8]) -> Result<(), Fault> {
        if self.failed {
            return Err(Fault::Cut);
        }
        self.bounds(offset, to.len(), 1)?;
        let at = offset as usize;
        to.copy_from_slice(&self.bytes[at..at + to.len()]);
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.bytes.len()
    }
}

impl<const WRITE: usize, const ERASE: usize, const PROGRAM: usize> NorFlash for Nor<WRITE, ERASE, PROGRAM> {
    const WRITE_SIZE: usize = WRITE;
    const ERASE_SIZE: usize = ERASE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), Fault> {
        self.bounds(from, to.saturating_sub(from) as usize, ERASE)?;
        (from as usize..to as usize).step_by(ERASE).try_for_each(|at| self.erase_sector(at))
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Fault> {
        self.bounds(offset, bytes.len(), WRITE)?;
        let (mut at, mut rest) = (offset as usize, bytes);
        while !rest.is_empty() {
            // Not beyond the end of what the programmer takes at once.
            let (now, later) = rest.split_at(rest.len().min(PROGRAM - at % PROGRAM));
            self.program(at, now)?;
            (at, rest) = (at + now.len(), later);
        }
        Ok(())
    }
}
