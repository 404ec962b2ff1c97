//! The command `elman`: trains, quantizes, evaluates and verifies recurrent networks for microcontrollers.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::Parser;
use elman_recipe::Usage;
use elman_tools::cmd::Cli;

fn main() -> ExitCode {
    match Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(if error.downcast_ref::<Usage>().is_some() { 2 } else { 1 })
        }
    }
}
