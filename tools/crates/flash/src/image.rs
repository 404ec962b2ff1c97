//! Firmware and model as one file.

use anyhow::{Context, Result, bail, ensure};
use elman_slots::{BLOB_AT, INFO_BYTES, INFO_MAGIC, Info, PublicKey};
use object::read::elf::{ElfFile32, FileHeader, ProgramHeader};
use object::{Endianness, elf};

use crate::board::{Board, Format};
use crate::sealed::Sealed;

/// Bytes at an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Address of the first.
    pub at: u32,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// A firmware without a model.
#[derive(Clone, Debug)]
pub struct Firmware {
    board: &'static Board,
    /// From the flash's first byte on.
    bytes: Vec<u8>,
    /// Where its [`Info`] is.
    info_at: usize,
}

/// The bytes that an ELF file loads into a board's flash, from its first byte on; what is between is 0xff.
///
/// # Errors
/// Where it is none for 32 bits, or loads something outside the flash.
pub fn of_elf(elf: &[u8], board: &Board) -> Result<Vec<u8>> {
    let file = ElfFile32::<Endianness>::parse(elf).context("no ELF file for 32 bits")?;
    let endian = file.endian();
    let mut flash = Vec::new();
    let headers = file.elf_header().program_headers(endian, elf).context("its program headers")?;
    for header in headers.iter().filter(|header| header.p_type(endian) == elf::PT_LOAD) {
        let data = header.data(endian, elf).ok().context("a segment is outside the file")?;
        if data.is_empty() {
            continue;
        }
        let at = header.p_paddr(endian);
        let from = at.checked_sub(board.flash_at).map(|from| from as usize);
        let from = from.filter(|from| from + data.len() <= board.flash_bytes as usize);
        let from =
            from.with_context(|| format!("{} bytes at {at:#x} are outside the flash of {}", data.len(), board.name))?;
        if flash.len() < from + data.len() {
            flash.resize(from + data.len(), 0xff);
        }
        flash[from..from + data.len()].copy_from_slice(data);
    }
    Ok(flash)
}

impl Firmware {
    /// Of bytes from the flash's first one on.
    ///
    /// # Errors
    /// Where it does not say that it is one for this board.
    pub fn new(board: &'static Board, bytes: Vec<u8>) -> Result<Firmware> {
        let starts = bytes.windows(INFO_MAGIC.len()).enumerate().filter(|(_, bytes)| *bytes == INFO_MAGIC);
        let block = |at: usize| bytes.get(at..)?.first_chunk::<INFO_BYTES>();
        let mut own = starts.filter_map(|(at, _)| Some((at, block(at)?))).filter(|(_, b)| Info::board(b) == board.name);
        let Some((info_at, block)) = own.next() else {
            bail!("the file is no firmware of `cargo xtask boards --firmware` for {}", board.name);
        };
        ensure!(own.next().is_none(), "the firmware has two descriptions of itself");
        ensure!(
            board.boot.finds(&bytes),
            "the boot ROM of {} would not start this firmware: {:?} is missing",
            board.name,
            board.boot
        );
        let info = Info::parse(block).context("its description")?;
        let end =
            info.slots_at.checked_sub(board.flash_at).and_then(|at| at.checked_add(info.slot_bytes.checked_mul(2)?));
        ensure!(
            end.is_some_and(|end| end <= board.flash_bytes)
                && info.slots_at.is_multiple_of(board.sector)
                && info.slot_bytes.is_multiple_of(board.sector),
            "slots of {} bytes at {:#x} do not fit the flash of {}",
            info.slot_bytes,
            info.slots_at,
            board.name
        );
        let slots = (info.slots_at - board.flash_at) as usize;
        ensure!(
            bytes.len() <= slots,
            "the firmware has {} bytes and reaches into the slots, which begin at {slots}: it was built with a model",
            bytes.len()
        );
        Ok(Firmware { board, bytes, info_at })
    }

    fn block(&self) -> [u8; INFO_BYTES] {
        // Found in `new`.
        self.bytes[self.info_at..].first_chunk().copied().unwrap_or([0; INFO_BYTES])
    }

    /// What it says of itself.
    pub fn info(&self) -> Info {
        Info::parse(&self.block()).unwrap_or(Info { slots_at: 0, slot_bytes: 0, words: 0, clock: 0 })
    }

