//! A model on its way into the spare slot.

use embedded_storage::nor_flash::NorFlash;

use crate::header::{BLOB_AT, HEADER_BYTES, Header, MARK_BYTES};
use crate::{Error, Rejection, Slot, Slots, Trust, digest};

/// Bytes that are written at once: a page of the flashes that have pages, and whole units of the others.
const PAGE: usize = 256;

/// What was received so far.
#[derive(Debug)]
pub(crate) struct Transfer {
    pub(crate) header: Header,
    bytes: [u8; HEADER_BYTES],
    slot: Slot,
    pub(crate) received: u32,
    /// What has not been written yet: the last `received % PAGE` bytes.
    page: [u8; PAGE],
}

impl<F: NorFlash, T: Trust> Slots<F, T> {
    /// Begins to receive the model of a header: checks it, and erases as many sectors of the spare slot as the blob takes. The
    /// transfer of another header is given up; that of the same one goes on. Bytes received already.
    ///
    /// # Errors
    /// A [`Rejection`] before anything is erased, or the flash's error.
    pub fn begin(&mut self, bytes: &[u8; HEADER_BYTES]) -> Result<u32, Error<F::Error>> {
        if let Some(transfer) = self.transfer.as_ref().filter(|t| t.bytes == *bytes) {
            return Ok(transfer.received);
        }
        if self.active().is_some_and(|active| !active.confirmed) {
            return Err(Rejection::OnTrial.into());
        }
        let (header, seal) = Header::parse(bytes).ok_or(Rejection::Header)?;
        self.check(&header, &seal)?;
        let (offered, highest) = (header.counter, self.highest());
        if offered <= highest {
            return Err(Rejection::Counter { offered, highest }.into());
        }
        self.transfer = None;
        let slot = self.spare();
        let at = self.region.at(slot);
        let needed = BLOB_AT.saturating_add(header.length).checked_next_multiple_of(F::ERASE_SIZE as u32);
        let end = at.saturating_add(needed.unwrap_or(self.region.slot_bytes).min(self.region.slot_bytes));
        self.flash.erase(at, end).map_err(Error::Flash)?;
        self.transfer = Some(Transfer { header, bytes: *bytes, slot, received: 0, page: [0xff; PAGE] });
        Ok(0)
    }

    /// Receives a block of any size that begins at byte `offset` of the blob. What was received before is skipped, so that a block
    /// may come twice. Bytes received.
    ///
    /// # Errors
    /// [`Rejection::NoTransfer`]; [`Rejection::Offset`] where bytes are missing before it; [`Rejection::TooLong`]. After an error of the
    /// flash the transfer must begin again.
    pub fn write(&mut self, offset: u32, block: &[u8]) -> Result<u32, Error<F::Error>> {
        let Some(transfer) = &mut self.transfer else { return Err(Rejection::NoTransfer.into()) };
        let (received, length) = (transfer.received, transfer.header.length);
        if offset > received {
            return Err(Rejection::Offset { offset, received }.into());
        }
        if u64::from(offset).saturating_add(block.len() as u64) > u64::from(length) {
            return Err(Rejection::TooLong { length }.into());
        }
        let mut rest = block.get(received.wrapping_sub(offset) as usize..).unwrap_or_default();
        let blob = self.region.at(transfer.slot).wrapping_add(BLOB_AT);
        while !rest.is_empty() {
            let filled = transfer.received as usize % PAGE;
            let place = transfer.page.get_mut(filled..).unwrap_or_default();
            let count = place.len().min(rest.len());
            place.iter_mut().zip(rest).for_each(|(to, byte)| *to = *byte);
            let at = blob.wrapping_add(transfer.received).wrapping_sub(filled as u32);
            transfer.received = transfer.received.wrapping_add(count as u32);
            rest = rest.get(count..).unwrap_or_default();
            if filled.wrapping_add(count) == PAGE {
                let written = self.flash.write(at, &transfer.page);
                transfer.page = [0xff; PAGE];
                if let Err(error) = written {
                    self.transfer = None;
                    return Err(Error::Flash(error));
                }
            }
        }
        Ok(transfer.received)
    }

    /// Ends a transfer: reads back what was written, compares its SHA-512 with the header's, and writes the header. The model runs
    /// from the next start on, on trial.
    ///
    /// # Errors
    /// [`Rejection::TooShort`]: the transfer goes on. [`Rejection::Digest`] and errors of the flash: it must begin again.
    pub fn finish(&mut self) -> Result<(), Error<F::Error>> {
        let (received, length) = match &self.transfer {
            None => return Err(Rejection::NoTransfer.into()),
            Some(transfer) => (transfer.received, transfer.header.length),
        };
        if received < length {
            return Err(Rejection::TooShort { length, received }.into());
        }
        let Some(transfer) = self.transfer.take() else { return Err(Rejection::NoTransfer.into()) };
        let at = self.region.at(transfer.slot);
        let blob = at.wrapping_add(BLOB_AT);
        let filled = received as usize % PAGE;
        if filled > 0 {
            let units = filled.next_multiple_of(MARK_BYTES).min(PAGE);
            let last = transfer.page.get(..units).unwrap_or_default();
            let begin = blob.wrapping_add(received).wrapping_sub(filled as u32);
            self.flash.write(begin, last).map_err(Error::Flash)?;
        }
        let read_back = digest::of_flash(&mut self.flash, blob, length).map_err(Error::Flash)?;
        if read_back != transfer.header.digest {
            return Err(Rejection::Digest.into());
        }
        self.flash.write(at, &transfer.bytes).map_err(Error::Flash)
    }

    /// Gives up what was being received.
    pub fn cancel(&mut self) {
        self.transfer = None;
    }
}
