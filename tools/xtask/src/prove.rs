//! `prove`: the proofs of tests/proofs.

use anyhow::Result;
use std::process::ExitCode;

use crate::bench::program;
use crate::flags::{Flags, unknown};

/// Flags of `prove`.
pub const FLAGS: &str = "  \
      --only PART   Only proofs with this in their names
      --short       A part of each domain, as the tests do
      --write-docs  Write the figure to docs/reliability.md";

/// Runs the proofs; failure where one does not hold or a planted fault is not found.
///
/// # Errors
/// Where a flag is wrong or cargo does not start.
pub fn run(mut flags: Flags) -> Result<ExitCode> {
    let mut words = Vec::new();
    while let Some(name) = flags.next()? {
        match name.as_str() {
            "only" => words.extend(["--only".to_owned(), flags.value()?]),
            "short" | "write-docs" => words.push(format!("--{name}")),
            _ => return Err(unknown(&name)),
        }
    }
    program(&["--package", "elman-proofs"], &words)
}