    /// The commit that it was built from.
    pub fn commit(&self) -> String {
        Info::commit(&self.block()).to_owned()
    }

    /// Bytes of the largest blob.
    pub fn room(&self) -> u32 {
        self.info().slot_bytes.saturating_sub(BLOB_AT)
    }

    /// With a model in slot A, confirmed, and nothing in slot B; where keys are given, it takes models signed by these alone.
    ///
    /// # Errors
    /// Where the blob is larger than a slot, or where it is not signed by one of the keys.
    pub fn join(&self, model: &Sealed, keys: &[PublicKey]) -> Result<Vec<Part>> {
        let (info, room) = (self.info(), self.room());
        let length = model.blob.len();
        ensure!(
            length <= room as usize,
            "the model has {length} bytes, and a slot of {} takes {room}: use fewer units, or weights of 4 bits",
            self.board.name
        );
        let mut bytes = self.bytes.clone();
        let mut block = self.block();
        if !keys.is_empty() {
            Info::require(&mut block, keys);
            bytes[self.info_at..self.info_at + INFO_BYTES].copy_from_slice(&block);
        }
        let (header, seal) = elman_slots::Header::parse(&model.header).context("the model's header")?;
        elman_slots::Trust::check(&Info::trust(&block), &header, &seal)
            .context("the board would not take this model")?;
        Ok(vec![
            Part { at: self.board.flash_at, bytes },
            Part { at: info.slots_at, bytes: model.to_slot() },
            // What was there before would be the newer one.
            Part { at: info.slots_at + info.slot_bytes, bytes: vec![0xff; BLOB_AT as usize] },
        ])
    }
}

/// Parts as a board's file.
///
/// # Errors
/// Where an address does not fit the format.
pub fn file(board: &Board, parts: &[Part]) -> Result<Vec<u8>> {
    match board.format {
        Format::Uf2(family) => Ok(uf2(parts, family)),
        Format::Hex => hex(parts),
        Format::Bin => {
            let mut flash = Vec::new();
            for part in parts {
                let from = part.at.checked_sub(board.flash_at).context("a part is outside the flash")? as usize;
                if flash.len() < from + part.bytes.len() {
                    flash.resize(from + part.bytes.len(), 0xff);
                }
                flash[from..from + part.bytes.len()].copy_from_slice(&part.bytes);
            }
            Ok(flash)
        }
    }
}

/// Bytes of a block's data.
const PAGE: usize = 256;

/// UF2: blocks of 512 bytes, each with 256 of data for an address that is a multiple of that.
fn uf2(parts: &[Part], family: u32) -> Vec<u8> {
    let pages: Vec<(u32, Vec<u8>)> = parts
        .iter()
        .flat_map(|part| {
            let page = |(k, data): (usize, &[u8])| {
                let mut data = data.to_vec();
                data.resize(PAGE, 0xff);
                (part.at + (k * PAGE) as u32, data)
            };
            part.bytes.chunks(PAGE).enumerate().map(page).collect::<Vec<_>>()
        })
        .collect();
    let mut file = Vec::with_capacity(512 * pages.len());
    for (k, (at, data)) in pages.iter().enumerate() {
        // Magic, flags (a family id is there), address, bytes, number, count, family id.
        let head = [0x0a32_4655, 0x9e5d_5157, 0x2000, *at, PAGE as u32, k as u32, pages.len() as u32, family];
        let start = file.len();
        head.iter().for_each(|word: &u32| file.extend(word.to_le_bytes()));
        file.extend(data);
        file.resize(start + 508, 0);
        file.extend(0x0ab1_6f30_u32.to_le_bytes());
    }
    file
}

/// Intel HEX with extended linear addresses.
fn hex(parts: &[Part]) -> Result<Vec<u8>> {
    let mut records = Vec::new();
    let mut upper = None;
    for part in parts {
        for (k, value) in part.bytes.chunks(16).enumerate() {
            let at = part.at + 16 * k as u32;
            if upper != Some(at >> 16) {
                upper = Some(at >> 16);
                records.push(ihex::Record::ExtendedLinearAddress((at >> 16) as u16));
            }
            records.push(ihex::Record::Data { offset: at as u16, value: value.to_vec() });
        }
    }
    records.push(ihex::Record::EndOfFile);
    Ok(ihex::create_object_file_representation(&records).context("the HEX file")?.into_bytes())
}
