//! The verbs of `cargo xtask` that measure or prove: they need the whole of the tools, so `cargo xtask` builds this program when
//! one is asked for.
#![forbid(unsafe_code)]

mod bench_accuracy;
mod bench_detect;
mod bench_eval;
mod bench_listen;
mod bench_mcu;
mod bench_train;
mod bench_words;
mod bindings;
mod bitexact;
mod combinations;
mod frontier;
mod no_mul64;
mod odd_recipes;
mod panic_free;
mod panics;
mod recipes;
mod size;
mod soak;

use clap::{Parser, Subcommand};
use elman_figures::Output;
use std::process::ExitCode;

/// Measures and proves.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Measure speed.
    #[command(subcommand)]
    Bench(Bench),
    /// Check the bindings for C and Python, on this machine and on five emulated cores: `cargo xtask bindings`
    Bindings(bindings::Args),
    /// Compare every state of 1e5 steps per cell and core with the host's: `cargo xtask bitexact --cores m4`
    Bitexact(bitexact::Args),
    /// Train, quantize and run every legal combination of layers on the M4: `cargo xtask combinations --every 10`
    Combinations(combinations::Args),
    /// Train recipes on real data with several seeds: `cargo xtask recipes --data ~/data`
    Recipes(recipes::Args),
    /// Show accuracy against flash and instructions over cells, widths and bits of weights: `cargo xtask frontier --data ~/data`
    Frontier(frontier::Args),
    /// Train recipes with odd values: none may panic, abort or hang: `cargo xtask odd-recipes --every 10`
    OddRecipes(odd_recipes::Args),
    /// Prove by the linker that no panic is reachable in the inference firmware: `cargo xtask panics`
    Panics(panics::Args),
    /// Show that no step on the Cortex-M0 multiplies 64 bits: `cargo xtask no-mul64`
    #[command(name = "no-mul64")]
    NoMul64,
    /// Measure flash and RAM of an inference firmware: `cargo xtask size --check`
    Size(Output),
}

#[derive(Debug, Subcommand)]
enum Bench {
    /// Count instructions per step on emulated cores: `cargo xtask bench mcu --all --check`
    Mcu(bench_mcu::Args),
    /// Count a keyword spotter's step by its parts on the emulated M4: `cargo xtask bench profile --check`
    Profile(Output),
    /// Compare the longest step with the shortest: `cargo xtask bench worst --cores m4 --check`
    Worst(bench_mcu::worst::Args),
    /// Count the costs that `elman inspect` estimates with: `cargo xtask bench costs --write`
    Costs(bench_mcu::costs::Args),
    /// Misses and false accepts of hours of streams: `cargo xtask bench detect --data ~/data --check`
    Detect(bench_detect::Args),
    /// Words that were typed, on clips of people: `cargo xtask bench words --data ~/data`
    Words(bench_words::Args),
    /// Count what listening takes of a chip at 16 kHz: `cargo xtask bench listen --check`
    Listen(bench_listen::Args),
    /// Integer steps a second on the host: `cargo xtask bench eval --check`
    Eval(Output),
    /// Compare training steps with PyTorch's: `cargo xtask bench train --check`
    Train(bench_train::Args),
    /// Time until the same accuracy as PyTorch's: `cargo xtask bench accuracy --data ~/data`
    Accuracy(bench_accuracy::Args),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match cli.verb {
        Verb::Bench(Bench::Mcu(args)) => bench_mcu::run(&args),
        Verb::Bench(Bench::Profile(output)) => bench_mcu::profile::run(&output),
        Verb::Bench(Bench::Worst(args)) => bench_mcu::worst::run(&args),
        Verb::Bench(Bench::Costs(args)) => bench_mcu::costs::run(&args),
        Verb::Bench(Bench::Detect(args)) => bench_detect::run(&args).and_then(|f| f.finish(&args.output)),
        Verb::Bench(Bench::Words(args)) => bench_words::run(&args).and_then(|f| f.finish_some(&args.output)),
        Verb::Bench(Bench::Listen(args)) => bench_listen::run(&args).and_then(|f| f.finish(&args.output)),
        Verb::Bench(Bench::Eval(output)) => bench_eval::run().and_then(|f| f.finish(&output)),
        Verb::Bench(Bench::Train(args)) => bench_train::run(&args).and_then(|f| f.finish(&args.output)),
        Verb::Bindings(args) => bindings::run(&args),
        Verb::Bench(Bench::Accuracy(args)) => bench_accuracy::run(&args).and_then(|f| f.finish(&args.output)),
        Verb::Bitexact(args) => bitexact::run(&args),
        Verb::Combinations(args) => combinations::run(&args),
        Verb::Recipes(args) => recipes::run(&args),
        Verb::Frontier(args) => frontier::run(&args),
        Verb::OddRecipes(args) => odd_recipes::campaign(&args),
        Verb::Panics(args) => panics::run(&args),
        Verb::NoMul64 => no_mul64::run(),
        Verb::Size(output) => size::run(&output),
    };
    match result {
        Ok(code) => code,
        Err(e) => {
            eprintln!("error: {e:#}");
            ExitCode::FAILURE
        }
    }
}
