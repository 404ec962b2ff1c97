//! The device's part of docs/performance.md: how a step grows with the number of units.

use anyhow::{Context, Result};
use elman_tools::verify::{Bench, Options};
use std::fmt::Write;

use super::alone;
use crate::report::root;

const BEGIN: &str = "<!-- device:begin -->";
const END: &str = "<!-- device:end -->";
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
        "{BEGIN}\n## On the device\n\nWritten by `cargo xtask bench mcu --write-docs`: executed instructions per step of \
         `Stream::step` in QEMU, {INPUTS} inputs.\nThe exponent is that of a power law between the last two sizes counted; \
         a matrix of U alone would give 2. `-`: the emulated board has no room.\n"
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
                        write!(text, " {} |", thousands(report.instructions))?;
                        counts.push((units as f64, report.instructions));
                    }
                    None => text.push_str(" - |"),
                }
            }
            let exponent = counts.last_chunk::<2>().map(|[(u, a), (v, b)]| (b / a).ln() / (v / u).ln());
            writeln!(text, " {} |", exponent.map_or("-".to_owned(), |e| format!("{e:.2}")))?;
        }
    }
    text.push_str(END);
    let path = root().join("docs/performance.md");
    let old = std::fs::read_to_string(&path).unwrap_or_else(|_| format!("# Performance\n\n{BEGIN}\n{END}\n"));
    let (before, rest) = old.split_once(BEGIN).unwrap_or((&old, ""));
    let after = rest.split_once(END).map_or("\n", |(_, after)| after);
    std::fs::write(&path, format!("{before}{text}{after}")).with_context(|| path.display().to_string())
}

fn thousands(n: f64) -> String {
    let digits = format!("{n:.0}");
    let mut out = String::new();
    for (k, c) in digits.chars().enumerate() {
        if k > 0 && (digits.len() - k).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}
