//! SHA-512, over bytes and over flash.

use ed25519_compact::sha512::Hash;
use embedded_storage::nor_flash::ReadNorFlash;

/// Bytes that are read from flash at a time.
const CHUNK: u32 = 128;

/// SHA-512 of bytes.
pub fn sha512(bytes: &[u8]) -> [u8; 64] {
    Hash::hash(bytes)
}

/// SHA-512 of `length` bytes of flash from `at` on.
///
/// # Errors
/// The flash's.
pub(crate) fn of_flash<F: ReadNorFlash>(flash: &mut F, at: u32, length: u32) -> Result<[u8; 64], F::Error> {
    let (mut hash, mut chunk, mut done) = (Hash::new(), [0; CHUNK as usize], 0u32);
    while done < length {
        // Whole chunks are read, also at the end: a slot has whole ones.
        flash.read(at.wrapping_add(done), &mut chunk)?;
        let count = length.wrapping_sub(done).min(CHUNK);
        hash.update(chunk.get(..count as usize).unwrap_or_default());
        done = done.wrapping_add(CHUNK);
    }
    Ok(hash.finalize())
}
