//! The memory of an MPS2 board that firmware is in, as if it were the NOR flash of a chip.

use embedded_storage::nor_flash::{
    ErrorType, NorFlash, NorFlashErrorKind, ReadNorFlash, check_erase, check_read, check_write,
};

/// Where it begins: the last 128 KB of what the linker gives to the firmware, which is far smaller.
pub const AT: u32 = 0x003e_0000;
/// Bytes of a slot.
pub const SLOT_BYTES: u32 = 64 * 1024;

/// The one owner of this memory. A write lets bits fall, an erase raises those of a sector of 4 KB, as on an nRF52840.
pub struct MemoryFlash(());

impl MemoryFlash {
    /// The memory.
    ///
    /// # Safety
    /// At most one may be there, and nothing but it may write there.
    pub unsafe fn take() -> Self {
        MemoryFlash(())
    }
}

fn byte(offset: u32) -> *mut u8 {
    core::ptr::without_provenance_mut((AT + offset) as usize)
}

impl ErrorType for MemoryFlash {
    type Error = NorFlashErrorKind;
}

impl ReadNorFlash for MemoryFlash {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, to: &mut [u8]) -> Result<(), NorFlashErrorKind> {
        check_read(self, offset, to.len())?;
        for (to, k) in to.iter_mut().zip(offset..) {
            // SAFETY: within the memory, by the check; reading has no effect.
            *to = unsafe { byte(k).read_volatile() };
        }
        Ok(())
    }

    fn capacity(&self) -> usize {
        2 * SLOT_BYTES as usize
    }
}

impl NorFlash for MemoryFlash {
    const WRITE_SIZE: usize = 4;
    const ERASE_SIZE: usize = 4096;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), NorFlashErrorKind> {
        check_erase(self, from, to)?;
        // SAFETY: within the memory, by the check, and nothing else writes there.
        (from..to).for_each(|k| unsafe { byte(k).write_volatile(0xff) });
        Ok(())
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), NorFlashErrorKind> {
        check_write(self, offset, bytes.len())?;
        for (new, k) in bytes.iter().zip(offset..) {
            // SAFETY: as above.
            unsafe { byte(k).write_volatile(byte(k).read_volatile() & new) };
        }
        Ok(())
    }
}
