//! Cuts of the supply at every operation of updates, on the flashes of boards.
//!
//! [`Lives::run`] plays a device's life (an update that is confirmed, one that fails its trial, and a third) once for each operation and
//! way of tearing it. After each cut the next start must run a model that is whole, signed and right: by the operation that was cut it
//! is the old one, the new one, or either. Then the supply fails once more while the device recovers, and after that an update must
//! go through.

use anyhow::{Context, Result, bail, ensure};
use elman_slots::{Error, PublicKey, Region, Rollback, Signed, Slots};
use rayon::prelude::*;
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::key::Key;
use crate::nor::{Fault, Nor, Tear, next};
use crate::sealed::Sealed;

/// A flash of a chip.
#[derive(Clone, Copy, Debug)]
pub struct Chip {
    /// The chip and its sectors.
    pub name: &'static str,
    run: fn(&Lives, &Chip, u64) -> Result<Report>,
    rollback: Rollback,
}

/// The flashes that are run.
pub const CHIPS: &[Chip] = &[
    Chip { name: "RP2040, 4 KB", run: on_chip::<1, 4096, 256>, rollback: Rollback::WhereDamaged },
    Chip { name: "nRF52840, 4 KB", run: on_chip::<4, 4096, 4>, rollback: Rollback::WhereDamaged },
    Chip { name: "nRF52840, 4 KB, no rollback", run: on_chip::<4, 4096, 4>, rollback: Rollback::Never },
    Chip { name: "STM32F407, 16 KB", run: on_chip::<4, 16384, 4>, rollback: Rollback::WhereDamaged },
    Chip { name: "STM32F407, 64 KB", run: on_chip::<4, 65536, 4>, rollback: Rollback::WhereDamaged },
    Chip { name: "STM32F407, 128 KB", run: on_chip::<4, 131_072, 4>, rollback: Rollback::WhereDamaged },
];

/// What was found on a chip.
#[derive(Clone, Debug)]
pub struct Report {
    /// The chip.
    pub name: &'static str,
    /// Operations of the updates.
    pub operations: u64,
    /// Cuts.
    pub cuts: u64,
    /// States of the flash after a cut, no two of them alike.
    pub states: usize,
}

/// The models of a device's life.
#[derive(Debug)]
pub struct Lives {
    models: Vec<Sealed>,
    key: PublicKey,
}

/// The models that are sent after a first and after a second cut.
const RECOVERY: [usize; 2] = [4, 5];
/// How many models there are.
pub const MODELS: usize = 6;

impl Lives {
    /// Of blobs, signed by a key.
    ///
    /// # Errors
    /// Where one does not load.
    pub fn new(blobs: &[Vec<u8>; MODELS]) -> Result<Lives> {
        let key = Key::of_seed([7; 32])?;
        let counters = [1, 2, 3, 4, 100, 200];
        let models = blobs.iter().zip(counters).map(|(blob, counter)| Sealed::new(blob, counter, Some(&key)));
        Ok(Lives { models: models.collect::<Result<_>>()?, key: key.public() })
    }

    /// Every chip, at every `stride`th operation; a report each.
    ///
    /// # Errors
    /// Where a start does not have a right model: what was cut, and what was found.
    pub fn run(&self, stride: u64) -> Result<Vec<Report>> {
        CHIPS.iter().map(|chip| (chip.run)(self, chip, stride.max(1)).context(chip.name)).collect()
    }
}

type Device<'f, const W: usize, const E: usize, const P: usize> = Slots<&'f mut Nor<W, E, P>, Signed<[PublicKey; 1]>>;

/// One life, or what is left of it.
#[derive(Clone)]
struct Life<'l> {
    lives: &'l Lives,
    region: Region,
    rollback: Rollback,
    /// Which models the next start may run, a bit each.
    allowed: u8,
    /// The model that was confirmed last.
    base: usize,
    /// Sizes of blocks.
    seed: u64,
}

/// What ends a life early.
enum End {
    Cut,
    Wrong(anyhow::Error),
}

impl From<Error<Fault>> for End {
    fn from(error: Error<Fault>) -> Self {
        if error == Error::Flash(Fault::Cut) { End::Cut } else { End::Wrong(error.into()) }
    }
}

