//! Recordings of any length in bounded memory.
#![cfg(unix)]

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::process::{Command, Output};

use elman_data::wav_bytes;

/// Kilobytes of address space that a command may have.
const MOST_KB: usize = 120_000;

/// Runs `elman` with no more address space than that; on one thread, as each has a place of its own to allocate from.
fn bounded(args: &[&str]) -> Output {
    let script = format!("ulimit -v {MOST_KB}; exec \"$0\" \"$@\"");
    let elman = env!("CARGO_BIN_EXE_elman");
    let mut command = Command::new("sh");
    command.args(["-c", &script, elman]).args(args).env("RAYON_NUM_THREADS", "1").env("MALLOC_ARENA_MAX", "1");
    command.output().unwrap()
}

fn ok(args: &[&str]) -> String {
    let out = bounded(args);
    let stderr = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{args:?}: {stderr}");
    String::from_utf8(out.stdout).unwrap()
}

/// A recording of 16 bits at 48 kHz, `megabytes` long: silence but for its last second. It takes no room on the disk.
fn long(path: &std::path::Path, megabytes: u64) {
    let last: Vec<u8> = (0..48_000i32).flat_map(|k| ((k * 7919 % 20_000 - 10_000) as i16).to_le_bytes()).collect();
    let data = megabytes << 20;
    let mut header = wav_bytes(&[], 48_000);
    header[4..8].copy_from_slice(&(data as u32 + 36).to_le_bytes());
    header[40..44].copy_from_slice(&(data as u32).to_le_bytes());
    let mut file = File::create(path).unwrap();
    file.write_all(&header).unwrap();
    file.write_all_at(&last, 44 + data - last.len() as u64).unwrap();
}

#[test]
fn a_recording_larger_than_the_memory_passes() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).display().to_string();
    let (data, run, recipe) = (at("data"), at("run"), at("recipe.toml"));
    for (word, hz) in [("low", 300.0), ("high", 900.0)] {
        std::fs::create_dir_all(dir.path().join("data").join(word)).unwrap();
        for clip in 0..20 {
            let sample = |k: usize| (k as f64 * (hz + clip as f64) / 8000.0 * std::f64::consts::TAU).sin() * 9000.0;
            let samples: Vec<i16> = (0..4000).map(|k| sample(k) as i16).collect();
            std::fs::write(format!("{data}/{word}/{clip}.wav"), wav_bytes(&samples, 8000)).unwrap();
        }
    }
    // 150 MB, 27 minutes: 25 MB at the rate of the model.
    for folder in ["data/noise", "hours"] {
        std::fs::create_dir_all(dir.path().join(folder)).unwrap();
        long(&dir.path().join(folder).join("evening.wav"), 150);
    }
    std::fs::write(
        dir.path().join("recipe.toml"),
        "[network]\nlayers = [{ layer = \"cell\", variant = \"gru\", units = 4 }]\n[features]\nsample_rate = 8000\n\
         [train]\nepochs = 1\n[stream]\nstreams = 4\nseconds = 4.0\nvalid_hours = 0.003\n",
    )
    .unwrap();
    let seconds = 150 * (1 << 20) / 96_000;
    assert!(ok(&["data", "check", &data]).contains(&format!("1 recordings of background, {seconds} s")));
    ok(&["train", &recipe, "--data", &data, "--out", &run]);
    ok(&["quantize", &run]);
    ok(&["calibrate", &run, "--data", &data, "--hours", "0.02"]);
    ok(&["mix", "--data", &data, "--recipe", &recipe, "--hours", "0.01", "--to", &at("mixed")]);
    ok(&["eval", &run, "--audio", &at("hours")]);
    ok(&["listen", &run, "--wav", &at("hours/evening.wav")]);
    // The last answer is that of the recording's end.
    let all = ok(&["run", &run, &at("hours/evening.wav")]);
    let last: f64 = all.lines().last().unwrap().split_whitespace().next().unwrap().parse().unwrap();
    assert!((last - seconds as f64).abs() < 0.5, "{last}");
}
