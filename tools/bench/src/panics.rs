//! `panics`: no panic is reachable from loading, audio, steps, sequences, text and sampling, proved by the linker.

use anyhow::{Result, bail, ensure};
use elman_emulator::Machines;
use std::process::ExitCode;

use crate::panic_free::{LEVELS, build};
use elman_figures::reliability::Record;
use elman_figures::{Figures, Output};

/// Flags of `panics`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    output: Output,
    /// Every core that is emulated, instead of one with scalar kernels and one with those in assembly
    #[arg(long)]
    all: bool,
    /// These cores
    #[arg(long, value_delimiter = ',', conflicts_with = "all")]
    cores: Vec<String>,
    /// Write the figure to docs/reliability.md
    #[arg(long, requires = "all")]
    write_docs: bool,
}

/// The scalar kernels and those in assembly.
const CORES: [&str; 2] = ["m3", "m4"];
/// What the panic handler calls and nothing defines.
const UNDEFINED: &str = "a_panic_is_reachable";

/// Links the firmware for each core at each level, and shows that a planted index keeps it from linking.
///
/// # Errors
/// Where a firmware fails to build for another reason.
pub fn run(args: &Args) -> Result<ExitCode> {
    let machines = Machines::find(None)?;
    let cores: Vec<&str> = match (args.all, args.cores.is_empty()) {
        (true, _) => machines.iter().map(|(core, _)| core).collect(),
        (false, true) => CORES.to_vec(),
        (false, false) => args.cores.iter().map(String::as_str).collect(),
    };
    let mut figures = Figures::new("panics");
    let (mut reachable, mut controls) = (0, 0);
    for core in &cores {
        for level in LEVELS {
            match build(&machines, core, "gru", level, &["--features", "more"]) {
                Ok(_) => figures.line(format!("{core} opt-level {level}: links, no panic is reachable")),
                Err(e) if e.to_string().contains(UNDEFINED) => {
                    reachable += 1;
                    figures
                        .line(format!("{core} opt-level {level}: A PANIC IS REACHABLE\n{}", reference(&e.to_string())));
                }
                Err(e) => return Err(e),
            }
            match build(&machines, core, "gru", level, &["--features", "more,planted"]) {
                Err(e) if e.to_string().contains(UNDEFINED) => {
                    controls += 1;
                    figures
                        .line(format!("{core} opt-level {level}: with a planted index it does not link, as it must"));
                }
                Err(e) => return Err(e),
                Ok(_) => bail!("{core} opt-level {level}: the planted index links, so the check shows nothing"),
            }
        }
    }
    figures.add("reachable", reachable as f64);
    figures.add("controls", controls as f64);
    if args.write_docs {
        ensure!(reachable == 0, "a panic is reachable");
        let figure =
            format!("{} at levels {}; {controls} planted indices do not link", cores.join(", "), LEVELS.join(" and "));
        Record::of("panics", &["src", "boards/panic-free", "boards/common"])?.write(&figure)?;
    }
    figures.finish(&args.output)?;
    Ok(if reachable == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The linker's lines about the undefined function.
fn reference(message: &str) -> String {
    message.lines().filter(|l| l.contains(UNDEFINED) || l.contains("referenced by")).collect::<Vec<_>>().join("\n")
}
