//! `bench costs`: the costs that `elman inspect` estimates with. Each variant is counted alone in several sizes on every core, and a line
//! through the counts, in what tools/crates/verify/src/cost calls features, goes to costs.toml; models of the recipes' shapes are counted as
//! they are and go to counted.toml, against which a test holds the estimates.

use anyhow::{Context, Result};
use elman::Model;
use elman::blob::Blob;
use elman_emulator::Machines;
use elman_quant::synthetic::{self, Drive};
use elman_quant::{IntegerModel, words_of};
use elman_verify::cost::{CoreCost, features, shapes};
use elman_verify::{Bench, Options};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::process::ExitCode;

use super::count;
use elman_figures::root;

/// Arguments of `bench costs`.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// These variants alone, and models that have them; what is known of others stays
    #[arg(long, value_delimiter = ',')]
    pub variants: Vec<String>,
    /// Write tools/crates/verify/src/cost/costs.toml and counted.toml
    #[arg(long)]
    pub write: bool,
}

/// Inputs and units that are counted: where not all fit a core, as many as fit.
const SIZES: [(usize, usize); 13] = [
    (16, 16),
    (10, 32),
    (4, 48),
    (24, 24),
    (40, 64),
    (48, 12),
    (64, 96),
    (64, 208),
    (160, 32),
    (96, 256),
    (128, 128),
    (1, 8),
    (8, 1),
];
/// Elements, taps and stride of delay lines that are counted.
const LINES: [(usize, u16, u16); 5] = [(9, 4, 2), (32, 4, 4), (4, 12, 1), (16, 2, 3), (1, 8, 1)];
const HEAD: &str = "# Written by `cargo xtask bench costs --write`.\n";

