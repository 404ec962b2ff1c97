//! Any sequence of transfers, starts, changed bits and cuts of the supply: a model that was sealed runs at every start, and after
//! it was confirmed none with a lower counter.

use elman_flash::nor::{Nor, Tear};
use elman_slots::{
    BLOB_AT, HEADER_BYTES, Header, MARK_BYTES, Mark, Region, Rollback, SealKind, Slots, Unsigned, sha512,
};

type Flash = Nor<4, 4096, 4>;

const REGION: Region = Region { start: 0, slot_bytes: 4096 };

/// A model: its bytes follow from its counter, the header is sealed by its checksum.
fn model(counter: u32) -> ([u8; HEADER_BYTES], Vec<u8>) {
    let length = 4 + counter.wrapping_mul(28) % 1024;
    let blob: Vec<u8> = (0..length).map(|k| (k ^ counter.wrapping_mul(97)) as u8).collect();
    let header = Header { seal: SealKind::Digest, length, counter, key: [0; 8], digest: sha512(&blob) };
    (header.with_seal(&sha512(&header.message())), blob)
}

fn tear(kind: u8, seed: u8) -> Tear {
    match kind % 7 {
        0 => Tear::Before,
        1 => Tear::After,
        2 => Tear::Zeros,
        3 => Tear::Front(seed),
        4 => Tear::Back(seed),
        5 => Tear::Some { seed: seed.into(), share: kind },
        _ => Tear::Any(seed.into()),
    }
}

/// Runs it on some bytes.
pub fn run(data: &[u8]) {
    let rollback = if data.len().is_multiple_of(2) { Rollback::WhereDamaged } else { Rollback::Never };
    let mut flash = Flash::new(2);
    let (header, blob) = model(1);
    flash.put(0, &header);
    [Mark::Tried, Mark::Confirmed].iter().for_each(|mark| flash.put(mark.at() as usize, &[0; MARK_BYTES]));
    flash.put(BLOB_AT as usize, &blob);
    let (mut counter, mut sent, mut confirmed, mut cut) = (1, 1, 1, false);
    let mut slots = Slots::start(flash, REGION, Unsigned, rollback).expect("the region fits");
    for step in data.chunks_exact(3) {
        let [operation, a, b] = [step[0], step[1], step[2]];
        let (header, blob) = model(counter);
        match operation % 8 {
            // The next model; its transfer goes on where it was begun.
            0 => {
                counter += u32::from(a & 1);
                let _ = slots.begin(&model(counter).0);
            }
            1 => {
                let from = slots.status().receiving.map_or(0, |(received, _)| received as usize);
                let to = (from + usize::from(a) + usize::from(b)).min(blob.len());
                let _ = slots.write(from as u32, &blob[from.min(to)..to]);
            }
            2 => {
                if slots.finish().is_ok() {
                    sent = sent.max(counter);
                }
            }
            3 => {
                let running = slots.active().map_or(0, |active| active.header.counter);
                if slots.confirm().is_ok() {
                    confirmed = confirmed.max(running);
                }
            }
            // What was changed on the way.
            4 => {
                let mut changed = header;
                changed[usize::from(a) % HEADER_BYTES] ^= b;
                if changed[..152] != header[..152] {
                    assert!(slots.begin(&changed).is_err());
                }
            }
            5 => {
                let _ = slots.write(u32::from(a) << 3, &[b; 9]);
            }
            6 => {
                cut = true;
                slots.flash().cut_at(u64::from(a), tear(b, operation));
            }
            _ => {
                let flash = slots.into_flash();
                // After an erase that was cut, what reads as erased need not be.
                assert!(flash.fault.is_none() || cut, "{:?}", flash.fault);
                slots = Slots::start(flash.powered(), REGION, Unsigned, rollback).expect("the region fits");
                let active = slots.active().expect("a model runs at every start");
                let (at, length) = slots.blob().expect("it is somewhere");
                let blob = &slots.flash().bytes[at as usize..(at + length) as usize];
                assert!(blob == model(active.header.counter).1, "a whole one");
                assert!(active.header.counter >= confirmed, "no older one than was confirmed");
                assert!(active.header.counter <= counter.max(sent));
            }
        }
    }
}
