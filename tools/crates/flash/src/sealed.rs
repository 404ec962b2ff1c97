//! Models with a header: what is sent to a device, and what a slot has.

use anyhow::{Context, Result, ensure};
use elman::blob::{Blob, Model};
use elman_slots::{BLOB_AT, HEADER_BYTES, Header, MARK_BYTES, Mark, SealKind, sha512};

use crate::key::Key;

/// A blob and its sealed header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// Header and seal.
    pub header: [u8; HEADER_BYTES],
    /// The blob.
    pub blob: Vec<u8>,
}

impl Sealed {
    /// Seals a blob: by a signature, or without a key by a checksum.
    ///
    /// # Errors
    /// Where the blob does not load, or the counter is 0, which every device has had.
    pub fn new(blob: &[u8], counter: u32, key: Option<&Key>) -> Result<Sealed> {
        ensure!(counter > 0, "a model's counter is at least 1");
        loads(blob)?;
        let length = u32::try_from(blob.len()).context("the blob is longer than 4 GB")?;
        let (seal, id) = match key {
            Some(key) => (SealKind::Ed25519, key.public().id()),
            None => (SealKind::Digest, [0; 8]),
        };
        let header = Header { seal, length, counter, key: id, digest: sha512(blob) };
        let message = header.message();
        let seal = key.map_or_else(|| sha512(&message), |key| key.sign(&message));
        Ok(Sealed { header: header.with_seal(&seal), blob: blob.to_owned() })
    }

    /// The header; its seal is not checked.
    ///
    /// # Errors
    /// Where it is none.
    pub fn header(&self) -> Result<Header> {
        Ok(Header::parse(&self.header).context("no header of this version")?.0)
    }

    /// As a file, and as a slot has it before it runs for the first time.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.header.to_vec();
        bytes.resize(BLOB_AT as usize, 0xff);
        bytes.extend_from_slice(&self.blob);
        bytes
    }

    /// As a slot has it that is written with the firmware: confirmed.
    pub fn to_slot(&self) -> Vec<u8> {
        let mut bytes = self.to_bytes();
        for mark in [Mark::Tried, Mark::Confirmed] {
            let at = mark.at() as usize;
            bytes[at..at + MARK_BYTES].fill(0);
        }
        bytes
    }

    /// Whether a file is one of these, and no blob.
    pub fn is_one(bytes: &[u8]) -> bool {
        bytes.starts_with(&elman_slots::MAGIC.to_le_bytes())
    }

    /// Reads a file of [`Sealed::to_bytes`].
    ///
    /// # Errors
    /// Where it is none, or cut off.
    pub fn of_bytes(bytes: &[u8]) -> Result<Sealed> {
        let header: [u8; HEADER_BYTES] = *bytes.first_chunk().context("the file is shorter than a header")?;
        let blob = bytes.get(BLOB_AT as usize..).context("the file ends before its blob")?.to_vec();
        let sealed = Sealed { header, blob };
        let length = sealed.header()?.length as usize;
        ensure!(length == sealed.blob.len(), "the blob has {} bytes, and {length} by its header", sealed.blob.len());
        ensure!(
            sha512(&sealed.blob) == sealed.header()?.digest,
            "the blob is not the one that was sealed: its SHA-512 differs"
        );
        Ok(sealed)
    }
}

/// That a blob loads.
fn loads(blob: &[u8]) -> Result<()> {
    let (words, rest) = blob.as_chunks();
    ensure!(rest.is_empty(), "a blob's length is a multiple of four, and this has {} bytes", blob.len());
    let words: Vec<u32> = words.iter().map(|word| u32::from_le_bytes(*word)).collect();
    match Model::load(Blob::new(&words)) {
        Ok(_) => Ok(()),
        Err(e) => anyhow::bail!("the blob does not load: {e}"),
    }
}
