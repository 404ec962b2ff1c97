//! `elman keys`, `elman sign` and `elman flash` as a user meets them, with firmware that is only a description of itself.

use elman::audio::Config;
use elman_flash::board;
use elman_flash::image::Firmware;
use elman_quant::synthetic::sound;
use elman_slots::Info;
use std::path::Path;
use std::process::{Command, Output};

/// A model that listens at 16 kHz, in the folder of a test.
const MODEL: &str = "listens.elman";

fn elman(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_elman")).current_dir(folder).args(args).output().unwrap()
}

fn ok(folder: &Path, args: &[&str]) -> String {
    let out = elman(folder, args);
    assert!(out.status.success(), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap()
}

fn fails(folder: &Path, code: i32, args: &[&str]) -> String {
    let out = elman(folder, args);
    let stderr = String::from_utf8_lossy(&out.stderr).into_owned();
    assert_eq!(out.status.code(), Some(code), "{args:?}: {stderr}");
    assert!(!stderr.contains("panicked"), "{stderr}");
    stderr
}

/// Firmware for the Pico in `folder`.
fn firmware(folder: &Path, words: u32, clock: u32, slot_bytes: u32) {
    let info = Info { slots_at: 0x1018_0000, slot_bytes, words, clock };
    std::fs::create_dir_all(folder.join("firmware")).unwrap();
    // Bytes of a second boot stage, all 0, and their CRC-32.
    let mut bytes = vec![0; 252];
    bytes.extend(0x7065_399a_u32.to_le_bytes());
    bytes.extend(info.block("pico", "c0ffee"));
    std::fs::write(folder.join("firmware/pico.bin"), bytes).unwrap();
    let blob = sound::listener(Config::HZ_16000, 8, 4, 5).to_blob().unwrap();
    std::fs::write(folder.join(MODEL), blob).unwrap();
}

#[test]
fn a_file_for_a_board() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    firmware(folder, 40_000, 125_000_000, 256 << 10);
    let flash = ["flash", MODEL, "--board", "pico", "--firmware", "firmware"];
    let text = ok(folder, &flash);
    assert!(text.contains("listens-pico.uf2") && text.contains("UNSIGNED") && text.contains("BOOTSEL"), "{text}");
    let file = std::fs::read(folder.join("listens-pico.uf2")).unwrap();
    assert!(file.starts_with(b"UF2\n") && file.len().is_multiple_of(512));
    // A drive.
    std::fs::create_dir(folder.join("RPI-RP2")).unwrap();
    let json = ok(folder, &[&flash[..], &["--to", "RPI-RP2", "--json"]].concat());
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (&json["commit"], &json["signed"], &json["flash_room"]),
        (&"c0ffee".into(), &false.into(), &261_888.into())
    );
    assert_eq!(std::fs::read(folder.join("RPI-RP2/listens-pico.uf2")).unwrap(), file);
    assert!(fails(folder, 1, &[&flash[..], &["--to", "nowhere"]].concat()).contains("mounted"));
    assert!(fails(folder, 2, &["flash", MODEL, "--board", "teensy"]).contains("microbit-v2, pico"));
    assert!(
        fails(folder, 1, &["flash", MODEL, "--board", "pico-2", "--firmware", "firmware"])
            .contains("boards --firmware")
    );
}

#[test]
fn what_does_not_fit_a_board() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let flash = ["flash", MODEL, "--board", "pico", "--firmware", "firmware"];
    firmware(folder, 100, 125_000_000, 256 << 10);
    let error = fails(folder, 1, &flash);
    assert!(error.contains("of RAM") && error.contains("400 B"), "{error}");
    firmware(folder, 40_000, 1000, 256 << 10);
    let error = fails(folder, 1, &flash);
    assert!(error.contains("instructions a second") && error.contains("1,000 cycles"), "{error}");
    firmware(folder, 40_000, 125_000_000, 4096);
    let bytes = std::fs::metadata(folder.join(MODEL)).unwrap().len();
    let error = if bytes > 3840 { fails(folder, 1, &flash) } else { format!("{bytes} bytes, 3840") };
    assert!(error.contains(&format!("{bytes} bytes")) && error.contains("3840"), "{error}");
    let slow = concat!(env!("CARGO_MANIFEST_DIR"), "/../boards/listens.elman");
    assert!(
        fails(folder, 1, &["flash", slow, "--board", "pico", "--firmware", "firmware"]).contains("and the model 8,000")
    );
    let lstm = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/golden/lstm.elman");
    assert!(
        fails(folder, 1, &["flash", lstm, "--board", "pico", "--firmware", "firmware"]).contains("elman calibrate")
    );
    assert!(!folder.join("lstm-pico.uf2").exists());
}

#[test]
fn keys_and_signatures() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    firmware(folder, 40_000, 125_000_000, 256 << 10);
    let text = ok(folder, &["keys", "new", "toys.key"]);
    assert!(text.contains("toys.key.pub") && text.contains("mode 600"), "{text}");
    assert!(fails(folder, 1, &["keys", "new", "toys.key"]).contains("never overwritten"));
    let sign = ["sign", MODEL, "--key", "toys.key", "--counter", "7", "--board", "pico", "--out", "seven.signed"];
    assert!(ok(folder, &sign).contains("counter 7"));
    let signed = std::fs::read(folder.join("seven.signed")).unwrap();
    assert!(signed.starts_with(b"ESLT"));
    assert!(
        fails(folder, 2, &["sign", MODEL, "--key", "toys.key", "--counter", "0", "--out", "x"]).contains("at least 1")
    );
    assert!(fails(folder, 1, &["sign", MODEL, "--key", "toys.key.pub", "--out", "x"]).contains("toys.key.pub"));
    let flash =
        ["flash", MODEL, "--board", "pico", "--firmware", "firmware", "--key", "toys.key", "--out", "signed.uf2"];
    let text = ok(folder, &flash);
    assert!(text.contains("signed") && !text.contains("UNSIGNED"), "{text}");
    // Nothing of the secret key is in what leaves the machine.
    let secret = std::fs::read_to_string(folder.join("toys.key")).unwrap();
    let line = secret.lines().nth(1).unwrap();
    for name in ["seven.signed", "signed.uf2", "toys.key.pub"] {
        let bytes = std::fs::read(folder.join(name)).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains(&line[line.len() - 30..]), "{name}");
    }
    let info = std::fs::read(folder.join("firmware/pico.bin")).unwrap();
    assert_eq!(Firmware::new(board::of_name("pico").unwrap(), info).unwrap().commit(), "c0ffee");
}