/// Counts and fits, as many cores at a time as this machine has.
///
/// # Errors
/// Where a firmware cannot be built or run, or differs from the host.
pub fn run(args: &Args) -> Result<ExitCode> {
    let machines = Machines::find(None)?;
    let cores: Vec<&str> = machines.iter().map(|(core, _)| core).collect();
    let folder = root().join("tools/crates/verify/src/cost");
    let (mut costs, mut counted): (BTreeMap<String, CoreCost>, BTreeMap<String, BTreeMap<String, f64>>) =
        (BTreeMap::new(), BTreeMap::new());
    if !args.variants.is_empty() {
        costs = toml::from_str(&std::fs::read_to_string(folder.join("costs.toml"))?)?;
        counted = toml::from_str(&std::fs::read_to_string(folder.join("counted.toml"))?)?;
    }
    let one = |core: &&str| on_core(core, &args.variants, costs.get(*core).map(|known| known.columns));
    let found = cores.par_iter().map(one).collect::<Result<Vec<_>>>()?;
    for (core, (cost, counts)) in cores.iter().zip(found) {
        let known = costs.remove(*core).unwrap_or_default();
        let variants = known.variants.into_iter().chain(cost.variants).collect();
        costs.insert((*core).to_owned(), CoreCost { variants, ..cost });
        counted.entry((*core).to_owned()).or_default().extend(counts.into_iter().map(|(k, n)| (k.to_owned(), n)));
    }
    if args.write {
        std::fs::write(folder.join("costs.toml"), format!("{HEAD}{}", toml::to_string(&costs)?))?;
        std::fs::write(folder.join("counted.toml"), format!("{HEAD}{}", toml::to_string(&counted)?))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// By variant, a line and how far a count is from it at worst.
type Fits = BTreeMap<&'static str, ([f64; 3], f64)>;

/// Lines through the counts of each variant.
fn fits(core: &str, counts: &BTreeMap<&'static str, Vec<(IntegerModel, f64)>>, columns: usize) -> Result<Fits> {
    let mut fits = Fits::new();
    for (variant, counts) in counts {
        let points = counts.iter().map(|(model, n)| Ok((of(model, columns)?, *n))).collect::<Result<Vec<_>>>()?;
        let line = fit(&points).with_context(|| format!("{variant} on {core}: too few sizes"))?;
        let error = |(x, n): &([f64; 3], f64)| (predict(&line, x) / n - 1.0).abs();
        fits.insert(variant, (line, points.iter().map(error).fold(0.0, f64::max)));
    }
    Ok(fits)
}

/// The costs of these variants, or of all, on a core, and counts of the recipes' shapes by their names; `known` is how many columns
/// its kernels take at a time, where that is known.
fn on_core(core: &str, variants: &[String], known: Option<usize>) -> Result<(CoreCost, BTreeMap<&'static str, f64>)> {
    let asked = |name: &str| variants.is_empty() || variants.iter().any(|v| v == name);
    let bench = Bench::new(&Options::default(), core, None)?;
    let (narrow, wide) = (around(&bench, core, 16)?, around(&bench, core, 64)?);
    let copy = (wide - narrow) / 48.0;
    let rounded = |n: f64| (n * 1000.0).round() / 1000.0;
    let mut points = BTreeMap::new();
    for variant in elman::layer::all().flat_map(|s| s.variants).map(|v| v.name).filter(|name| asked(name)) {
        let mut of_sizes = Vec::new();
        for model in sizes(variant) {
            let frames = shapes::frames(&model, super::STEPS, 7);
            if let Some(report) = count(&bench, core, &model, frames)? {
                let copied = copy * model.layers[0].inputs as f64;
                of_sizes.push((model, report.instructions - copied));
            }
        }
        points.insert(variant, of_sizes);
    }
    // As many columns at a time as explain the counts best.
    let (four, eight) = (fits(core, &points, 4)?, fits(core, &points, 8)?);
    let worst = |fits: &Fits| fits.values().map(|(_, worst)| worst).sum::<f64>();
    let columns = known.unwrap_or(if worst(&four) <= worst(&eight) { 4 } else { 8 });
    let fits = if columns == 4 { four } else { eight };
    let mut cost =
        CoreCost { step: rounded(narrow - 16.0 * copy), copy: rounded(copy), columns, ..CoreCost::default() };
    for (variant, (line, worst)) in fits {
        let [fixed, unit, mac] = line;
        println!("{core:<5}{variant:<16}{fixed:>9.1}{unit:>9.2}{mac:>9.3}  within {:.1} %", 100.0 * worst);
        cost.variants.insert(variant.to_owned(), line.map(rounded));
    }
    let mut counts = BTreeMap::new();
    for recipe in shapes::recipes() {
        if !recipe.model.layers.iter().any(|layer| asked(&layer.variant)) {
            continue;
        }
        let frames = shapes::frames(&recipe.model, super::STEPS, 7);
        if let Some(report) = count(&bench, core, &recipe.model, frames)? {
            counts.insert(recipe.name, report.instructions.round());
        }
    }
    println!("{core:<5}{} recipes", counts.len());
    Ok((cost, counts))
}

/// Instructions of a step that no layer takes, and of copying a frame of `width`: what two models take more than one of both.
fn around(bench: &Bench, core: &str, width: usize) -> Result<f64> {
    let layers =
        [("lstm", 16, width), ("dense", width, 16)].map(|(v, i, u)| synthetic::layer(v, i, u, 15, Drive::Ordinary, 7));
    let counts = [&layers[..1], &layers[1..], &layers[..]].map(|layers| {
        let model = IntegerModel { layers: layers.to_vec(), ..Default::default() };
        let frames = synthetic::frames(layers[0].inputs, super::STEPS, 7);
        Ok(count(bench, core, &model, frames)?.context("no memory")?.instructions)
    });
    let [one, other, both]: [Result<f64>; 3] = counts;
    Ok(one? + other? - both?)
}

/// A variant alone, in all sizes that are counted.
fn sizes(variant: &str) -> Vec<IntegerModel> {
    if variant != "delay" {
        return SIZES.map(|(i, u)| synthetic::model(variant, i, u, 0, Drive::Ordinary, 7)).into();
    }
    let line = |(inputs, taps, stride): (usize, u16, u16)| {
        let mut model = synthetic::model(variant, inputs, 0, 0, Drive::Ordinary, 7);
        let layer = &mut model.layers[0];
        (layer.params, layer.units) = ([taps, stride, 0, 0], inputs * (usize::from(taps) + 1));
        model
    };
    LINES.map(line).into()
}

/// The features of a model of one layer.
fn of(model: &IntegerModel, columns: usize) -> Result<[f64; 3]> {
    let blob = model.to_blob()?;
    let words = words_of(&blob)?;
    let model = Model::load(Blob::new(&words)).map_err(|e| anyhow::anyhow!("{e}"))?;
    Ok(features(&model.layers()[0], columns))
}

fn predict(line: &[f64; 3], x: &[f64; 3]) -> f64 {
    line.iter().zip(x).map(|(c, x)| c * x).sum()
}

/// The line with the least squares of relative errors, by the normal equations; a feature that does not vary counts as 0.
fn fit(points: &[([f64; 3], f64)]) -> Option<[f64; 3]> {
    let varies = |k: usize| points.iter().any(|(x, _)| x[k] != points[0].0[k]);
    let used: Vec<usize> = (0..3).filter(|k| *k == 0 || varies(*k)).collect();
    if points.len() < used.len() {
        return None;
    }
    let n = used.len();
    let mut a = vec![vec![0.0; n + 1]; n];
    for (x, count) in points {
        for (row, i) in used.iter().enumerate() {
            for (column, j) in used.iter().enumerate() {
                a[row][column] += x[*i] * x[*j] / (count * count);
            }
            a[row][n] += x[*i] / count;
        }
    }
    for k in 0..n {
        let pivot = (k..n).max_by(|i, j| a[*i][k].abs().total_cmp(&a[*j][k].abs()))?;
        a.swap(k, pivot);
        if a[k][k].abs() < 1e-18 {
            return None;
        }
        for i in 0..n {
            if i != k {
                let (f, row) = (a[i][k] / a[k][k], a[k].clone());
                a[i].iter_mut().zip(row).for_each(|(x, y)| *x -= f * y);
            }
        }
    }
    let mut line = [0.0; 3];
    for (k, i) in used.iter().enumerate() {
        line[*i] = a[k][n] / a[k][k];
    }
    Some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_found_through_its_points() {
        let line = [100.0, 30.0, 14.0];
        let xs = [[1.0, 4.0, 20.0], [1.0, 8.0, 16.0], [1.0, 16.0, 200.0], [1.0, 3.0, 90.0]];
        let points: Vec<_> = xs.iter().map(|x| (*x, predict(&line, x))).collect();
        let found = fit(&points).unwrap();
        assert!(found.iter().zip(line).all(|(f, l)| (f - l).abs() < 1e-6), "{found:?}");
        // Blocks that do not vary.
        let flat: Vec<_> = [4.0, 9.0].map(|u| ([1.0, u, 0.0], 10.0 + 2.0 * u)).into();
        let found = fit(&flat).unwrap();
        assert!((found[0] - 10.0).abs() < 1e-6 && (found[1] - 2.0).abs() < 1e-6 && found[2] == 0.0);
    }
}
