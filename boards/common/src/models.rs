//! The models of a device: a region of flash with two slots, which a PC can send a new one to.

use core::fmt;
use elman::{Blob, Listener, Storage};
use elman_messages::{Failure, Status, Transfer};
use elman_slots::{Either, Error, HEADER_BYTES, INFO_BYTES, Info, Keys, Region, Rejection, Rollback, Slots};
use embedded_storage::nor_flash::NorFlash;

/// What a line asks of the slots.
pub trait Updates {
    /// Does a part of a transfer; how the slots are afterwards.
    ///
    /// # Errors
    /// Why it was not done.
    fn transfer(&mut self, transfer: Transfer<'_>) -> Result<Status, Failure>;

    /// The model did something that it is for.
    fn ran(&mut self);

    /// Restarts the device, where it can.
    fn restart(&mut self);
}

/// A device without slots, whose model is a part of its firmware.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoSlots;

impl Updates for NoSlots {
    fn transfer(&mut self, _: Transfer<'_>) -> Result<Status, Failure> {
        Err(Failure::NotLinked)
    }

    fn ran(&mut self) {}

    fn restart(&mut self) {}
}

/// How often a model must do what it is for until its trial ends: frames of sound, steps, gestures' readings.
pub const TRIAL: u32 = 100;

/// Why a board has no listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotListening {
    /// There is no model in its slots.
    Empty,
    /// It does not load, does not fit into the memory, or has no detector.
    Model(elman::Error),
}

impl fmt::Display for NotListening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotListening::Empty => {
                f.write_str("there is no model in the slots: `elman send` one, or flash a file of `elman flash`")
            }
            NotListening::Model(error) => error.fmt(f),
        }
    }
}

/// The slots of a firmware, by what its [`Info`] says.
#[derive(Debug)]
pub struct Models<F> {
    slots: Slots<F, Either<Keys>>,
    /// Address of the flash's first byte.
    flash_at: u32,
    ran: u32,
    restart: fn(),
}

impl<F: NorFlash> Models<F> {
    /// Chooses the model that runs. `flash_at`: where the core sees the flash's first byte; `block`: the firmware's
    /// [`Info::block`]; `restart`: restarts the device.
    ///
    /// # Safety
    /// The core must read at `flash_at` what `flash` has, for as long as the program runs, and nothing but `flash` may write there.
    ///
    /// # Errors
    /// Where the region does not fit the flash.
    #[allow(unsafe_code)]
    pub unsafe fn start(
        flash: F,
        flash_at: u32,
        block: &'static [u8; INFO_BYTES],
        restart: fn(),
    ) -> Result<Self, Rejection> {
        // A file for a board has other keys than the firmware was compiled with.
        let block = core::hint::black_box(block);
        let info = Info::parse(block).ok_or(Rejection::Header)?;
        let region = Region { start: info.slots_at.wrapping_sub(flash_at), slot_bytes: info.slot_bytes };
        let slots = Slots::start(flash, region, Info::trust(block), Rollback::WhereDamaged)?;
        Ok(Models { slots, flash_at, ran: 0, restart })
    }

    /// The model that runs, in flash.
    #[allow(unsafe_code)]
    pub fn blob(&self) -> Option<Blob<'static>> {
        let (at, bytes) = self.slots.blob()?;
        let address = self.flash_at.wrapping_add(at) as usize;
        // SAFETY: `start` was promised that the flash is there; the slots never write to the slot of the running model. It begins at
        // a sector, and its blob a multiple of four after that.
        let words = unsafe { core::slice::from_raw_parts(core::ptr::without_provenance(address), bytes as usize / 4) };
        Some(Blob::new(words))
    }

    /// A listener to the model that runs.
    ///
    /// # Errors
    /// [`NotListening`]
    pub fn listener<const WORDS: usize>(
        &self,
        storage: &'static mut Storage<'static, WORDS>,
    ) -> Result<Listener<'static, 'static>, NotListening> {
        storage.listener(self.blob().ok_or(NotListening::Empty)?).map_err(NotListening::Model)
    }

    /// The slots.
    pub fn slots(&mut self) -> &mut Slots<F, Either<Keys>> {
        &mut self.slots
    }
}

impl<F: NorFlash> Updates for Models<F> {
    fn transfer(&mut self, transfer: Transfer<'_>) -> Result<Status, Failure> {
        let done = match transfer {
            Transfer::Status | Transfer::Restart => Ok(()),
            Transfer::Begin(header) => match <&[u8; HEADER_BYTES]>::try_from(header) {
                Ok(header) => self.slots.begin(header).map(|_| ()),
                Err(_) => Err(Rejection::Header.into()),
            },
            Transfer::Block { offset, bytes } => self.slots.write(offset, bytes).map(|_| ()),
            Transfer::Finish => self.slots.finish(),
        };
        match done {
            Ok(()) => Ok(self.slots.status()),
            Err(Error::Rejected(rejection)) => Err(Failure::Slots(rejection)),
            Err(Error::Flash(_)) => Err(Failure::Flash),
        }
    }

    /// After [`TRIAL`] of these a model on trial is confirmed.
    fn ran(&mut self) {
        self.ran = self.ran.saturating_add(1);
        let on_trial = self.slots.active().is_some_and(|active| !active.confirmed);
        // Where the flash fails, it is tried once more after as many.
        if on_trial && self.ran.is_multiple_of(TRIAL) {
            let _ = self.slots.confirm();
        }
    }

    fn restart(&mut self) {
        (self.restart)();
    }
}
