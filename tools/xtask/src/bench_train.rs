//! `bench train`: time of a training step, ours and PyTorch's in turn.
//!
//! A step is the forward pass over all time steps, a dense layer on the last state, mean cross entropy, full
//! back-propagation through time and Adam; f32, one resident batch. With one thread the processor's time counts, and
//! of all rounds the fastest, so that what else the machine does disturbs little; with several threads the clock's.

mod ours;
mod peak;
mod torch;

use anyhow::Result;

use crate::report::{Figures, Output};
use ours::Ours;
use torch::Torch;

/// How to measure.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Threads of both sides
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// Only cases whose name contains this, as lstm or H64
    #[arg(long, default_value = "")]
    only: String,
    /// Rounds: every round measures ours and PyTorch's once, and the fastest round counts
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seconds per measurement
    #[arg(long, default_value_t = 0.3)]
    seconds: f64,
    /// How figures are put out.
    #[command(flatten)]
    pub output: Output,
}

/// One network and batch.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    cell: &'static str,
    inputs: usize,
    hidden: usize,
    steps: usize,
    batch: usize,
    /// How many times as fast as PyTorch, as installed, a hand-tuned prototype was in one thread.
    prototype: f64,
}

/// Multiplications and additions per second of one core, in 10^9, where the prototype was measured.
const PROTOTYPE_PEAK: f64 = 257.0;

/// Our time may be this much above the prototype's, relative to PyTorch's in the same run.
const ALLOWED: f64 = 1.4;

const SHAPES: [(usize, usize, usize, usize); 5] =
    [(16, 16, 100, 32), (10, 32, 50, 64), (40, 64, 100, 64), (40, 128, 100, 64), (64, 256, 100, 64)];
const PROTOTYPE: [(&str, [f64; 5]); 3] =
    [("lstm", [6.5, 4.0, 2.2, 2.3, 1.7]), ("gru", [53.0, 13.0, 6.0, 3.8, 3.1]), ("srn", [50.0, 14.0, 6.0, 4.6, 3.0])];

impl Case {
    fn all() -> impl Iterator<Item = Self> {
        PROTOTYPE.into_iter().flat_map(|(cell, speedups)| {
            SHAPES.into_iter().zip(speedups).map(move |((inputs, hidden, steps, batch), prototype)| Self {
                cell,
                inputs,
                hidden,
                steps,
                batch,
                prototype,
            })
        })
    }

    fn name(&self) -> String {
        format!("{}-H{}", self.cell, self.hidden)
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn fastest(values: Vec<f64>) -> f64 {
    values.into_iter().fold(f64::INFINITY, f64::min)
}

/// Measures every case; where PyTorch cannot be had, only ours.
pub fn run(args: &Args) -> Result<Figures> {
    let mut figures = Figures::new("bench-train");
    let mut torch = match Torch::start(false) {
        Ok(installed) => Some((installed, Torch::start(true)?)),
        Err(reason) => {
            eprintln!("PyTorch cannot be had ({reason:#}); measuring ours alone, without ratios");
            None
        }
    };
    match &torch {
        Some((installed, _)) => figures.line(format!(
            "Training step, {} thread(s), {} time, beside PyTorch {}: as installed, and tuned (allocator kept warm, fused Adam)",
            args.threads,
            if args.threads == 1 { "processor" } else { "clock" },
            installed.version()
        )),
        None => figures.line(format!("Training step, {} thread(s), without PyTorch", args.threads)),
    }
    let peak = peak::measure();
    figures.line(format!(
        "One core does {peak:.0}e9 multiplications and additions a second; the prototype's did {PROTOTYPE_PEAK:.0}e9"
    ));
    figures
        .line("                 ours ms  of peak  torch ms  tuned ms   faster than torch / tuned  prototype  at least");
    for case in Case::all().filter(|case| case.name().contains(&args.only)) {
        let mut ours = Ours::new(&case, args.threads)?;
        let (mut own, mut installed, mut tuned) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..args.rounds.max(1) {
            own.push(ours.measure(args.seconds)?);
            if let Some((plain, warm)) = &mut torch {
                installed.push(plain.measure(&case, args.threads, args.seconds)?);
                tuned.push(warm.measure(&case, args.threads, args.seconds)?);
            }
        }
        let (name, own) = (case.name(), fastest(own));
        let share = 100.0 * case.operations() / (own * 1e-3) / (peak * args.threads as f64);
        if torch.is_none() {
            figures.line(format!("{name:<14}{own:>10.3}{share:>8.0}%"));
            continue;
        }
        let (installed, tuned) = (fastest(installed), fastest(tuned));
        let (faster, least) = (installed / own, case.prototype / ALLOWED);
        figures.line(format!(
            "{name:<14}{own:>10.3}{share:>8.0}%{installed:>10.3}{tuned:>10.3}{faster:>16.2} / {:<8.2}{:>13.1}{least:>10.2}{}",
            tuned / own,
            case.prototype,
            if args.threads == 1 && faster < least { "  too slow" } else { "" }
        ));
        figures.add(format!("{name}-{}t", args.threads), faster);
    }
    figures.line(
        "PyTorch has no fused path for GRU and SRN on a CPU, and on AMD its math library takes AVX2. Where 512 bits",
    );
    figures.line("are no faster than 256, both sides meet the same limit, and no ratio as the prototype's can be had.");
    Ok(figures)
}
