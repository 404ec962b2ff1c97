//! Files for boards, read by parsers of the test's own: UF2 and Intel HEX by their specifications, and HEX by objcopy where it is
//! there.

use elman_flash::board::{self, BOARDS, Board, Boot, Format};
use elman_flash::image::{Firmware, Part, file};
use elman_flash::key::Key;
use elman_flash::sealed::Sealed;
use elman_slots::{Either, INFO_BYTES, Info, Region, Rollback, Slots, Trust};
use std::collections::BTreeMap;

const MODEL: &[u8] = include_bytes!("../../../../tests/golden/listens.elman");

/// A firmware of 5,001 bytes, with what it says of itself in the middle.
fn firmware(board: &'static Board) -> Firmware {
    let half = board.flash_bytes / 2;
    let slots_at = board.flash_at + half;
    let info = Info { slots_at, slot_bytes: half / 2, words: 9000, clock: 64_000_000 };
    let mut bytes: Vec<u8> = (0..5001u32).map(|k| ((k * k) >> 3) as u8).collect();
    // A part of the magic alone is no description.
    bytes[100..116].copy_from_slice(&elman_slots::INFO_MAGIC);
    bytes[2000..2000 + INFO_BYTES].copy_from_slice(&info.block(board.name, "c0ffee"));
    if board.boot != Boot::Vectors {
        let error = Firmware::new(board, bytes.clone()).unwrap_err().to_string();
        assert!(error.contains("boot ROM"), "{error}");
    }
    match board.boot {
        Boot::Vectors => {}
        Boot::SecondStage => {
            let crc = bytes[..252].iter().fold(u32::MAX, |crc, byte| {
                let shift = |crc: u32, _| crc << 1 ^ if crc >> 31 == 1 { 0x04c1_1db7 } else { 0 };
                (0..8).fold(crc ^ u32::from(*byte) << 24, shift)
            });
            bytes[252..256].copy_from_slice(&crc.to_le_bytes());
        }
        Boot::ImageBlock => bytes[400..404].copy_from_slice(&0xffff_ded3_u32.to_le_bytes()),
    }
    Firmware::new(board, bytes).unwrap()
}

/// What a file puts into memory, byte by byte; 0xff is not different from nothing.
type Memory = BTreeMap<u32, u8>;

fn memory(parts: &[Part]) -> Memory {
    let bytes = |part: &Part| part.bytes.clone().into_iter().zip(part.at..).map(|(b, at)| (at, b)).collect::<Vec<_>>();
    parts.iter().flat_map(bytes).filter(|(_, b)| *b != 0xff).collect()
}

/// By https://github.com/microsoft/uf2: blocks of 512 bytes.
fn of_uf2(file: &[u8], family: u32) -> Memory {
    assert_eq!(file.len() % 512, 0);
    let count = file.len() as u32 / 512;
    let mut memory = Memory::new();
    for (k, block) in file.chunks(512).enumerate() {
        let word = |n: usize| u32::from_le_bytes(block[4 * n..][..4].try_into().unwrap());
        assert_eq!([word(0), word(1), word(127)], [0x0a32_4655, 0x9e5d_5157, 0x0ab1_6f30]);
        // The boot ROM of an RP2040 takes these alone: family id, whole pages.
        assert_eq!([word(2), word(4), word(7)], [0x2000, 256, family]);
        assert_eq!([word(5), word(6)], [k as u32, count]);
        assert_eq!(word(3) % 256, 0);
        for (byte, at) in block[32..32 + 256].iter().zip(word(3)..) {
            assert!(memory.insert(at, *byte).is_none(), "{at:#x} comes twice");
        }
    }
    memory.retain(|_, byte| *byte != 0xff);
    memory
}

/// By Intel's specification of 1988: lines of a colon, length, offset, type, data and checksum.
fn of_hex(file: &[u8]) -> Memory {
    let (mut memory, mut base, mut ended) = (Memory::new(), 0u32, false);
    for line in std::str::from_utf8(file).unwrap().lines() {
        assert!(!ended && line.starts_with(':') && line.len() <= 521);
        let bytes: Vec<u8> =
            (1..line.len()).step_by(2).map(|k| u8::from_str_radix(&line[k..k + 2], 16).unwrap()).collect();
        assert_eq!(bytes.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte)), 0, "{line}");
        let (length, offset) = (usize::from(bytes[0]), u32::from(bytes[1]) << 8 | u32::from(bytes[2]));
        let data = &bytes[4..bytes.len() - 1];
        assert_eq!(data.len(), length);
        match bytes[3] {
            0 => {
                assert!(offset as usize + length <= 0x1_0000);
                data.iter().zip(offset..).for_each(|(byte, at)| assert!(memory.insert(base + at, *byte).is_none()));
            }
            1 => ended = true,
            4 => base = u32::from(data[0]) << 24 | u32::from(data[1]) << 16,
            other => panic!("record of type {other}"),
        }
    }
    assert!(ended);
    memory.retain(|_, byte| *byte != 0xff);
    memory
}

