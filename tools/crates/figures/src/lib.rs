//! Figures: printed, as JSON, and checked against targets.toml.
#![forbid(unsafe_code)]

pub mod reliability;

use anyhow::{Context, Result};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// How figures are put out.
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(feature = "clap", derive(clap::Args))]
pub struct Output {
    /// One JSON object on stdout instead of text
    #[cfg_attr(feature = "clap", arg(long))]
    pub json: bool,
    /// Fail where a figure is worse than its target in targets.toml
    #[cfg_attr(feature = "clap", arg(long))]
    pub check: bool,
}

/// The repository's root.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(3).unwrap_or(here).to_owned()
}

/// Puts text between `<!-- NAME:begin -->` and `<!-- NAME:end -->` of a file of docs; where the file or the marks are not
/// there, they are made at its end.
///
/// # Errors
/// Where the file cannot be written.
pub fn write_part(file: &str, name: &str, text: &str) -> Result<()> {
    let path = root().join(file);
    let old = std::fs::read_to_string(&path).unwrap_or_default();
    std::fs::write(&path, with_part(&old, name, text)).with_context(|| path.display().to_string())
}

fn with_part(old: &str, name: &str, text: &str) -> String {
    let (begin, end) = (format!("<!-- {name}:begin -->"), format!("<!-- {name}:end -->"));
    let part = format!("{begin}\n{}\n{end}", text.trim_end());
    match old.split_once(&begin).and_then(|(before, rest)| Some((before, rest.split_once(&end)?.1))) {
        Some((before, after)) => format!("{before}{part}{after}"),
        None => format!("{}\n\n{part}\n", old.trim_end()).trim_start().to_owned(),
    }
}

/// Figures of one verb, by name, and the text that shows them.
#[derive(Debug)]
pub struct Figures {
    /// Table in targets.toml.
    verb: &'static str,
    figures: BTreeMap<String, f64>,
    text: String,
}

/// A figure's target: it may not be above `most` (below `least`); one that is better by more than `noise`
/// (a fraction of it) asks for the target to be tightened.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Target {
    most: Option<f64>,
    least: Option<f64>,
    #[serde(default = "noise")]
    noise: f64,
}

fn noise() -> f64 {
    0.02
}

enum Verdict {
    Kept,
    Better,
    Worse,
}

impl Target {
    fn check(&self, figure: f64) -> Verdict {
        let worse = self.most.is_some_and(|m| figure > m) || self.least.is_some_and(|l| figure < l);
        let better = self.most.is_some_and(|m| figure < m * (1.0 - self.noise))
            || self.least.is_some_and(|l| figure > l * (1.0 + self.noise));
        match (worse, better) {
            (true, _) => Verdict::Worse,
            (false, true) => Verdict::Better,
            (false, false) => Verdict::Kept,
        }
    }
}

impl Figures {
    /// No figures yet.
    pub fn new(verb: &'static str) -> Self {
        Figures { verb, figures: BTreeMap::new(), text: String::new() }
    }

    /// Adds a figure.
    pub fn add(&mut self, name: impl Into<String>, figure: f64) {
        self.figures.insert(name.into(), figure);
    }

    /// Adds a line of text.
    pub fn line(&mut self, line: impl AsRef<str>) {
        self.text.push_str(line.as_ref());
        self.text.push('\n');
    }

    /// Prints the figures and, where asked to, checks them.
    ///
    /// # Errors
    /// Where targets.toml cannot be read.
    pub fn finish(self, output: &Output) -> Result<ExitCode> {
        self.end(output, true)
    }

    /// As [`Figures::finish`], where only some of the figures were asked for: a target without a figure is no failure.
    ///
    /// # Errors
    /// As there.
    pub fn finish_some(self, output: &Output) -> Result<ExitCode> {
        self.end(output, false)
    }

    fn end(self, output: &Output, all: bool) -> Result<ExitCode> {
        if output.json {
            println!("{}", serde_json::json!({ "verb": self.verb, "figures": self.figures }));
        } else {
            print!("{}", self.text);
        }
        if !output.check {
            return Ok(ExitCode::SUCCESS);
        }
        let targets = targets()?;
        let table = targets.get(self.verb).with_context(|| format!("targets.toml has no table [{}]", self.verb))?;
        let (mut worse, mut skipped) = (0, 0);
        for (name, target) in table {
            let Some(figure) = self.figures.get(name) else {
                if !all {
                    skipped += 1;
                    continue;
                }
                eprintln!("check: {name} is in targets.toml but was not measured");
                worse += 1;
                continue;
            };
            let limit = target.most.or(target.least).unwrap_or_default();
            match target.check(*figure) {
                Verdict::Kept => {}
                Verdict::Better => eprintln!("check: {name} is {figure}, better than {limit}: tighten the target"),
                Verdict::Worse => {
                    eprintln!("check: {name} is {figure}, worse than its target {limit}");
                    worse += 1;
                }
            }
        }
        eprintln!("check: {} of {} targets kept", table.len() - skipped - worse, table.len() - skipped);
        Ok(if worse == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn targets() -> Result<BTreeMap<String, BTreeMap<String, Target>>> {
    let path = root().join("targets.toml");
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    toml::from_str(&text).with_context(|| path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_put_between_their_marks() {
        let first = with_part("# Title\n", "a", "one\n");
        assert_eq!(first, "# Title\n\n<!-- a:begin -->\none\n<!-- a:end -->\n");
        let both = with_part(&first, "b", "two");
        assert_eq!(with_part(&both, "a", "three"), both.replace("one", "three"));
        assert_eq!(with_part("", "a", "one"), "<!-- a:begin -->\none\n<!-- a:end -->\n");
    }

    #[test]
    fn targets_are_readable_and_work_in_both_directions() {
        assert!(targets().unwrap().contains_key("bench-mcu"));
        let most = Target { most: Some(100.0), least: None, noise: 0.02 };
        assert!(matches!(most.check(101.0), Verdict::Worse));
        assert!(matches!(most.check(99.0), Verdict::Kept));
        assert!(matches!(most.check(97.0), Verdict::Better));
        let least = Target { most: None, least: Some(100.0), noise: 0.02 };
        assert!(matches!(least.check(99.0), Verdict::Worse));
        assert!(matches!(least.check(103.0), Verdict::Better));
    }
}
