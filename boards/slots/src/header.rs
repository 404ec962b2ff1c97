//! What is in front of a blob.

use crate::bytes::{put, take};

/// First word of a slot: `ESLT`.
pub const MAGIC: u32 = u32::from_le_bytes(*b"ESLT");
/// Version of the header.
pub const FORMAT: u16 = 1;
/// Bytes that the seal covers.
pub const SEALED_BYTES: usize = 88;
/// Bytes of the seal.
pub const SEAL_BYTES: usize = 64;
/// Bytes of header and seal, as they are sent and written: whole units of every flash with units of at most 32 bytes.
pub const HEADER_BYTES: usize = 160;
/// Bytes of a mark.
pub const MARK_BYTES: usize = 32;
/// Where the blob begins in a slot.
pub const BLOB_AT: u32 = 256;

/// Which key signed: the first 8 bytes of the SHA-512 of the public key; zeros where none did.
pub type KeyId = [u8; 8];

/// How a header is sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealKind {
    /// By its own SHA-512, which finds damage and stops nobody.
    Digest,
    /// By an Ed25519 signature.
    Ed25519,
}

/// What a slot has in front of its blob. Little-endian:
///
/// | bytes | content |
/// |---|---|
/// | 0 to 3 | [`MAGIC`] |
/// | 4, 5 | [`FORMAT`] |
/// | 6, 7 | 0: sealed by SHA-512; 1: by Ed25519 |
/// | 8 to 11 | bytes of the blob |
/// | 12 to 15 | counter |
/// | 16 to 23 | key id |
/// | 24 to 87 | SHA-512 of the blob |
/// | 88 to 151 | the seal over bytes 0 to 87 |
/// | 152 to 159 | 0xff |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// How it is sealed.
    pub seal: SealKind,
    /// Bytes of the blob.
    pub length: u32,
    /// Grows with every model that is sent to a device.
    pub counter: u32,
    /// Which key signed.
    pub key: KeyId,
    /// SHA-512 of the blob.
    pub digest: [u8; 64],
}

impl Header {
    /// The bytes that the seal covers.
    pub fn message(&self) -> [u8; SEALED_BYTES] {
        let mut to = [0; SEALED_BYTES];
        put(&mut to, 0, &MAGIC.to_le_bytes());
        put(&mut to, 4, &FORMAT.to_le_bytes());
        put(&mut to, 6, &u16::from(self.seal == SealKind::Ed25519).to_le_bytes());
        put(&mut to, 8, &self.length.to_le_bytes());
        put(&mut to, 12, &self.counter.to_le_bytes());
        put(&mut to, 16, &self.key);
        put(&mut to, 24, &self.digest);
        to
    }

    /// Header and seal, as they are sent and written.
    pub fn with_seal(&self, seal: &[u8; SEAL_BYTES]) -> [u8; HEADER_BYTES] {
        let mut to = [0xff; HEADER_BYTES];
        put(&mut to, 0, &self.message());
        put(&mut to, SEALED_BYTES, seal);
        to
    }

    /// Header and seal from bytes; `None` where they are no header of this version. The seal is not checked.
    pub fn parse(bytes: &[u8; HEADER_BYTES]) -> Option<(Header, [u8; SEAL_BYTES])> {
        let seal = match u16::from_le_bytes(take(bytes, 6)) {
            0 => SealKind::Digest,
            1 => SealKind::Ed25519,
            _ => return None,
        };
        let known = u32::from_le_bytes(take(bytes, 0)) == MAGIC && u16::from_le_bytes(take(bytes, 4)) == FORMAT;
        let header = Header {
            seal,
            length: u32::from_le_bytes(take(bytes, 8)),
            counter: u32::from_le_bytes(take(bytes, 12)),
            key: take(bytes, 16),
            digest: take(bytes, 24),
        };
        known.then_some((header, take(bytes, SEALED_BYTES)))
    }
}

/// What is written to a slot after its header, each once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// The model is about to run for the first time.
    Tried,
    /// The application is content with it.
    Confirmed,
}

impl Mark {
    /// Where it is in a slot.
    pub const fn at(self) -> u32 {
        match self {
            Mark::Tried => 160,
            Mark::Confirmed => 192,
        }
    }

    /// Whether bytes are a mark: any bit of it has fallen. A write that was cut off counts, so that none is ever written twice.
    pub fn is_written(bytes: &[u8; MARK_BYTES]) -> bool {
        bytes.iter().any(|byte| *byte != 0xff)
    }
}
