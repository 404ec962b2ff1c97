//! `bench worst`: whether a step takes the same time for every input.

use anyhow::Result;
use elman_quant::synthetic::{self, Drive};
use elman_verify::cost::{WORST, shapes};
use elman_verify::{Bench, Options};
use std::process::ExitCode;

use super::count;
use elman_figures::{Figures, Output};

/// Arguments of `bench worst`.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub output: Output,
    /// Steps per variant
    #[arg(long, default_value_t = 100_000)]
    pub steps: usize,
    /// Cores, by their names in boards/qemu-mps2/machines.toml
    #[arg(long, value_delimiter = ',', default_value = "m4")]
    pub cores: Vec<String>,
}

/// Instructions that counting itself may add to a step: the clock's interrupt, once in 2^24 ticks, takes 8, and on some cores a tick stands
/// for two.
const CLOCK: f64 = 9.0;

/// Counts the fewest and the most instructions of a step of every cell and layer, over random and edge inputs.
///
/// # Errors
/// Where a firmware cannot be built or run, or differs from the host.
pub fn run(args: &Args) -> Result<ExitCode> {
    let mut figures = Figures::new("bench-worst");
    figures.line(format!("Instructions of a step over {} random and edge inputs", args.steps));
    let mut worst = 0f64;
    for core in &args.cores {
        let bench = Bench::new(&Options::default(), core, None)?;
        // What a stride takes follows from the number of the step, not from its input.
        let layers = elman::layer::all().flat_map(|s| s.variants).filter(|v| v.run.is_none());
        for variant in layers.map(|v| v.name) {
            // Saturating weights drive gates to their ends and back.
            let model = synthetic::model(variant, 10, 18, 5, Drive::Saturating, 3);
            let Some(report) = count(&bench, core, &model, shapes::frames(&model, args.steps, 11))? else { continue };
            let [least, most] = report.range;
            let ratio = (most - CLOCK).max(least) / least;
            worst = worst.max(ratio);
            figures.line(format!("  {core:<5}{variant:<16}{least:>9.0} to {most:>7.0}  {ratio:.4}"));
        }
    }
    figures.line(format!("most, less {CLOCK:.0} for the clock, over fewest: {worst:.4}, to stay below {WORST}"));
    figures.add("most-over-fewest", (worst * 10_000.0).round() / 10_000.0);
    figures.finish(&args.output)
}
