//! The device's part of docs/performance.md: how a step grows with the number of units.

use anyhow::Result;
use elman_tools::ui::thousands;
use elman_verify::{Bench, Options};
use std::fmt::Write;

use super::alone;
use elman_figures as report;

const CORES: [&str; 4] = ["m4", "m3", "m55", "rv32"];
const CELLS: [&str; 6] = ["srn", "gru", "gru-before", "lstm", "lstm-peephole", "residual-2"];
const INPUTS: usize = 32;
const UNITS: [usize; 6] = [16, 32, 64, 128, 256, 512];

/// Counts, and writes between the markers of docs/performance.md, which is made where it is not there.
///
/// # Errors
/// Where a firmware cannot be built or run, or the file cannot be written.
pub fn write() -> Result<()> {
    let mut text = format!(
        "## On the device\n\nWritten by `cargo xtask bench mcu --write-docs`: executed instructions per step of \
         `Stream::step` in QEMU, {INPUTS} inputs.\nThe exponent is that of a power law between the last two sizes counted; \
         a matrix of U alone would give 2. `-`: does not fit the emulated board.\n"
    );
    for core in CORES {
        let bench = Bench::new(&Options::default(), core, None)?;
        write!(text, "\n**{}**\n\n| units |", bench.machine().name)?;
        UNITS.iter().try_for_each(|n| write!(text, " {n} |"))?;
        text.push_str(" exponent |\n|---|");
        text.push_str(&"---|".repeat(UNITS.len() + 1));
        text.push('\n');
        for cell in CELLS {
            write!(text, "| {cell} |")?;
            let mut counts = Vec::new();
            for units in UNITS {
                match alone(&bench, core, cell, INPUTS, units)? {
                    Some(report) => {
                        write!(text, " {} |", thousands(report.instructions.round_ties_even() as u64))?;
                        counts.push((units as f64, report.instructions));
                    }
                    None => text.push_str(" - |"),
                }
            }
            let exponent = counts.last_chunk::<2>().map(|[(u, a), (v, b)]| (b / a).ln() / (v / u).ln());
            writeln!(text, " {} |", exponent.map_or("-".to_owned(), |e| format!("{e:.2}")))?;
        }
    }
    report::write_part("docs/performance.md", "device", &text)
}
