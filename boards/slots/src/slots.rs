//! Which model runs.

use embedded_storage::nor_flash::NorFlash;

use crate::header::{BLOB_AT, HEADER_BYTES, Header, MARK_BYTES, Mark, SEAL_BYTES};
use crate::transfer::Transfer;
use crate::{Error, Kept, Rejection, Status, Trust, digest};

/// One of the two slots, in the order in which they are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize, postcard_schema::Schema))]
pub enum Slot {
    /// The first.
    A,
    /// The second.
    B,
}

impl Slot {
    /// The other one.
    pub const fn other(self) -> Slot {
        match self {
            Slot::A => Slot::B,
            Slot::B => Slot::A,
        }
    }
}

/// Where the slots are: two, one after the other, each of whole sectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// The first byte of slot A, from the flash's first byte.
    pub start: u32,
    /// Bytes of a slot.
    pub slot_bytes: u32,
}

impl Region {
    /// The first byte of a slot.
    pub const fn at(&self, slot: Slot) -> u32 {
        match slot {
            Slot::A => self.start,
            Slot::B => self.start.wrapping_add(self.slot_bytes),
        }
    }

    /// Bytes of the largest blob.
    pub const fn room(&self) -> u32 {
        self.slot_bytes.saturating_sub(BLOB_AT)
    }

    fn check<F: NorFlash>(&self, flash: &F) -> Result<(), Rejection> {
        let (erase, write, capacity) = (F::ERASE_SIZE as u32, F::WRITE_SIZE as u32, flash.capacity() as u32);
        let whole = |bytes: u32, of: u32| bytes.checked_rem(of) == Some(0);
        let end = self.slot_bytes.checked_mul(2).and_then(|both| both.checked_add(self.start));
        let fits = end.is_some_and(|end| end <= capacity)
            && whole(self.start, erase)
            && whole(self.slot_bytes, erase)
            && whole(self.slot_bytes, BLOB_AT)
            && self.slot_bytes > BLOB_AT
            && whole(MARK_BYTES as u32, write)
            && whole(MARK_BYTES as u32, F::READ_SIZE as u32);
        let Region { start, slot_bytes } = *self;
        if fits { Ok(()) } else { Err(Rejection::Region { start, slot_bytes, capacity, erase, write }) }
    }
}

/// When the model before the running one may run again, once the running one is confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rollback {
    /// Where the newer one is damaged in flash.
    WhereDamaged,
    /// Never: it is erased. This takes the time of an erase at [`Slots::confirm`], and a device whose model is damaged in flash is
    /// left with none until it receives one.
    Never,
}

/// The model that runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Active {
    /// Where it is.
    pub slot: Slot,
    /// Its header.
    pub header: Header,
    /// Whether the application confirmed it, at some start.
    pub confirmed: bool,
}

/// A header in a slot, its marks, and not yet more known about them.
struct Entry {
    slot: Slot,
    header: Header,
    seal: [u8; SEAL_BYTES],
    tried: bool,
    confirmed: bool,
}

/// Two slots in a flash.
#[derive(Debug)]
pub struct Slots<F, T> {
    pub(crate) flash: F,
    pub(crate) region: Region,
    trust: T,
    rollback: Rollback,
    running: Option<Active>,
    pub(crate) transfer: Option<Transfer>,
}

impl<F: NorFlash, T: Trust> Slots<F, T> {
    /// Chooses the model that runs from now on, once at every start of the device: [`active`](Slots::active), `None` where no slot
    /// has a whole and sealed one. A model that never ran is marked as tried.
    ///
    /// It reads the headers, and hashes the blob of the chosen slot.
    ///
    /// # Errors
    /// Where the region does not fit the flash: [`Rejection::Region`]. What the flash cannot read is as if it were damaged.
    pub fn start(flash: F, region: Region, trust: T, rollback: Rollback) -> Result<Self, Rejection> {
        region.check(&flash)?;
        let mut slots = Slots { flash, region, trust, rollback, running: None, transfer: None };
        slots.running = slots.choose();
        // A retirement that was cut off is done again.
        slots.retire();
        Ok(slots)
    }

    /// The model that runs.
    pub fn active(&self) -> Option<Active> {
        self.running
    }

    /// First byte and length of the blob that runs, from the flash's first byte.
    pub fn blob(&self) -> Option<(u32, u32)> {
        let Active { slot, header, .. } = self.running?;
        Some((self.region.at(slot).wrapping_add(BLOB_AT), header.length))
    }

    /// The flash, to be read.
    pub fn flash(&mut self) -> &mut F {
        &mut self.flash
    }

    /// The flash; what was being received is given up.
    pub fn into_flash(self) -> F {
        self.flash
    }

    /// Ends the trial of the model that runs: it runs at the next start too.
    ///
    /// # Errors
    /// [`Rejection::NoModel`], or the flash's: then the model is on trial as before, or confirmed.
    pub fn confirm(&mut self) -> Result<(), Error<F::Error>> {
        let Some(active) = self.running else { return Err(Rejection::NoModel.into()) };
        if !active.confirmed {
            self.mark(active.slot, Mark::Confirmed).map_err(Error::Flash)?;
            self.running = Some(Active { confirmed: true, ..active });
        }
        self.retire();
        Ok(())
    }

