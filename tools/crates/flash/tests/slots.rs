//! What is taken, what is not, and that the running model stays as it is.

use elman_flash::key::Key;
use elman_flash::nor::Nor;
use elman_flash::sealed::Sealed;
use elman_slots::{
    BLOB_AT, Either, Error, HEADER_BYTES, Header, Info, PublicKey, Region, Rejection, Rollback, SealKind, Signed, Slot,
    Slots, Trust, Unsigned, sha512,
};

type Flash = Nor<4, 4096, 4>;
type Device = Slots<Flash, Signed<[PublicKey; 1]>>;

const OLD: &[u8] = include_bytes!("../../../../tests/golden/listens.elman");
const NEW: &[u8] = include_bytes!("../../../../tests/golden/gestures.elman");
const REGION: Region = Region { start: 4096, slot_bytes: 8192 };

fn key() -> Key {
    Key::of_seed([1; 32]).unwrap()
}

fn sealed(blob: &[u8], counter: u32) -> Sealed {
    Sealed::new(blob, counter, Some(&key())).unwrap()
}

fn start(flash: Flash) -> Device {
    Slots::start(flash, REGION, Signed([key().public()]), Rollback::WhereDamaged).unwrap()
}

/// A device with the old model, counter 5.
fn device() -> Device {
    let mut flash = Flash::new(6);
    flash.put(REGION.start as usize, &sealed(OLD, 5).to_slot());
    start(flash)
}

fn running(device: &mut Device) -> Vec<u8> {
    let (at, length) = device.blob().unwrap();
    device.flash().bytes[at as usize..(at + length) as usize].to_vec()
}

fn send<T: Trust>(device: &mut Slots<Flash, T>, model: &Sealed) -> Result<(), Rejection> {
    let rejection = |e| match e {
        Error::Rejected(rejection) => rejection,
        Error::Flash(fault) => panic!("{fault}"),
    };
    device.begin(&model.header).map_err(rejection)?;
    for (k, block) in model.blob.chunks(100).enumerate() {
        device.write(100 * k as u32, block).map_err(rejection)?;
    }
    device.finish().map_err(rejection)
}

fn rejected<V: std::fmt::Debug>(result: Result<V, Error<elman_flash::nor::Fault>>) -> Rejection {
    match result.unwrap_err() {
        Error::Rejected(rejection) => rejection,
        Error::Flash(fault) => panic!("{fault}"),
    }
}

#[test]
fn a_model_is_received_tried_and_confirmed() {
    let mut device = device();
    assert_eq!(running(&mut device), OLD);
    assert_eq!(rejected(device.revert()), Rejection::NotOnTrial);
    send(&mut device, &sealed(NEW, 6)).unwrap();
    assert_eq!(running(&mut device), OLD, "until the next start");
    let mut device = start(device.into_flash());
    assert_eq!(running(&mut device), NEW);
    assert_eq!((device.active().unwrap().slot, device.active().unwrap().confirmed), (Slot::B, false));
    assert_eq!(rejected(device.begin(&sealed(OLD, 7).header)), Rejection::OnTrial);
    device.confirm().unwrap();
    device.confirm().unwrap();
    let mut device = start(device.into_flash());
    assert_eq!((running(&mut device), device.active().unwrap().confirmed), (NEW.to_vec(), true));
    assert_eq!(device.into_flash().fault, None);
}

#[test]
fn without_a_confirmation_the_old_model_comes_back() {
    let mut device = device();
    send(&mut device, &sealed(NEW, 6)).unwrap();
    let mut device = start(device.into_flash());
    device.revert().unwrap();
    for _ in 0..3 {
        device = start(device.into_flash());
        assert_eq!((running(&mut device), device.active().unwrap().confirmed), (OLD.to_vec(), true));
    }
    // Its counter is used up.
    assert_eq!(send(&mut device, &sealed(NEW, 6)), Err(Rejection::Counter { offered: 6, highest: 6 }));
    send(&mut device, &sealed(NEW, 7)).unwrap();
    assert_eq!(running(&mut start(device.into_flash())), NEW);
}

