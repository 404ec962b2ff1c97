//! `cuts`: updates of models, whose supply fails at every operation of the flash.

use anyhow::Result;
use std::process::ExitCode;

use crate::bench::program;
use crate::flags::{Flags, unknown};

/// Flags of `cuts`.
pub const FLAGS: &str = "      --short  Every 37th operation: seconds instead of minutes";

/// Which operations `--short` cuts.
const SHORT: &str = "37";

/// Runs it; failure where a start does not have a right model, or where the states are too few.
///
/// # Errors
/// Where a flag is wrong or cargo does not start.
pub fn run(mut flags: Flags) -> Result<ExitCode> {
    let mut short = false;
    while let Some(name) = flags.next()? {
        match name.as_str() {
            "short" => short = true,
            _ => return Err(unknown(&name)),
        }
    }
    cut(short)
}

/// Builds what cuts, and runs it.
///
/// # Errors
/// Where cargo does not start.
pub fn cut(short: bool) -> Result<ExitCode> {
    let every = if short { &[SHORT][..] } else { &[] };
    program(&["--quiet", "--package", "elman-flash", "--bin", "cuts"], every)
}