impl Life<'_> {
    /// A start; which model runs.
    fn start<'f, const W: usize, const E: usize, const P: usize>(
        &mut self,
        flash: &'f mut Nor<W, E, P>,
    ) -> Result<(Device<'f, W, E, P>, usize), End> {
        let before = self.allowed;
        // Until a mark of a trial is written as a whole, the next start may run either.
        self.allowed |= 1 << self.base;
        let trust = Signed([self.lives.key]);
        let wrong = |e: anyhow::Error| End::Wrong(e);
        let mut slots = Slots::start(flash, self.region, trust, self.rollback).map_err(|e| wrong(e.into()))?;
        if slots.flash().has_failed() {
            return Err(End::Cut);
        }
        let index = self.running(&mut slots).map_err(wrong)?;
        if before >> index & 1 == 0 {
            return Err(wrong(anyhow::anyhow!("model {index} runs; bits of those that may: {before:06b}")));
        }
        if !on_trial(&slots) {
            self.base = index;
        }
        self.allowed = 1 << self.base;
        Ok((slots, index))
    }

    /// Which model runs, bit for bit.
    fn running<const W: usize, const E: usize, const P: usize>(
        &self,
        slots: &mut Device<'_, W, E, P>,
    ) -> Result<usize> {
        let active = slots.active().context("no model is there")?;
        let (at, length) = slots.blob().context("no blob is there")?;
        let bytes = &slots.flash().bytes[at as usize..(at + length) as usize];
        let index = self.lives.models.iter().position(|model| model.blob == bytes);
        let index = index.context("the blob is none that was sent")?;
        ensure!(self.lives.models[index].header()? == active.header, "the header is another model's");
        Ok(index)
    }

    /// Sends a model in blocks of any size.
    fn send<const W: usize, const E: usize, const P: usize>(
        &mut self,
        slots: &mut Device<'_, W, E, P>,
        index: usize,
    ) -> Result<(), End> {
        let model = &self.lives.models[index];
        slots.begin(&model.header)?;
        let mut at = 0;
        while at < model.blob.len() {
            let size = 1 + next(&mut self.seed) as usize % 300;
            let block = &model.blob[at..(at + size).min(model.blob.len())];
            slots.write(at as u32, block)?;
            at += block.len();
        }
        self.allowed |= 1 << index;
        slots.finish()?;
        self.allowed = 1 << index;
        Ok(())
    }

    fn confirm<const W: usize, const E: usize, const P: usize>(
        &mut self,
        slots: &mut Device<'_, W, E, P>,
        index: usize,
    ) -> Result<(), End> {
        self.allowed |= 1 << index;
        slots.confirm()?;
        (self.allowed, self.base) = (1 << index, index);
        // An erase of the old one that is cut is no error of `confirm`.
        if slots.flash().has_failed() { Err(End::Cut) } else { Ok(()) }
    }

    /// An update that is confirmed, one that fails its trial, and a third.
    fn play<const W: usize, const E: usize, const P: usize>(&mut self, flash: &mut Nor<W, E, P>) -> Result<(), End> {
        let (mut slots, _) = self.start(flash)?;
        self.send(&mut slots, 1)?;
        let (mut slots, index) = self.start(slots.into_flash())?;
        self.confirm(&mut slots, index)?;
        self.send(&mut slots, 2)?;
        let (slots, _) = self.start(slots.into_flash())?;
        let (mut slots, _) = self.start(slots.into_flash())?;
        self.send(&mut slots, 3)?;
        let (mut slots, index) = self.start(slots.into_flash())?;
        self.confirm(&mut slots, index)
    }

    /// What a device and a PC do after a cut: the device starts; what is on trial is confirmed; the PC sends a model of a higher
    /// counter, which is confirmed too.
    fn recover<const W: usize, const E: usize, const P: usize>(
        &mut self,
        flash: &mut Nor<W, E, P>,
        target: usize,
    ) -> Result<(), End> {
        let (mut slots, mut index) = self.start(flash)?;
        if on_trial(&slots) {
            self.confirm(&mut slots, index)?;
        }
        if index != target {
            self.send(&mut slots, target)?;
            (slots, index) = self.start(slots.into_flash())?;
            self.confirm(&mut slots, index)?;
        }
        let (slots, index) = self.start(slots.into_flash())?;
        if index == target && !on_trial(&slots) {
            return Ok(());
        }
        Err(End::Wrong(anyhow::anyhow!("the update after a cut did not go through: model {index} runs")))
    }
}

fn on_trial<const W: usize, const E: usize, const P: usize>(slots: &Device<'_, W, E, P>) -> bool {
    slots.active().is_some_and(|active| !active.confirmed)
}

