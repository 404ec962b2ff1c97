//! For a board's build: memory.x onto the linker's path, and the model named by ELMAN_BLOB (by default the one next to
//! this file: gestures.elman where the board's name begins with gestures, else listens.elman).
//!
//! Where memory.x has a region MODELS, the model goes into the first of its two slots, as a programmer writes it; none where
//! ELMAN_BLOB is empty, as `cargo xtask boards --firmware` wants it. Elsewhere it is a part of the firmware.

use elman_slots::{BLOB_AT, Header, MARK_BYTES, Mark, SealKind, sha512};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// What a firmware with slots says of its board: the core's clock in Hz, as `main` sets it, and words of RAM for a model's states.
const BOARDS: &[(&str, u32, u32)] = &[
    ("microbit-v2", 64_000_000, 20_000),
    ("nano-33-ble-sense", 64_000_000, 40_000),
    ("nrf52840-dk", 64_000_000, 40_000),
    ("pico", 125_000_000, 40_000),
    ("pico-2", 150_000_000, 96_000),
    ("stm32f4-discovery", 16_000_000, 20_000),
];

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    println!("cargo::rerun-if-changed=memory.x");
    let memory = fs::read_to_string("memory.x").expect("memory.x");
    fs::write(out.join("memory.x"), &memory).expect("OUT_DIR is writable");
    println!("cargo::rustc-link-search={}", out.display());
    println!("cargo::rustc-link-arg-bins=--nmagic");
    println!("cargo::rustc-link-arg-bins=-Tlink.x");
    println!("cargo::rustc-link-arg-bins=-Tdefmt.x");
    // The second boot stage of an RP2040, which embassy-rp has; without it the boot ROM starts nothing.
    if region(&memory, "BOOT2").is_some() {
        println!("cargo::rustc-link-arg-bins=-Tlink-rp.x");
    }
    println!("cargo::rerun-if-env-changed=ELMAN_BLOB");
    println!("cargo::rerun-if-env-changed=ELMAN_COMMIT");
    let name = env::var("CARGO_PKG_NAME").expect("cargo sets CARGO_PKG_NAME");
    let own = if name.starts_with("gestures") { "../gestures.elman" } else { "../listens.elman" };
    let blob = env::var_os("ELMAN_BLOB").map_or(PathBuf::from(own), PathBuf::from);
    let blob = match blob.as_os_str().is_empty() {
        true => None,
        false => {
            println!("cargo::rerun-if-changed={}", blob.display());
            Some(fs::read(&blob).unwrap_or_else(|e| panic!("{}: {e}", blob.display())))
        }
    };
    match region(&memory, "MODELS") {
        Some(models) => {
            let flash = region(&memory, "FLASH").expect("FLASH in memory.x").0;
            fs::write(out.join("models.rs"), with_slots(&name, flash, models, blob.as_deref(), &out))
        }
        None => fs::write(out.join("model.elman"), blob.expect("ELMAN_BLOB is empty, and this firmware has no slots")),
    }
    .expect("OUT_DIR is writable");
}

/// Origin and length of a region in memory.x.
fn region(memory: &str, name: &str) -> Option<(u32, u32)> {
    let line = memory.lines().find(|line| line.trim_start().starts_with(&format!("{name} :")))?;
    let value = |key: &str| line.split(key).nth(1)?.trim_start_matches([' ', '=']).split([',', ' ']).next();
    let origin = u32::from_str_radix(value("ORIGIN")?.trim_start_matches("0x"), 16).ok()?;
    let length = value("LENGTH")?;
    let bytes = match length.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).ok()?,
        None => length.trim_end_matches('K').parse::<u32>().ok()? * 1024,
    };
    Some((origin, bytes))
}

/// What a `main` with slots includes.
fn with_slots(name: &str, flash: u32, models: (u32, u32), blob: Option<&[u8]>, out: &Path) -> String {
    let (_, clock, words) = BOARDS.iter().find(|board| board.0 == name).expect("the board in build-board.rs");
    let (at, bytes) = models;
    // The second boot stage of an RP2040 is before the rest of its firmware.
    let flash = flash & !0xfff;
    let commit = env::var("ELMAN_COMMIT").unwrap_or("unknown".into());
    let mut text = format!(
        "/// Words of RAM for a model's states.\nconst WORDS: usize = {words};\n\
         /// Address of the flash's first byte.\nconst FLASH_AT: u32 = {flash:#x};\n\
         /// Bytes of the flash.\n#[allow(dead_code)]\nconst FLASH_BYTES: usize = {};\n\
         /// What this firmware says of itself.\n\
         static INFO: [u8; elman_slots::INFO_BYTES] = elman_slots::Info {{ slots_at: {at:#x}, slot_bytes: {:#x}, \
         words: {words}, clock: {clock} }}.block({name:?}, {commit:?});\n",
        at + bytes - flash,
        bytes / 2
    );
    if let Some(blob) = blob {
        assert!(
            blob.len() <= (bytes / 2 - BLOB_AT) as usize,
            "the model has {} bytes, too many for a slot",
            blob.len()
        );
        let slot = slot(blob);
        fs::write(out.join("slot.bin"), &slot).expect("OUT_DIR is writable");
        let _ = write!(
            text,
            "/// The model that was built in, in the first slot.\n#[used]\n#[unsafe(link_section = \".models\")]\n\
             static BUILT_IN: [u8; {}] = *include_bytes!(concat!(env!(\"OUT_DIR\"), \"/slot.bin\"));\n",
            slot.len()
        );
    }
    text
}

/// A slot with a model that is not signed, confirmed.
fn slot(blob: &[u8]) -> Vec<u8> {
    let header =
        Header { seal: SealKind::Digest, length: blob.len() as u32, counter: 1, key: [0; 8], digest: sha512(blob) };
    let mut slot = header.with_seal(&sha512(&header.message())).to_vec();
    slot.resize(BLOB_AT as usize, 0xff);
    for mark in [Mark::Tried, Mark::Confirmed] {
        slot[mark.at() as usize..][..MARK_BYTES].fill(0);
    }
    slot.extend(blob);
    slot
}
