//! `bench train`: time of a training step, ours and PyTorch's in turn.
//!
//! A step is the forward pass over all time steps, a dense layer on the last state, mean cross entropy, full
//! back-propagation through time and Adam; f32, one resident batch. With one thread the processor's time counts, and
//! of all rounds the fastest, so that what else the machine does disturbs little; with several threads the clock's.

mod growth;
mod neon;
mod ours;
mod peak;
pub mod torch;

use anyhow::Result;

use elman_figures::{Figures, Output};
use ours::Ours;
use torch::Torch;

/// How many times as fast as a tuned PyTorch.
const AIM_TUNED: f64 = 1.3;
/// Share of the machine's peak that no aim goes beyond.
const OF_PEAK: f64 = 0.85;

/// How to measure.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Threads of both sides, one run after the other
    #[arg(long, value_delimiter = ',', default_values_t = [1, 2])]
    threads: Vec<usize>,
    /// Only cases whose name contains this, as lstm or H64
    #[arg(long, default_value = "")]
    only: String,
    /// Rounds: every round measures ours and PyTorch's once, and the fastest round counts
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seconds per measurement
    #[arg(long, default_value_t = 0.3)]
    seconds: f64,
    /// Write into docs/performance.md how time and memory grow with units and steps, without PyTorch
    #[arg(long)]
    write_docs: bool,
    /// Count instructions with NEON in an emulator of a 64-bit Arm processor instead
    #[arg(long)]
    neon: bool,
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
}

const CELLS: [&str; 3] = ["lstm", "gru", "srn"];
const SHAPES: [(usize, usize, usize, usize); 5] =
    [(16, 16, 100, 32), (10, 32, 50, 64), (40, 64, 100, 64), (40, 128, 100, 64), (64, 256, 100, 64)];

impl Case {
    fn all() -> impl Iterator<Item = Self> {
        CELLS.into_iter().flat_map(|cell| {
            SHAPES.into_iter().map(move |(inputs, hidden, steps, batch)| Self { cell, inputs, hidden, steps, batch })
        })
    }

    /// How many times as fast as PyTorch as installed a step should be, which has no fused path for GRU and SRN.
    fn aim(&self) -> f64 {
        if self.cell == "lstm" { 1.7 } else { 3.0 }
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
///
/// # Errors
/// Where a case does not train, or PyTorch ends early.
pub fn run(args: &Args) -> Result<Figures> {
    let mut figures = Figures::new("bench-train");
    if args.write_docs {
        growth::write()?;
        figures.line("docs/performance.md: written");
        return Ok(figures);
    }
    if args.neon {
        return neon::run(&args.only);
    }
    let mut torch = match Torch::start(false) {
        Ok(installed) => Some((installed, Torch::start(true)?)),
        Err(reason) => {
            eprintln!("PyTorch cannot be had ({reason:#}); measuring ours alone, without ratios");
            None
        }
    };
    figures.line(match &torch {
        Some((installed, _)) => format!(
            "Training step and PyTorch's {}: as installed, and tuned (allocator kept warm, fused Adam)",
            installed.version()
        ),
        None => "Training step, without PyTorch".to_owned(),
    });
    let peak = peak::measure();
    figures.line(format!("One core does {peak:.0}e9 multiplications and additions a second"));
    for threads in &args.threads {
        let clock = if *threads == 1 { "processor" } else { "clock" };
        figures.line(format!("{threads} thread(s), {clock} time"));
        figures
            .line("                 ours ms  of peak  torch ms  tuned ms   faster than torch / tuned  of goal  memory");
        for case in Case::all().filter(|case| case.name().contains(&args.only)) {
            measure(&case, *threads, args, peak, &mut torch, &mut figures)?;
        }
    }
    figures.line(
        "PyTorch has no fused path for GRU and SRN on a CPU, and on AMD its math library takes AVX2. Where 512 bits",
    );
    figures.line("are no faster than 256, both sides meet the same limit where the products are large.");
    Ok(figures)
}

fn measure(
    case: &Case,
    threads: usize,
    args: &Args,
    peak: f64,
    torch: &mut Option<(Torch, Torch)>,
    figures: &mut Figures,
) -> Result<()> {
    let mut ours = Ours::new(case, threads)?;
    let (mut own, mut installed, mut tuned) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..args.rounds.max(1) {
        own.push(ours.measure(args.seconds)?);
        if let Some((plain, warm)) = torch {
            installed.push(plain.measure(case, threads, args.seconds)?);
            tuned.push(warm.measure(case, threads, args.seconds)?);
        }
    }
    let (name, own) = (case.name(), fastest(own));
    let floor = case.operations() / (peak * threads as f64) * 1e3;
    let share = 100.0 * floor / own;
    let memory = ours.activation_bytes() as f64 / 1024.0 / 1024.0;
    if torch.is_none() {
        figures.line(format!("{name:<14}{own:>10.3}{share:>8.0}%{memory:>60.1} MB"));
        return Ok(());
    }
    let (installed, tuned) = (fastest(installed), fastest(tuned));
    let (faster, faster_tuned) = (installed / own, tuned / own);
    // Faster than PyTorch by so much, but nothing is faster than the machine.
    let goal = (installed / case.aim()).min(tuned / AIM_TUNED).max(floor / OF_PEAK);
    figures.line(format!(
        "{name:<14}{own:>10.3}{share:>8.0}%{installed:>10.3}{tuned:>10.3}{faster:>16.2} / {faster_tuned:<8.2}{:>8.2}{memory:>8.1} MB",
        own / goal
    ));
    figures.add(format!("{name}-{threads}t"), faster);
    figures.add(format!("{name}-{threads}t-tuned"), faster_tuned);
    figures.add(format!("{name}-{threads}t-of-goal"), own / goal);
    Ok(())
}
