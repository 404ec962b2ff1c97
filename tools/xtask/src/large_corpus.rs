//! `large-corpus`: memory and speed of training on more clips than memory takes.

use anyhow::{Context, Result, ensure};
use elman_figures::root;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use crate::bench::cargo;
use crate::flags::{Flags, unknown};

/// Flags of `large-corpus`.
pub const FLAGS: &str = "      --clips N  How many clips (100000)";

/// Varied clips, so that every epoch reads all samples.
const RECIPE: &str = "[features]\nchannels = 16\n[network]\nlayers = [{ layer = \"cell\", variant = \"gru\", units = 48 }, { layer = \
                      \"pool\", over = \"last\" }]\n[train]\nepochs = 3\nbatch = 64\n";
/// Samples of a clip at 16 kHz.
const LENGTH: usize = 16_000;
const RATE: u32 = 16_000;
/// Clips that differ; the others are further names of the same files.
const DISTINCT: usize = 200;
/// Clips of the small corpus that is compared with.
const SMALL: usize = 5000;

/// Trains on a small corpus and on a large one.
///
/// # Errors
/// Where a flag is wrong, or training fails.
pub fn run(mut flags: Flags) -> Result<ExitCode> {
    let mut clips = 100_000;
    while let Some(name) = flags.next()? {
        match name.as_str() {
            "clips" => clips = flags.value()?,
            _ => return Err(unknown(&name)),
        }
    }
    let mut command = cargo();
    command.args(["build", "--quiet", "--release", "--package", "elman-tools", "--manifest-path"]);
    let status = command.arg(root().join("Cargo.toml")).status().context("cargo does not start")?;
    ensure!(status.success(), "the build failed, see above");
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    let dir = tempfile::tempdir()?;
    println!("{:>9} {:>14} {:>12} {:>22}", "clips", "samples, MB", "memory, MB", "clips a second, epochs");
    for count in [SMALL.min(clips), clips] {
        let data = dir.path().join(format!("data-{count}"));
        corpus(&data, count)?;
        let (speeds, memory) = train(&target.join("release/elman"), dir.path(), &data, count)?;
        let speeds: Vec<String> = speeds.iter().map(|s| format!("{s:.0}")).collect();
        println!("{count:>9} {:>14} {memory:>12.0} {:>22}", (count * LENGTH * 2) >> 20, speeds.join(" "));
    }
    Ok(ExitCode::SUCCESS)
}

/// A folder per word, of tones in noise.
fn corpus(dir: &Path, count: usize) -> Result<()> {
    let mut state = 1u64;
    let mut noise = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f64 / f64::from(1 << 23) - 1.0
    };
    let words = ["low", "high", "rising", "silent"];
    for (w, word) in words.iter().enumerate() {
        std::fs::create_dir_all(dir.join(word))?;
        for k in 0..count / words.len() {
            // Few hundred speakers, of whom some validate and some test.
            let path = dir.join(word).join(format!("{:08x}_nohash_{}.wav", (k % 400) * 2_654_435, k / 400));
            if k >= DISTINCT {
                let first = dir.join(word).join(format!("{:08x}_nohash_0.wav", (k % DISTINCT) * 2_654_435));
                std::fs::hard_link(&first, &path).or_else(|_| std::fs::copy(&first, &path).map(drop))?;
                continue;
            }
            let pitch = [300.0, 900.0, 300.0, 0.0][w] + k as f64;
            let sample = |t: usize| {
                let slope = if w == 2 { t as f64 / 40.0 } else { 0.0 };
                let tone = ((pitch + slope) * t as f64 / f64::from(RATE) * std::f64::consts::TAU).sin();
                (6000.0 * tone * f64::from(u8::from(w < 3)) + 2000.0 * noise()) as i16
            };
            std::fs::write(&path, wav(&(0..LENGTH).map(sample).collect::<Vec<i16>>()))?;
        }
    }
    Ok(())
}

/// A recording of one channel and 16 bits.
fn wav(samples: &[i16]) -> Vec<u8> {
    let bytes = 2 * samples.len() as u32;
    let mut out = Vec::new();
    out.extend(b"RIFF");
    out.extend((36 + bytes).to_le_bytes());
    out.extend(b"WAVEfmt ");
    out.extend(16u32.to_le_bytes());
    out.extend([1u16, 1].into_iter().flat_map(u16::to_le_bytes));
    out.extend([RATE, 2 * RATE].into_iter().flat_map(u32::to_le_bytes));
    out.extend([2u16, 16].into_iter().flat_map(u16::to_le_bytes));
    out.extend(b"data");
    out.extend(bytes.to_le_bytes());
    out.extend(samples.iter().flat_map(|x| x.to_le_bytes()));
    out
}

/// Trains; clips a second of each epoch, and the most memory of the process in MB.
fn train(elman: &Path, dir: &Path, data: &Path, count: usize) -> Result<(Vec<f64>, f64)> {
    let recipe = dir.join("r.toml");
    std::fs::write(&recipe, RECIPE)?;
    let mut command = Command::new(elman);
    command.arg("train").arg(&recipe).arg("--data").arg(data).arg("--out").arg(dir.join(format!("run-{count}")));
    // Features of an earlier run are none of this one's memory.
    let mut child =
        command.env("ELMAN_CACHE", dir.join("cache")).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let (metrics, begun) = (dir.join(format!("run-{count}/metrics.jsonl")), std::time::Instant::now());
    let (mut seen, mut times, mut memory) = (0, Vec::new(), 0.0f64);
    loop {
        memory = memory.max(resident(child.id()).unwrap_or(0.0));
        let done = std::fs::read_to_string(&metrics).map_or(0, |text| text.lines().count());
        if done > seen {
            times.push(begun.elapsed().as_secs_f64());
            seen = done;
        }
        if let Some(status) = child.try_wait()? {
            ensure!(status.success(), "training on {count} clips failed: {status}");
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    // The first epoch's time has that of reading in it.
    let speeds = times.windows(2).map(|t| count as f64 / (t[1] - t[0])).collect();
    Ok((speeds, memory))
}

/// The most memory that a process had so far, in MB; on Linux.
fn resident(pid: u32) -> Option<f64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches("kB").trim().parse::<f64>().ok()? / 1024.0)
}
