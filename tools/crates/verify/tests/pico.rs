//! The Pico's firmware, as it is flashed, in the emulator rp2040js: sound goes in by the converter's pin, and the light comes out. It
//! must go on and off at the blocks in which the host's listener reports events.
//!
//! ELMAN_RP2040 names the folder that `cargo xtask boards --run pico` makes, with firmware, emulator and boot ROM; without it the test says
//! so and ends.

use std::path::{Path, PathBuf};
use std::process::Command;

use elman::audio::Config;
use elman::blob::{Blob, Model};
use elman::{Listener, detect};
use elman_board::spotter::Unbiased;
use elman_flash::board;
use elman_flash::image::{Firmware, file};
use elman_flash::sealed::Sealed;
use elman_quant::synthetic::sound;
use elman_quant::words_of;
use serde::Deserialize;

/// Samples of a block, as boards/pico/src/main.rs has it.
const BLOCK: usize = 320;
/// Units of the GRU.
const UNITS: usize = 64;
/// For how many samples the light is on.
const ON: u32 = 8000;

/// What run.cjs prints.
#[derive(Deserialize)]
struct Run {
    taken: usize,
    light: Vec<(usize, bool)>,
    working: u64,
    waiting: u64,
    instructions: u64,
    errors: Vec<String>,
    milliseconds: u64,
}

/// What the converter gives for samples: 12 bits around the middle.
fn converted(samples: &[i16]) -> Vec<u16> {
    samples.iter().map(|x| (i32::from(*x) + 0x8000) as u16 >> 4).collect()
}

/// The blocks after which the light goes on and off on the host, by the code of the firmware.
fn on_host(words: &[u32], raw: &[u16]) -> (Vec<(usize, bool)>, Vec<detect::Event>) {
    let model = Model::load(Blob::new(words)).unwrap();
    let mut memory = vec![0; Blob::new(words).listener_words()];
    let (mut changes, mut events, mut left, mut unbiased) = (Vec::new(), Vec::new(), 0u32, Unbiased::new(12));
    let mut listener = Listener::new(&model, &mut memory).unwrap();
    // The firmware processes a block of silence while the first samples come.
    for (k, block) in [&[2048; BLOCK][..], raw].concat().chunks_exact(BLOCK).enumerate() {
        let block: Vec<i16> = block.iter().map(|x| unbiased.next(*x)).collect();
        let was = left > 0;
        left = left.saturating_sub(BLOCK as u32);
        if was && left == 0 {
            changes.push((k, false));
        }
        if let Some(event) = listener.push(&block) {
            changes.push((k, true));
            events.push(event);
            left = ON;
        }
    }
    (changes, events)
}

#[test]
fn the_light_of_the_emulated_pico_follows_the_listener_of_the_host() {
    let Some(folder) = std::env::var_os("ELMAN_RP2040").map(PathBuf::from) else {
        return eprintln!("not run: `cargo xtask boards --run pico` runs it");
    };
    let pico = board::of_name("pico").unwrap();
    let firmware = Firmware::new(pico, std::fs::read(folder.join("pico.bin")).unwrap()).unwrap();
    let blob = sound::listener(Config::HZ_16000, UNITS, 4, 5).to_blob_for(pico.core).unwrap();
    let parts = firmware.join(&Sealed::new(&blob, 1, None).unwrap(), &[]).unwrap();
    let seconds = std::env::var("ELMAN_SECONDS").ok().and_then(|s| s.parse().ok()).unwrap_or(60usize);
    let raw = converted(&sound::samples(16_000 * seconds, 9));
    let here = tempfile::tempdir().unwrap();
    let [uf2, adc] = ["pico.uf2", "samples.bin"].map(|name| here.path().join(name));
    std::fs::write(&uf2, file(pico, &parts).unwrap()).unwrap();
    std::fs::write(&adc, raw.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>()).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../boards/pico/run.cjs");
    let output = Command::new("node").arg(script).args([&folder, &uf2, &adc]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let run: Run = serde_json::from_slice(&output.stdout).unwrap();
    assert!(
        run.errors.is_empty() && run.taken >= raw.len(),
        "{:?}, {} samples of {}",
        run.errors,
        run.taken,
        raw.len()
    );

    let words = words_of(&blob).unwrap();
    let (host, events) = on_host(&words, &raw);
    assert!(!events.is_empty(), "the model reports nothing, so that nothing is compared");
    // A block is processed while the next one comes. Before the first event the pin is set to off.
    let changed = run.light.iter().skip_while(|(_, on)| !on);
    let board: Vec<(usize, bool)> = changed.map(|(at, on)| (at / BLOCK, *on)).collect();
    let shared = board.len().min(host.len());
    assert!(shared > 0 && host.len() - shared <= 1, "host {host:?}, board {board:?}");
    assert_eq!(board[..shared], host[..shared]);
    let cycles = run.working + run.waiting;
    println!(
        "GRU of {UNITS} units: {} changes of the light at the same blocks of {BLOCK} samples as on the host; {seconds} s of sound in {:.1} s; {} instructions, {:.2} cycles each; the core worked {:.1} % of {:.1} s at 125 MHz (cycles by \
         rp2040js): {:.0} cycles a frame of {} ms",
        host.len(),
        run.milliseconds as f64 / 1e3,
        run.instructions,
        run.working as f64 / run.instructions as f64,
        100.0 * run.working as f64 / cycles as f64,
        cycles as f64 / 125e6,
        run.working as f64 / Config::HZ_16000.frames(raw.len()) as f64,
        1000 * usize::from(Config::HZ_16000.hop) / 16_000,
    );
}