#[test]
fn every_board_gets_firmware_and_model_where_they_belong() {
    let model = Sealed::new(MODEL, 3, None).unwrap();
    for board in BOARDS {
        let firmware = firmware(board);
        assert_eq!(firmware.commit(), "c0ffee");
        let parts = firmware.join(&model, &[]).unwrap();
        let bytes = file(board, &parts).unwrap();
        let read = match board.format {
            Format::Uf2(family) => of_uf2(&bytes, family),
            Format::Hex => of_hex(&bytes),
            Format::Bin => memory(&[Part { at: board.flash_at, bytes: bytes.clone() }]),
        };
        assert_eq!(read, memory(&parts), "{}", board.name);
        assert!(read.keys().all(|at| (board.flash_at..board.flash_at + board.flash_bytes).contains(at)));
        // The firmware finds the model there, confirmed.
        let info = firmware.info();
        let mut flash = elman_flash::nor::Nor::<4, 4096, 4>::new(board.flash_bytes as usize / 4096);
        read.iter().for_each(|(at, byte)| flash.put((at - board.flash_at) as usize, &[*byte]));
        let region = Region { start: info.slots_at - board.flash_at, slot_bytes: info.slot_bytes };
        let trust = Info::trust(flash.bytes[2000..].first_chunk().unwrap());
        let mut slots = Slots::start(flash, region, trust, Rollback::WhereDamaged).unwrap();
        assert!(slots.active().is_some_and(|active| active.confirmed && active.header.counter == 3));
        let (at, length) = slots.blob().unwrap();
        assert_eq!(slots.flash().bytes[at as usize..(at + length) as usize], *MODEL);
    }
}

/// The newer model of a board that was used before is gone.
#[test]
fn the_second_slot_is_erased() {
    for board in BOARDS {
        let firmware = firmware(board);
        let parts = firmware.join(&Sealed::new(MODEL, 1, None).unwrap(), &[]).unwrap();
        let info = firmware.info();
        let second = parts.iter().find(|part| part.at == info.slots_at + info.slot_bytes).unwrap();
        assert!(second.bytes.len() >= 160 && second.bytes.iter().all(|byte| *byte == 0xff));
    }
}

#[test]
fn a_key_goes_into_the_firmware() {
    let (key, other) = (Key::of_seed([3; 32]).unwrap(), Key::of_seed([4; 32]).unwrap());
    let firmware = firmware(board::of_name("pico").unwrap());
    let signed = Sealed::new(MODEL, 3, Some(&key)).unwrap();
    let parts = firmware.join(&signed, &[key.public()]).unwrap();
    let trust = Info::trust(parts[0].bytes[2000..].first_chunk().unwrap());
    assert!(matches!(&trust, Either::Signed(keys) if keys.as_ref() == [key.public()]) && trust.signed());
    // Nothing of the secret key is in the file.
    let secret = [3u8; 32];
    let whole = file(board::of_name("pico").unwrap(), &parts).unwrap();
    assert!(!whole.windows(32).any(|bytes| bytes == secret));
    assert!(firmware.join(&signed, &[other.public()]).is_err());
    assert!(firmware.join(&signed, &[]).is_err());
    assert!(firmware.join(&Sealed::new(MODEL, 3, None).unwrap(), &[key.public()]).is_err());
}

#[test]
fn what_does_not_fit_is_said_with_numbers() {
    let board = board::of_name("microbit-v2").unwrap();
    let info = |slots_at, slot_bytes| Info { slots_at, slot_bytes, words: 1, clock: 1 }.block("microbit-v2", "");
    let error = |bytes: Vec<u8>| format!("{:#}", Firmware::new(board, bytes).unwrap_err());
    assert!(error(vec![0; 500]).contains("no firmware"));
    assert!(error(info(0x7e000, 8192).to_vec()).contains("8192 bytes at 0x7e000"));
    assert!(error(info(0x1001, 4096).to_vec()).contains("do not fit"));
    let mut long = info(0x1000, 4096).to_vec();
    long.resize(5000, 0);
    assert!(error(long).contains("reaches into the slots"));
    let small = Firmware::new(board, info(0x40000, 4096).to_vec()).unwrap();
    let mut large = Sealed::new(MODEL, 1, None).unwrap();
    large.blob.resize(4000, 0);
    let error = small.join(&large, &[]).unwrap_err().to_string();
    assert!(error.contains("4000 bytes") && error.contains("takes 3840"), "{error}");
    assert!(board::of_name("teensy").unwrap_err().to_string().contains("microbit-v2, pico"));
}

#[test]
fn objcopy_reads_the_hex_file() {
    let board = board::of_name("nrf52840-dk").unwrap();
    let parts = firmware(board).join(&Sealed::new(MODEL, 3, None).unwrap(), &[]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (hex, bin) = (folder.path().join("a.hex"), folder.path().join("a.bin"));
    std::fs::write(&hex, file(board, &parts).unwrap()).unwrap();
    let copy = |program: &str| {
        let mut command = std::process::Command::new(program);
        command.args(["-I", "ihex", "-O", "binary", "--gap-fill", "0xff"]).args([&hex, &bin]).status()
    };
    match ["arm-none-eabi-objcopy", "objcopy"].into_iter().find_map(|program| copy(program).ok()) {
        Some(status) => assert!(status.success()),
        None => return eprintln!("not run: there is no objcopy"),
    }
    let bytes = std::fs::read(&bin).unwrap();
    assert_eq!(memory(&[Part { at: 0, bytes }]), memory(&parts));
}
