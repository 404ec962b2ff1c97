//! What a firmware says of itself, so that a file for a board can be made of it and a model.

use crate::bytes::take;
use crate::trust::{Either, PublicKey};

/// What the block begins with.
pub const INFO_MAGIC: [u8; 16] = *b"elman firmware 1";
/// The most public keys.
pub const MOST_KEYS: usize = 2;
/// Bytes of the block.
pub const INFO_BYTES: usize = 192;

const BOARD: usize = 16;
const BOARD_BYTES: usize = 24;
const COMMIT: usize = 40;
const COMMIT_BYTES: usize = 48;
const NUMBERS: usize = 88;
const MODE: usize = 104;
const KEYS: usize = 112;

/// Words that say which models are taken. Neither is a few flipped bits of the other, or of erased flash.
const UNSIGNED: u32 = 0x5a5a_1e01;
const SIGNED: u32 = 0xa5a5_e1f2;

/// A block of a firmware's constants, which a program finds by its first bytes.
///
/// | bytes | content |
/// |---|---|
/// | 0 to 15 | [`INFO_MAGIC`] |
/// | 16 to 39 | board, UTF-8, then zeros |
/// | 40 to 87 | commit that the firmware was built from, then zeros |
/// | 88 to 91 | address of slot A |
/// | 92 to 95 | bytes of a slot |
/// | 96 to 99 | words of RAM for a model's states |
/// | 100 to 103 | the core's clock in Hz |
/// | 104 to 107 | whether models must be signed |
/// | 108 to 111 | number of public keys |
/// | 112 to 175 | public keys, 32 bytes each |
/// | 176 to 191 | zeros |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Info {
    /// Address of slot A, as the core sees it.
    pub slots_at: u32,
    /// Bytes of a slot.
    pub slot_bytes: u32,
    /// Words of RAM for a model's states.
    pub words: u32,
    /// The core's clock in Hz.
    pub clock: u32,
}

impl Info {
    /// The block of a firmware that takes unsigned models. Names that are too long are cut.
    pub const fn block(self, board: &str, commit: &str) -> [u8; INFO_BYTES] {
        let mut to = [0; INFO_BYTES];
        copy(&mut to, 0, &INFO_MAGIC, 16);
        copy(&mut to, BOARD, board.as_bytes(), BOARD_BYTES);
        copy(&mut to, COMMIT, commit.as_bytes(), COMMIT_BYTES);
        copy(&mut to, NUMBERS, &self.slots_at.to_le_bytes(), 4);
        copy(&mut to, NUMBERS + 4, &self.slot_bytes.to_le_bytes(), 4);
        copy(&mut to, NUMBERS + 8, &self.words.to_le_bytes(), 4);
        copy(&mut to, NUMBERS + 12, &self.clock.to_le_bytes(), 4);
        copy(&mut to, MODE, &UNSIGNED.to_le_bytes(), 4);
        to
    }

    /// The numbers of a block; `None` where it is none.
    pub fn parse(block: &[u8; INFO_BYTES]) -> Option<Info> {
        let number = |n: usize| u32::from_le_bytes(take(block, NUMBERS.saturating_add(n.saturating_mul(4))));
        let info = Info { slots_at: number(0), slot_bytes: number(1), words: number(2), clock: number(3) };
        (take(block, 0) == INFO_MAGIC).then_some(info)
    }

    /// The board in a block.
    pub fn board(block: &[u8; INFO_BYTES]) -> &str {
        text(block, BOARD, BOARD_BYTES)
    }

    /// The commit in a block.
    pub fn commit(block: &[u8; INFO_BYTES]) -> &str {
        text(block, COMMIT, COMMIT_BYTES)
    }

    /// Makes a block that of a firmware which takes models signed by these keys alone, at most [`MOST_KEYS`].
    pub fn require(block: &mut [u8; INFO_BYTES], keys: &[PublicKey]) {
        crate::bytes::put(block, MODE, &SIGNED.to_le_bytes());
        crate::bytes::put(block, MODE.saturating_add(4), &(keys.len().min(MOST_KEYS) as u32).to_le_bytes());
        let places = [KEYS, KEYS.saturating_add(32)];
        places.into_iter().zip(keys).for_each(|(at, key)| crate::bytes::put(block, at, &key.0));
    }

    /// Which models a firmware with this block takes. A block that is damaged takes none: it requires a signature by no key.
    pub fn trust(block: &[u8; INFO_BYTES]) -> Either<Keys> {
        let mode = u32::from_le_bytes(take(block, MODE));
        let count = u32::from_le_bytes(take(block, MODE.saturating_add(4))) as usize;
        match mode {
            UNSIGNED if count == 0 => Either::Unsigned,
            SIGNED if count <= MOST_KEYS => Either::Signed(Keys {
                keys: [KEYS, KEYS.saturating_add(32)].map(|at| PublicKey(take(block, at))),
                count,
            }),
            _ => Either::Signed(Keys { keys: [PublicKey([0; 32]); MOST_KEYS], count: 0 }),
        }
    }
}

/// The public keys in a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keys {
    keys: [PublicKey; MOST_KEYS],
    count: usize,
}

impl AsRef<[PublicKey]> for Keys {
    fn as_ref(&self) -> &[PublicKey] {
        self.keys.get(..self.count).unwrap_or_default()
    }
}

fn text(block: &[u8; INFO_BYTES], at: usize, length: usize) -> &str {
    let bytes = block.get(at..).and_then(|rest| rest.get(..length)).unwrap_or_default();
    core::str::from_utf8(bytes).unwrap_or_default().trim_end_matches('\0')
}

/// Copies at most `most` bytes to `at`, while a constant is made.
const fn copy(to: &mut [u8; INFO_BYTES], at: usize, bytes: &[u8], most: usize) {
    let mut k = 0;
    while k < bytes.len() && k < most && at + k < INFO_BYTES {
        to[at + k] = bytes[k];
        k += 1;
    }
}
