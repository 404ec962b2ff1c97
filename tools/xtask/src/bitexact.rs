//! `bitexact`: every variant of every cell on every core beside the host.

use anyhow::{Context, Result};
use elman::Model;
use elman::blob::Blob;
use elman_tools::quant::synthetic::{self, Drive};
use elman_tools::quant::words_of;
use elman_tools::verify::{Firmware, Machines, Qemu, session};
use std::process::ExitCode;

/// Arguments of `bitexact`.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Steps per variant, drive and core
    #[arg(long, default_value_t = 100_000)]
    pub steps: usize,
    /// Cores, by their names in boards/qemu-mps2/machines.toml; all by default
    #[arg(long, value_delimiter = ',')]
    pub cores: Vec<String>,
    /// One JSON object on stdout instead of text
    #[arg(long)]
    pub json: bool,
}

/// Elements of a frame, units and outputs. Neither is a multiple of four, so that padding is run too.
const SHAPE: (usize, usize, usize) = (10, 18, 5);
/// Steps between resets.
const SEQUENCE: usize = 2500;

/// Runs all cases; failure where one differs.
///
/// # Errors
/// Where a firmware cannot be built or run.
pub fn run(args: &Args) -> Result<ExitCode> {
    let machines = Machines::find(None)?;
    let qemu = Qemu::find()?;
    let (inputs, units, outputs) = SHAPE;
    let variants: Vec<&str> = elman::cell::CELLS.iter().flat_map(|c| c.variants).map(|v| v.name).collect();
    let (mut total, mut different, mut cases) = (0, 0, Vec::new());
    for (core, machine) in machines.iter().filter(|(c, _)| args.cores.is_empty() || args.cores.iter().any(|a| a == c)) {
        let firmware = Firmware::build(&machines, core, "qemu-mps2", None, &[])?;
        for variant in &variants {
            for drive in [Drive::Ordinary, Drive::Saturating] {
                let blob = synthetic::model(variant, inputs, units, outputs, drive, 3).to_blob()?;
                let words = words_of(&blob)?;
                let model = Model::load(Blob::new(&words)).map_err(|e| anyhow::anyhow!("{e}"))?;
                let frames = synthetic::frames(inputs, args.steps, 11);
                let sequences: Vec<Vec<i16>> = frames.chunks(SEQUENCE * inputs).map(<[i16]>::to_vec).collect();
                let report = session(&model, core, machine, &qemu, &firmware, &sequences, Some(&blob))
                    .with_context(|| format!("{variant} on {core}"))?;
                total += report.steps;
                different += report.mismatches;
                let drive = format!("{drive:?}").to_lowercase();
                if !args.json {
                    println!(
                        "{core:<5}{variant:<14}{drive:<12}{:>8} steps{:>8} mismatches",
                        report.steps, report.mismatches
                    );
                    if let Some(first) = report.first {
                        println!("     first: {first}");
                    }
                }
                cases.push(serde_json::json!({ "variant": variant, "drive": drive, "report": report }));
            }
        }
    }
    anyhow::ensure!(total > 0, "no core of that name: boards/qemu-mps2/machines.toml lists them");
    if args.json {
        println!(
            "{}",
            serde_json::json!({ "verb": "bitexact", "steps": total, "mismatches": different, "cases": cases })
        );
    } else {
        println!("{total} steps, {different} mismatches");
    }
    Ok(if different == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