#[test]
fn an_empty_device_receives_its_first_model() {
    let mut device = start(Flash::new(6));
    assert_eq!((device.active(), device.status().highest), (None, 0));
    assert_eq!(rejected(device.confirm()), Rejection::NoModel);
    send(&mut device, &sealed(NEW, 1)).unwrap();
    // There is no other: it runs at every start, confirmed or not.
    for _ in 0..3 {
        device = start(device.into_flash());
        assert_eq!(running(&mut device), NEW);
        assert_eq!(rejected(device.revert()), Rejection::NoModel);
    }
    device.confirm().unwrap();
    assert!(start(device.into_flash()).active().unwrap().confirmed);
}

#[test]
fn headers_that_are_not_taken_erase_nothing() {
    let mut device = device();
    let before = device.flash().bytes.clone();
    let model = sealed(NEW, 6);
    let mut check = |bytes: [u8; HEADER_BYTES], rejection: Rejection| {
        assert_eq!(rejected(device.begin(&bytes)), rejection);
        assert_eq!(rejected(device.write(0, &[0; 4])), Rejection::NoTransfer);
        assert_eq!(rejected(device.finish()), Rejection::NoTransfer);
        assert!(device.flash().bytes == before, "{rejection}");
    };
    check(sealed(NEW, 5).header, Rejection::Counter { offered: 5, highest: 5 });
    check(sealed(NEW, 1).header, Rejection::Counter { offered: 1, highest: 5 });
    check([0xff; HEADER_BYTES], Rejection::Header);
    check(Sealed::new(NEW, 6, None).unwrap().header, Rejection::Seal { signed: true });
    let other = Key::of_seed([2; 32]).unwrap();
    check(Sealed::new(NEW, 6, Some(&other)).unwrap().header, Rejection::Key(other.public().id()));
    // Another key's signature under this key's id.
    let header = model.header().unwrap();
    check(header.with_seal(&other.sign(&header.message())), Rejection::Signature);
    let seal = |header: Header| header.with_seal(&key().sign(&header.message()));
    for length in [0, 3, 8192 - BLOB_AT + 4, u32::MAX - 3] {
        let room = 8192 - BLOB_AT;
        check(seal(Header { length, ..header }), Rejection::Length { length, room });
    }
    // A header of which any bit was changed.
    for bit in 0..8 * (HEADER_BYTES - 8) {
        let mut bytes = model.header;
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert!(matches!(
            rejected(device.begin(&bytes)),
            Rejection::Header | Rejection::Seal { .. } | Rejection::Key(_) | Rejection::Signature
        ));
    }
    assert!(device.flash().bytes == before && running(&mut device) == OLD);
}