/// Ways of tearing an operation.
fn tears(seed: u64) -> Vec<Tear> {
    let some = |k: u64, share| Tear::Some { seed: seed.wrapping_mul(64).wrapping_add(k), share };
    vec![
        Tear::Before,
        Tear::After,
        Tear::Zeros,
        Tear::Front(60),
        Tear::Front(200),
        Tear::Back(255),
        some(1, 20),
        some(2, 128),
        some(3, 240),
        Tear::Any(seed),
    ]
}

fn hashed<const W: usize, const E: usize, const P: usize>(name: &str, flash: &Nor<W, E, P>) -> u64 {
    let mut hasher = DefaultHasher::new();
    (name, &flash.bytes).hash(&mut hasher);
    hasher.finish()
}

/// All lives on a chip.
fn on_chip<const W: usize, const E: usize, const P: usize>(lives: &Lives, chip: &Chip, stride: u64) -> Result<Report> {
    let region = Region { start: 0, slot_bytes: E as u32 };
    let life = Life { lives, region, rollback: chip.rollback, allowed: 1, base: 0, seed: 5 };
    let mut new = Nor::<W, E, P>::new(2);
    new.put(0, &lives.models[0].to_slot());
    let mut whole = new.clone();
    done(life.clone().play(&mut whole), &whole)?;
    let operations = whole.operations;
    // A page has more ways to be torn than a word.
    let turns: u64 = if P > W { 24 } else { 1 };
    let cases: Vec<(u64, Tear)> = (0..operations * turns)
        .step_by(stride as usize)
        .flat_map(|case| tears(case).into_iter().map(move |tear| (case / turns, tear)))
        .collect();
    let states = cases
        .par_iter()
        .map(|(operation, tear)| {
            let context = || format!("operation {operation} of {operations} cut, {tear:?}");
            one(&new, life.clone(), *operation, *tear, chip).with_context(context)
        })
        .try_fold(HashSet::new, |mut all, found: Result<Vec<u64>>| {
            all.extend(found?);
            anyhow::Ok(all)
        })
        .try_reduce(HashSet::new, |mut all, more| {
            all.extend(more);
            Ok(all)
        })?;
    let cuts = (1 + SECOND as u64) * cases.len() as u64;
    Ok(Report { name: chip.name, operations, cuts, states: states.len() })
}

/// Cuts of the recovery from a cut.
const SECOND: usize = 3;

/// A life with a cut, and recoveries with a second one; the states after the cuts.
fn one<const W: usize, const E: usize, const P: usize>(
    new: &Nor<W, E, P>,
    mut life: Life<'_>,
    operation: u64,
    tear: Tear,
    chip: &Chip,
) -> Result<Vec<u64>> {
    let mut flash = new.clone();
    flash.cut_at(operation, tear);
    cut(life.play(&mut flash), &flash)?;
    let mut states = vec![hashed(chip.name, &flash)];
    let mut on = flash.powered();
    done(life.clone().recover(&mut on, RECOVERY[0]), &on).context("in the recovery")?;
    // The first operations are those of the start.
    let (total, mut seed) = (on.operations.max(1), operation ^ on.operations << 20);
    for most in [total.min(12), total, total] {
        let second = next(&mut seed) % most;
        let list = tears(seed);
        let tear = list[next(&mut seed) as usize % list.len()];
        let context = || format!("operation {second} of the recovery cut, {tear:?}");
        let (mut twice, mut life) = (flash.powered(), life.clone());
        twice.cut_at(second, tear);
        cut(life.recover(&mut twice, RECOVERY[0]), &twice).with_context(context)?;
        states.push(hashed(chip.name, &twice));
        let mut last = twice.powered();
        done(life.recover(&mut last, RECOVERY[1]), &last).with_context(context)?;
    }
    Ok(states)
}

/// That a life went on to its end, and broke no rule of the flash.
fn done<const W: usize, const E: usize, const P: usize>(end: Result<(), End>, flash: &Nor<W, E, P>) -> Result<()> {
    ensure!(!flash.has_failed(), "the supply failed where it was not asked to");
    cut(end, flash)
}

/// That a life went on to its end or to a cut, and broke no rule of the flash.
fn cut<const W: usize, const E: usize, const P: usize>(end: Result<(), End>, flash: &Nor<W, E, P>) -> Result<()> {
    match (flash.fault, end) {
        (Some(fault), _) => bail!("{fault}"),
        (None, Err(End::Wrong(e))) => Err(e),
        (None, Ok(()) | Err(End::Cut)) => Ok(()),
    }
}
