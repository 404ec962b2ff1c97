//! `bench build`: what a user waits for. From nothing until the demo has run, and after a change until `elman` is there again.
//!
//! Everything runs in a copy of the repository, with an empty cargo home and a target folder of its own; nothing of the user's is
//! touched. Whether training has become slower with a build that has become faster is what `bench train` shows.

mod sandbox;
mod timed;

use anyhow::{Context, Result, ensure};
use elman_figures::{Figures, Output};
use std::process::ExitCode;

use crate::flags::{Flags, unknown};
use sandbox::Sandbox;
use timed::Spent;
pub use timed::of_children;

/// Flags of `bench build`.
pub const FLAGS: &str = "  \
      --only PART  Only demo, command, layer, first-line or test; test is measured only where it is named
      --check      Fail where a figure is worse than its target in targets.toml
      --json       One JSON object on stdout instead of text";

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// `cargo xtask --help` from nothing, until it says something.
    FirstLine,
    /// `cargo xtask demo` from nothing.
    Demo,
    /// `elman` again, after a change in a subcommand.
    Command,
    /// The same, after a change in a layer.
    Layer,
    /// `cargo xtask test` from nothing.
    Test,
}

const PARTS: &[(&str, Part)] = &[
    ("first-line", Part::FirstLine),
    ("demo", Part::Demo),
    ("command", Part::Command),
    ("layer", Part::Layer),
    ("test", Part::Test),
];

/// Subcommands that are changed: a text that they print.
const COMMANDS: &[&str] = &["tools/src/cmd/inspect.rs", "tools/src/cmd/train.rs"];
/// Layers that are changed: the first function of theirs that runs forward.
const LAYERS: &[&str] = &["tools/crates/nn/src/layer/dense.rs", "tools/crates/nn/src/layer/delay.rs"];
const ELMAN: &[&str] = &["build", "--release", "--package", "elman-tools"];

/// Measures, prints and checks.
///
/// # Errors
/// Where a flag is wrong, the copy cannot be made or something does not build.
pub fn run(mut flags: Flags) -> Result<ExitCode> {
    let (mut output, mut only) = (Output::default(), None);
    while let Some(name) = flags.next()? {
        match name.as_str() {
            "json" => output.json = true,
            "check" => output.check = true,
            "only" => {
                let part: String = flags.value()?;
                let found = PARTS.iter().find(|(name, _)| *name == part);
                only = Some(found.with_context(|| format!("there is no part `{part}`"))?.1);
            }
            _ => return Err(unknown(&name)),
        }
    }
    let wanted = |part| only.map_or(part != Part::Test, |only| only == part);
    let mut figures = Figures::new("build");
    if wanted(Part::FirstLine) {
        let spent = Sandbox::new()?.cargo(&["xtask", "--help"])?;
        add(&mut figures, "first-line", "first line of `cargo xtask`, from nothing", spent, |s| s.first_line);
    }
    let sandbox = Sandbox::new()?;
    if wanted(Part::Demo) {
        let spent = sandbox.cargo(&["xtask", "demo", "--yes"])?;
        add(&mut figures, "demo", "`cargo xtask demo`, from nothing", spent, |s| s.wall);
        figures.add("demo-cpu", spent.cpu);
    }
    if wanted(Part::Command) || wanted(Part::Layer) {
        sandbox.cargo(ELMAN)?;
    }
    if wanted(Part::Command) {
        let spent = slowest(&sandbox, COMMANDS, |text| text.replacen("format!(\"", "format!(\"~", 1))?;
        add(&mut figures, "command", "`elman` after a change in a subcommand", spent, |s| s.wall);
    }
    if wanted(Part::Layer) {
        let spent = slowest(&sandbox, LAYERS, changed_layer)?;
        add(&mut figures, "layer", "`elman` after a change in a layer", spent, |s| s.wall);
    }
    if wanted(Part::Test) {
        let spent = Sandbox::new()?.cargo(&["xtask", "test", "--yes"])?;
        add(&mut figures, "test", "`cargo xtask test`, from nothing", spent, |s| s.wall);
    }
    figures.line("Training speed is `cargo xtask bench train`: run it before and after a change of profiles.");
    if only.is_some() { figures.finish_some(&output) } else { figures.finish(&output) }
}

fn add(figures: &mut Figures, name: &str, what: &str, spent: Spent, seconds: fn(Spent) -> f64) {
    let time = seconds(spent);
    figures.add(name, time);
    figures.line(format!("{what:<46} {time:>7.1} s   {:>7.1} s of processor time", spent.cpu));
}

/// Changes one file after the other and builds `elman` after each; the slowest.
fn slowest(sandbox: &Sandbox, files: &[&str], change: fn(&str) -> String) -> Result<Spent> {
    let mut most = Spent::default();
    for file in files {
        sandbox.change(file, change)?;
        let spent = sandbox.cargo(ELMAN)?;
        if spent.wall > most.wall {
            most = spent;
        }
    }
    ensure!(most.wall > 0.0, "nothing was built");
    Ok(most)
}

/// A layer whose forward pass does something more, which the compiler may not leave out.
fn changed_layer(text: &str) -> String {
    let Some(body) = text.find("fn forward").and_then(|at| text[at..].find("{\n").map(|brace| at + brace + 2)) else {
        return text.to_owned();
    };
    format!("{}        std::hint::black_box(1);\n{}", &text[..body], &text[body..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use elman_figures::root;

    #[test]
    fn the_files_that_are_changed_are_there_and_change() {
        for (files, change) in [
            (COMMANDS, (|t| t.replacen("format!(\"", "format!(\"~", 1)) as fn(&str) -> String),
            (LAYERS, changed_layer),
        ] {
            for file in files {
                let text = std::fs::read_to_string(root().join(file)).unwrap();
                assert_ne!(change(&text), text, "{file}");
            }
        }
    }
}
