//! The boards that a file can be made for.

use anyhow::{Result, bail};

/// What kind of file a board takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// UF2, for the drive that a boot ROM shows; with the chip's family id.
    Uf2(u32),
    /// Intel HEX, for the drive of a debug chip, or for a programmer.
    Hex,
    /// Bytes from the flash's first one on, for a programmer.
    Bin,
}

impl Format {
    /// How the file's name ends.
    pub fn extension(self) -> &'static str {
        match self {
            Format::Uf2(_) => "uf2",
            Format::Hex => "hex",
            Format::Bin => "bin",
        }
    }
}

/// What a chip's boot ROM looks for before it starts a firmware.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Boot {
    /// The vectors, which are always there.
    Vectors,
    /// RP2040: a second boot stage of 252 bytes and its CRC-32.
    SecondStage,
    /// RP2350: a block in the first 4 KB that says what the image is.
    ImageBlock,
}

impl Boot {
    /// Whether it finds it.
    pub fn finds(self, firmware: &[u8]) -> bool {
        match self {
            Boot::Vectors => true,
            Boot::SecondStage => firmware.first_chunk::<256>().is_some_and(|stage| {
                let (code, crc) = stage.split_at(252);
                crc::Crc::<u32>::new(&crc::CRC_32_MPEG_2).checksum(code).to_le_bytes() == crc
            }),
            Boot::ImageBlock => {
                let words = firmware.chunks_exact(4).take(1024);
                words.map(|word| word.try_into().map_or(0, u32::from_le_bytes)).any(|word| word == 0xffff_ded3)
            }
        }
    }
}

/// A board.
#[derive(Clone, Copy, Debug)]
pub struct Board {
    /// Its folder in boards/.
    pub name: &'static str,
    /// Its core, as machines.toml has it.
    pub core: &'static str,
    /// Address of its flash's first byte.
    pub flash_at: u32,
    /// Bytes of its flash.
    pub flash_bytes: u32,
    /// Bytes that are erased at once where the slots are.
    pub sector: u32,
    /// What its boot ROM looks for in a firmware.
    pub boot: Boot,
    /// Its file.
    pub format: Format,
    /// How the file gets onto the board.
    pub hint: &'static str,
}

/// Family ids of UF2 (microsoft/uf2, utils/uf2families.json).
const RP2040: u32 = 0xe48b_ff56;
const RP2350_ARM_S: u32 = 0xe48b_ff59;

/// All of them.
pub const BOARDS: &[Board] = &[
    Board {
        name: "microbit-v2",
        core: "m4",
        flash_at: 0,
        flash_bytes: 512 << 10,
        sector: 4096,
        boot: Boot::Vectors,
        format: Format::Hex,
        hint: "copy it to the drive MICROBIT",
    },
    Board {
        name: "pico",
        core: "m0",
        flash_at: 0x1000_0000,
        flash_bytes: 2 << 20,
        sector: 4096,
        boot: Boot::SecondStage,
        format: Format::Uf2(RP2040),
        hint: "hold BOOTSEL while you plug the board in, and copy it to the drive RPI-RP2",
    },
    Board {
        name: "pico-2",
        core: "m33",
        flash_at: 0x1000_0000,
        flash_bytes: 4 << 20,
        sector: 4096,
        boot: Boot::ImageBlock,
        format: Format::Uf2(RP2350_ARM_S),
        hint: "hold BOOTSEL while you plug the board in, and copy it to the drive RP2350",
    },
    Board {
        name: "nano-33-ble-sense",
        core: "m4",
        flash_at: 0,
        flash_bytes: 1 << 20,
        sector: 4096,
        boot: Boot::Vectors,
        format: Format::Hex,
        hint: "write it over the SWD pads, by `probe-rs download --binary-format hex`; it replaces Arduino's boot loader",
    },
    Board {
        name: "nrf52840-dk",
        core: "m4",
        flash_at: 0,
        flash_bytes: 1 << 20,
        sector: 4096,
        boot: Boot::Vectors,
        format: Format::Hex,
        hint: "copy it to the drive JLINK",
    },
    Board {
        name: "stm32f4-discovery",
        core: "m4",
        flash_at: 0x0800_0000,
        flash_bytes: 1 << 20,
        sector: 128 << 10,
        boot: Boot::Vectors,
        format: Format::Bin,
        hint: "write it by `st-flash write FILE 0x8000000`",
    },
];

/// The board of this name.
///
/// # Errors
/// Where there is none, with the names that there are.
pub fn of_name(name: &str) -> Result<&'static Board> {
    match BOARDS.iter().find(|board| board.name == name) {
        Some(board) => Ok(board),
        None => bail!(
            "there is no board `{name}`; there are {}",
            BOARDS.iter().map(|board| board.name).collect::<Vec<_>>().join(", ")
        ),
    }
}
