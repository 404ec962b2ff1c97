//! The trainer's part of docs/performance.md: how time and memory of a training step grow.

use anyhow::Result;
use std::fmt::Write;

use super::ours::Ours;
use super::{Case, fastest};
use elman_figures as report;
use elman_nn::budget::Part;

const CELLS: [&str; 3] = ["srn", "gru", "lstm"];
const UNITS: [usize; 6] = [16, 32, 64, 128, 256, 512];
const STEPS: [usize; 5] = [10, 30, 100, 300, 1000];
const INPUTS: usize = 32;
const BATCH: usize = 32;

/// Milliseconds and bytes of a step, for each of some sizes.
fn measure(cell: &'static str, sizes: &[(usize, usize)]) -> Result<Vec<(f64, f64)>> {
    let of = |&(hidden, steps): &(usize, usize)| {
        let case = Case { cell, inputs: INPUTS, hidden, steps, batch: BATCH };
        let mut ours = Ours::new(&case, 1)?;
        let times = (0..3).map(|_| ours.measure(0.1)).collect::<Result<Vec<_>>>()?;
        Ok((fastest(times), ours.activation_bytes() as f64))
    };
    sizes.iter().map(of).collect()
}

/// p of y = a n^p, by least squares of the logarithms.
fn exponent(sizes: &[usize], values: &[f64]) -> f64 {
    let points: Vec<(f64, f64)> = sizes.iter().zip(values).map(|(n, y)| ((*n as f64).ln(), y.ln())).collect();
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / points.len() as f64;
    let (x, y) = (mean(|p| p.0), mean(|p| p.1));
    let over: f64 = points.iter().map(|p| (p.0 - x) * (p.1 - y)).sum();
    over / points.iter().map(|p| (p.0 - x).powi(2)).sum::<f64>()
}

/// Tables of one kind of size.
fn tables(text: &mut String, what: &str, sizes: &[usize], shape: impl Fn(usize) -> (usize, usize)) -> Result<()> {
    let shapes: Vec<(usize, usize)> = sizes.iter().map(|n| shape(*n)).collect();
    write!(text, "\n| {what} |")?;
    sizes.iter().try_for_each(|n| write!(text, " {n} |"))?;
    write!(text, " exponent |\n|---|{}\n", "---|".repeat(sizes.len() + 1))?;
    for cell in CELLS {
        let (times, bytes): (Vec<f64>, Vec<f64>) = measure(cell, &shapes)?.into_iter().unzip();
        write!(text, "| {cell}, ms |")?;
        times.iter().try_for_each(|t| write!(text, " {t:.3} |"))?;
        write!(text, " {:.2} |\n| {cell}, MB |", exponent(sizes, &times))?;
        bytes.iter().try_for_each(|b| write!(text, " {:.2} |", b / 1024.0 / 1024.0))?;
        writeln!(text, " {:.2} |", exponent(sizes, &bytes))?;
    }
    Ok(())
}

/// Measures, and writes the part.
///
/// # Errors
/// Where a case does not train, or the file cannot be written.
pub fn write() -> Result<()> {
    let mut text = format!(
        "## Training\n\nWritten by `cargo xtask bench train --write-docs`: a step of full BPTT and Adam, one thread, {INPUTS} \
         inputs, {BATCH}\nsequences; milliseconds of processor time, and memory of the activations with their gradients. \
         The exponent is that of a\npower law through all sizes: products with U grow with the square of the units and \
         linearly with the steps, everything\nelse linearly with either.\n"
    );
    tables(&mut text, "units, 100 steps", &UNITS, |units| (units, 100))?;
    tables(&mut text, "steps, 64 units", &STEPS, |steps| (64, steps))?;
    write!(text, "\nWhere the time of a step goes, in %, with the shapes of `bench train`:\n\n|")?;
    Part::ALL.iter().try_for_each(|part| write!(text, " | {}", format!("{part:?}").to_lowercase()))?;
    writeln!(text, " | rest |\n|---|{}", "---|".repeat(Part::ALL.len() + 1))?;
    for case in Case::all() {
        write!(text, "| {}", case.name())?;
        let shares = Ours::new(&case, 1)?.shares(0.5)?;
        shares.iter().try_for_each(|share| write!(text, " | {:.0}", 100.0 * share))?;
        writeln!(text, " |")?;
    }
    report::write_part("docs/performance.md", "training", &text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponents_of_powers() {
        let sizes = [16, 32, 64, 128];
        for p in [0.0, 1.0, 1.7, 2.0] {
            let values = sizes.map(|n| 3.0 * (n as f64).powf(p));
            assert!((exponent(&sizes, &values) - p).abs() < 1e-9);
        }
    }
}