#[test]
fn transfers_too_short_too_long_and_of_other_bits() {
    let mut device = device();
    let model = sealed(NEW, 6);
    let length = NEW.len() as u32;
    assert_eq!(device.begin(&model.header), Ok(0));
    assert_eq!(rejected(device.write(8, &NEW[8..16])), Rejection::Offset { offset: 8, received: 0 });
    assert_eq!(device.write(0, &NEW[..301]), Ok(301));
    assert_eq!(rejected(device.finish()), Rejection::TooShort { length, received: 301 });
    assert_eq!(device.status().receiving, Some((301, length)));
    // Begun again after a lost line: it goes on. Blocks may come twice, or overlap.
    assert_eq!(device.begin(&model.header), Ok(301));
    assert_eq!(device.write(0, &NEW[..301]), Ok(301));
    assert_eq!(device.write(300, &NEW[300..]), Ok(length));
    assert_eq!(rejected(device.write(length, &[0])), Rejection::TooLong { length });
    assert_eq!(rejected(device.write(u32::MAX, &[0; 2])), Rejection::Offset { offset: u32::MAX, received: length });
    device.finish().unwrap();
    let mut device = start(device.into_flash());
    assert_eq!(running(&mut device), NEW);
    device.confirm().unwrap();

    // Bits that change on the way, in any place.
    for bit in (0..8 * OLD.len()).step_by(97) {
        let mut model = sealed(OLD, 7);
        model.blob[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(send(&mut device, &model), Err(Rejection::Digest));
        device = start(device.into_flash());
        assert_eq!(running(&mut device), NEW);
    }
    assert_eq!(device.flash().fault, None);
}

#[test]
fn damage_in_flash_gives_the_other_model() {
    let mut device = device();
    send(&mut device, &sealed(NEW, 6)).unwrap();
    let mut device = start(device.into_flash());
    device.confirm().unwrap();
    let good = device.into_flash();
    let b = REGION.at(Slot::B) as usize;
    let header = 0..8 * 152;
    let blob = 8 * BLOB_AT as usize..8 * (BLOB_AT as usize + NEW.len());
    for bit in header.step_by(11).chain(blob.step_by(101)) {
        let mut flash = good.clone();
        flash.bytes[b + bit / 8] ^= 1 << (bit % 8);
        assert_eq!(running(&mut start(flash)), OLD, "bit {bit}");
    }
    // Marks are no such thing: of a confirmed model none that changes a bit makes another model run.
    for bit in 8 * 160..8 * BLOB_AT as usize {
        let mut flash = good.clone();
        flash.bytes[b + bit / 8] ^= 1 << (bit % 8);
        assert_eq!(running(&mut start(flash)), NEW, "bit {bit}");
    }
}

#[test]
fn slots_and_parts_of_them_that_change_places() {
    let mut device = device();
    send(&mut device, &sealed(NEW, 6)).unwrap();
    let mut device = start(device.into_flash());
    device.confirm().unwrap();
    let good = device.into_flash();
    let (a, b, size) = (REGION.at(Slot::A) as usize, REGION.at(Slot::B) as usize, REGION.slot_bytes as usize);
    let swapped = |bytes: usize| {
        let mut flash = good.clone();
        let (one, two) = flash.bytes.split_at_mut(b);
        one[a..a + bytes].swap_with_slice(&mut two[..bytes]);
        flash
    };
    // Where a model is does not matter.
    assert_eq!(running(&mut start(swapped(size))), NEW);
    // A header in front of the other's blob is none.
    assert_eq!(start(swapped(BLOB_AT as usize)).active(), None);
    // The same model twice.
    let mut flash = good.clone();
    flash.bytes.copy_within(b..b + size, a);
    assert_eq!(running(&mut start(flash)), NEW);
}

#[test]
fn a_device_without_rollback_keeps_no_old_model() {
    let never = |flash| Slots::start(flash, REGION, Signed([key().public()]), Rollback::Never).unwrap();
    let mut device = never(device().into_flash());
    send(&mut device, &sealed(NEW, 6)).unwrap();
    let mut device = never(device.into_flash());
    let b = REGION.at(Slot::B) as usize;
    let damaged = |mut flash: Flash| {
        flash.bytes[b + 300] ^= 1;
        flash
    };
    // On trial there is still one to return to.
    assert_eq!(running(&mut never(damaged(device.flash().clone()))), OLD);
    device.confirm().unwrap();
    assert_eq!(never(damaged(device.into_flash())).active(), None);
}

#[test]
fn unsigned_devices_say_so() {
    let mut device = Slots::start(Flash::new(6), REGION, Unsigned, Rollback::WhereDamaged).unwrap();
    assert!(!device.status().signed);
    assert_eq!(send(&mut device, &sealed(NEW, 1)), Err(Rejection::Seal { signed: false }));
    send(&mut device, &Sealed::new(NEW, 1, None).unwrap()).unwrap();
    let mut damaged = Sealed::new(NEW, 2, None).unwrap();
    damaged.header[13] ^= 1;
    assert_eq!(send(&mut device, &damaged), Err(Rejection::Signature));
}

#[test]
fn regions_that_do_not_fit_are_named_with_their_numbers() {
    for (start, slot_bytes) in [(0, 12288 + 4096), (2048, 4096), (0, 4097), (0, 0), (u32::MAX - 4095, 4096)] {
        let region = Region { start, slot_bytes };
        let error = Slots::start(Flash::new(6), region, Unsigned, Rollback::WhereDamaged).unwrap_err();
        assert_eq!(error, Rejection::Region { start, slot_bytes, capacity: 24576, erase: 4096, write: 4 });
    }
}

/// RFC 8032, 7.1: tests 1, 2, 3, 1024 is left out, SHA(abc).
const VECTORS: &[[&str; 4]] = &[
    [
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ],
    [
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ],
    [
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ],
    [
        "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
    ],
];

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|k| u8::from_str_radix(&hex[k..k + 2], 16).unwrap()).collect()
}

