//! `cargo xtask cuts`: cuts of the supply at every operation of updates, and the states of the flash that they leave.

use anyhow::{Context, Result, ensure};
use elman_flash::cuts::{Lives, MODELS};
use std::process::ExitCode;
use std::time::Instant;

const BLOBS: [&[u8]; MODELS] = [
    include_bytes!("../../../../../tests/golden/listens.elman"),
    include_bytes!("../../../../../tests/golden/gestures.elman"),
    include_bytes!("../../../../../tests/golden/gru.elman"),
    include_bytes!("../../../../../tests/golden/lstm.elman"),
    include_bytes!("../../../../../tests/golden/srn.elman"),
    include_bytes!("../../../../../tests/golden/tree-lstm.elman"),
];

/// States that BrickProof counts for its own boot loader.
const AT_LEAST: usize = 12_109;

fn run() -> Result<()> {
    let stride: u64 = match std::env::args().nth(1) {
        Some(word) => word.parse().context("the argument: every how many operations")?,
        None => 1,
    };
    let begun = Instant::now();
    let lives = Lives::new(&BLOBS.map(<[u8]>::to_vec))?;
    let reports = lives.run(stride)?;
    println!("{:<28} {:>10} {:>8} {:>16}", "flash", "operations", "cuts", "distinct states");
    for report in &reports {
        println!("{:<28} {:>10} {:>8} {:>16}", report.name, report.operations, report.cuts, report.states);
    }
    let (cuts, states): (u64, usize) = reports.iter().fold((0, 0), |(c, s), r| (c + r.cuts, s + r.states));
    println!(
        "{cuts} cuts left {states} distinct states of flash; after each the next start had a whole, signed and right model, and \
         the next update went through; {:.0} s",
        begun.elapsed().as_secs_f64()
    );
    ensure!(stride > 1 || states >= AT_LEAST, "{states} states are less than {AT_LEAST}");
    Ok(())
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("error: {e:#}");
            ExitCode::FAILURE
        }
    }
}