    /// Whether the next start returns to the model before, as the one that runs is on trial. Nothing is written: a trial that is
    /// not confirmed has failed. The application restarts the device.
    ///
    /// # Errors
    /// [`Rejection::NoModel`] where none runs, or none is there to return to; [`Rejection::NotOnTrial`].
    pub fn revert(&mut self) -> Result<(), Error<F::Error>> {
        match self.running {
            None => Err(Rejection::NoModel.into()),
            Some(active) if active.confirmed => Err(Rejection::NotOnTrial.into()),
            Some(active) => {
                let old = self.entry(active.slot.other()).filter(|e| !e.failed());
                old.filter(|e| self.is_whole(e)).map(|_| ()).ok_or(Rejection::NoModel.into())
            }
        }
    }

    /// What is in the slots.
    pub fn status(&mut self) -> Status {
        let kept = |Active { slot, header, confirmed }: Active| Kept {
            slot,
            counter: header.counter,
            length: header.length,
            key: header.key,
            confirmed,
        };
        Status {
            signed: self.trust.signed(),
            running: self.running.map(kept),
            room: self.region.room(),
            highest: self.highest(),
            receiving: self.transfer.as_ref().map(|t| (t.received, t.header.length)),
        }
    }

    /// Whether a header and its seal are right, and its blob fits.
    pub(crate) fn check(&self, header: &Header, seal: &[u8; SEAL_BYTES]) -> Result<(), Rejection> {
        self.trust.check(header, seal)?;
        let (length, room) = (header.length, self.region.room());
        let fits = length > 0 && length.is_multiple_of(4) && length <= room;
        if fits { Ok(()) } else { Err(Rejection::Length { length, room }) }
    }

    /// The highest counter of a header that is sealed right.
    pub(crate) fn highest(&mut self) -> u32 {
        let running = self.running.map_or(0, |active| active.header.counter);
        [Slot::A, Slot::B].into_iter().fold(running, |highest, slot| match self.entry(slot) {
            // To check a seal takes long: where it does not matter, it is not done.
            Some(e) if e.header.counter > highest && self.check(&e.header, &e.seal).is_ok() => e.header.counter,
            _ => highest,
        })
    }

    /// The slot that is not needed: that of no running model.
    pub(crate) fn spare(&self) -> Slot {
        self.running.map_or(Slot::A, |active| active.slot.other())
    }

    fn choose(&mut self) -> Option<Active> {
        let mut order = [self.entry(Slot::A), self.entry(Slot::B)];
        if order.iter().flatten().is_sorted_by(|a, b| a.header.counter < b.header.counter) {
            order.reverse();
        }
        // Where nothing else is whole, one that failed its trial is better than none.
        for even_failed in [false, true] {
            for entry in order.iter().flatten() {
                if (entry.failed() && !even_failed) || !self.is_whole(entry) {
                    continue;
                }
                let fresh = !entry.tried && !entry.confirmed;
                // A trial that cannot be marked would never end.
                if fresh && self.mark(entry.slot, Mark::Tried).is_err() && !even_failed {
                    continue;
                }
                return Some(Active { slot: entry.slot, header: entry.header, confirmed: entry.confirmed });
            }
        }
        None
    }

    /// Erases the other slot's header where the running model is confirmed and the one before may never run again.
    fn retire(&mut self) {
        let Some(Active { slot, header, confirmed: true }) = self.running else { return };
        let old = self.entry(slot.other()).is_some_and(|e| e.header.counter < header.counter);
        if self.rollback == Rollback::Never && old {
            let at = self.region.at(slot.other());
            // Where it fails, the next start does it.
            let _ = self.flash.erase(at, at.wrapping_add(F::ERASE_SIZE as u32));
        }
    }

    fn mark(&mut self, slot: Slot, mark: Mark) -> Result<(), F::Error> {
        let at = self.region.at(slot).wrapping_add(mark.at());
        self.flash.write(at, &[0; MARK_BYTES])
    }

    fn has(&mut self, slot: Slot, mark: Mark) -> bool {
        let mut bytes = [0; MARK_BYTES];
        let at = self.region.at(slot).wrapping_add(mark.at());
        self.flash.read(at, &mut bytes).is_ok() && Mark::is_written(&bytes)
    }

    fn entry(&mut self, slot: Slot) -> Option<Entry> {
        let mut bytes = [0; HEADER_BYTES];
        self.flash.read(self.region.at(slot), &mut bytes).ok()?;
        let (header, seal) = Header::parse(&bytes)?;
        let (tried, confirmed) = (self.has(slot, Mark::Tried), self.has(slot, Mark::Confirmed));
        Some(Entry { slot, header, seal, tried, confirmed })
    }

    fn is_whole(&mut self, entry: &Entry) -> bool {
        let at = self.region.at(entry.slot).wrapping_add(BLOB_AT);
        self.check(&entry.header, &entry.seal).is_ok()
            && digest::of_flash(&mut self.flash, at, entry.header.length)
                .is_ok_and(|digest| digest == entry.header.digest)
    }
}

impl Entry {
    /// Whether it ran and was not confirmed.
    fn failed(&self) -> bool {
        self.tried && !self.confirmed
    }
}