#[test]
fn signatures_are_those_of_rfc_8032() {
    for [seed, public, message, signature] in VECTORS {
        let (public, message, signature) = (bytes(public), bytes(message), bytes(signature));
        let key = Key::of_seed(bytes(seed).try_into().unwrap()).unwrap();
        assert_eq!(key.public().0.to_vec(), public);
        assert_eq!(key.sign(&message).to_vec(), signature);
        let point = ed25519_compact::PublicKey::from_slice(&public).unwrap();
        let verify = |message: &[u8], signature: &[u8]| {
            point.verify(message, &ed25519_compact::Signature::from_slice(signature).unwrap()).is_ok()
        };
        assert!(verify(&message, &signature));
        assert!(!verify(&[message.clone(), vec![0]].concat(), &signature));
        for bit in (0..512).step_by(7) {
            let mut wrong = signature.clone();
            wrong[bit / 8] ^= 1 << (bit % 8);
            assert!(!verify(&message, &wrong));
        }
    }
    // SHA(abc): what the last of them signs.
    assert_eq!(sha512(b"abc").to_vec(), bytes(VECTORS[3][2]));
}

#[test]
fn a_header_has_the_bytes_of_its_table() {
    let seed: [u8; 32] = bytes(VECTORS[0][0]).try_into().unwrap();
    let model = Sealed::new(NEW, 0x01020304, Some(&Key::of_seed(seed).unwrap())).unwrap();
    let header = model.header;
    assert_eq!(&header[..8], b"ESLT\x01\x00\x01\x00");
    assert_eq!(header[8..12], (NEW.len() as u32).to_le_bytes());
    assert_eq!(header[12..16], [4, 3, 2, 1]);
    assert_eq!(header[16..24], sha512(&bytes(VECTORS[0][1]))[..8]);
    assert_eq!(header[24..88], sha512(NEW));
    assert_eq!(header[152..], [0xff; 8]);
    assert_eq!(Sealed::of_bytes(&model.to_bytes()).unwrap(), model);
    assert!(Sealed::of_bytes(&model.to_bytes()[..500]).is_err());
    assert_eq!(Header::parse(&header).unwrap().0.seal, SealKind::Ed25519);
}

#[test]
fn a_firmware_says_which_models_it_takes() {
    let info = Info { slots_at: 0x1010_0000, slot_bytes: 4096, words: 10_000, clock: 125_000_000 };
    let mut block = info.block("pico", "0123456789abcdef0123456789abcdef01234567");
    assert_eq!(Info::parse(&block), Some(info));
    assert_eq!((Info::board(&block), Info::commit(&block).len()), ("pico", 40));
    assert!(matches!(Info::trust(&block), Either::Unsigned));
    let key = key().public();
    Info::require(&mut block, &[key]);
    assert!(matches!(Info::trust(&block), Either::Signed(keys) if keys.as_ref() == [key]));
    // Damage never opens it.
    for bit in 8 * 104..8 * 112 {
        let mut wrong = block;
        wrong[bit / 8] ^= 1 << (bit % 8);
        assert!(Info::trust(&wrong).signed(), "bit {bit}");
    }
}

#[cfg(unix)]
#[test]
fn keys_are_files_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("toys.key");
    let key = Key::new();
    let public = key.write(&path).unwrap();
    let mode = |path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o600);
    assert_eq!(Key::read(&path).unwrap().public(), key.public());
    assert_eq!(elman_flash::key::read_public(&public).unwrap(), key.public());
    assert!(key.write(&path).unwrap_err().to_string().contains("never overwritten"));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert!(Key::read(&path).unwrap_err().to_string().contains("chmod 600"));
    assert!(elman_flash::key::read_public(&path).is_err() && !format!("{key:?}").contains("PRIVATE"));
}
