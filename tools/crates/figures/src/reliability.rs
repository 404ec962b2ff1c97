//! docs/reliability.toml: what is promised, and the last figure that shows it; the table in docs/reliability.md, made from it.

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::fmt::Write;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::{root, write_part};

const DATA: &str = "docs/reliability.toml";
const PAGE: &str = "docs/reliability.md";

/// A promise and its last figure.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Promise {
    /// By which a verb finds it.
    pub name: String,
    /// What holds.
    pub promise: String,
    /// What shows it.
    pub evidence: String,
    /// What runs it.
    pub command: String,
    /// What does not follow from it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub not_promised: String,
    /// What the last whole run found; written by the command.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub figure: String,
    /// Its day.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub measured: String,
    /// The last commit that had changed what was measured.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub commit: String,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Promises {
    promise: Vec<Promise>,
}

/// A promise whose command has run.
#[derive(Debug)]
pub struct Record {
    name: &'static str,
    commit: String,
}

impl Record {
    /// Of a run that measured the files and folders `of`.
    ///
    /// # Errors
    /// Where git does not say when these were last changed.
    pub fn of(name: &'static str, of: &[&str]) -> Result<Self> {
        Ok(Record { name, commit: last_change(of)? })
    }

    /// Writes the figure to docs/reliability.toml, and the table that is made from it.
    ///
    /// # Errors
    /// Where the promise is not in the file, or a file cannot be read or written.
    pub fn write(&self, figure: &str) -> Result<()> {
        let mut all = read()?;
        let promise = all.promise.iter_mut().find(|p| p.name == self.name);
        let promise = promise.with_context(|| format!("{DATA} has no promise `{}`", self.name))?;
        figure.clone_into(&mut promise.figure);
        promise.measured = today()?;
        promise.commit.clone_from(&self.commit);
        std::fs::write(root().join(DATA), toml::to_string(&all)?).context(DATA)?;
        render()
    }
}

/// Writes the table of docs/reliability.md from docs/reliability.toml.
///
/// # Errors
/// Where a file cannot be read or written.
pub fn render() -> Result<()> {
    write_part(PAGE, "promises", &table(&read()?))
}

fn read() -> Result<Promises> {
    let text = std::fs::read_to_string(root().join(DATA)).context(DATA)?;
    toml::from_str(&text).context(DATA)
}

fn table(all: &Promises) -> String {
    let mut text = "| promise | evidence | command | last figure | measured |\n|---|---|---|---|---|\n".to_owned();
    for p in &all.promise {
        let (figure, measured) = match p.figure.is_empty() {
            true => ("not recorded: the command says".to_owned(), String::new()),
            false => (p.figure.clone(), format!("{}, {}", p.measured, p.commit)),
        };
        // Writing to a string does not fail.
        let _ = writeln!(text, "| {} | {} | {} | {figure} | {measured} |", p.promise, p.evidence, p.command);
    }
    text.push_str("\nNot promised:\n\n");
    for p in all.promise.iter().filter(|p| !p.not_promised.is_empty()) {
        let _ = writeln!(text, "- {}", p.not_promised);
    }
    text
}

/// The last commit that changed one of these files and folders.
///
/// # Errors
/// Where git does not say.
pub fn last_change(of: &[&str]) -> Result<String> {
    let mut git = Command::new("git");
    let output = git.args(["log", "-1", "--format=%h", "--"]).args(of).current_dir(root()).output().context("git")?;
    let commit = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    anyhow::ensure!(
        output.status.success() && !commit.is_empty(),
        "git does not say what last changed {}",
        of.join(", ")
    );
    Ok(commit)
}

/// Today's date, of UTC.
///
/// # Errors
/// Where the clock is before 1970.
pub fn today() -> Result<String> {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock")?.as_secs();
    Ok(date(seconds / 86_400))
}

/// The date of a day after 1970-01-01, in the Gregorian calendar: years begin in March, so that the leap day ends one.
fn date(days: u64) -> String {
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    format!("{:04}-{month:02}-{day:02}", year + 400 * era + u64::from(month <= 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_the_table_of_the_data() {
        let page = std::fs::read_to_string(root().join(PAGE)).unwrap();
        assert!(page.contains(table(&read().unwrap()).trim_end()), "write {PAGE} again: cargo xtask reliability");
    }

    #[test]
    fn days_are_dates() {
        let dates = [0, 59, 10_956, 11_016, 11_017, 19_782, 20_785].map(date);
        let known = ["1970-01-01", "1970-03-01", "1999-12-31", "2000-02-29", "2000-03-01", "2024-02-29", "2026-11-28"];
        assert_eq!(dates, known);
    }

    #[test]
    fn a_promise_without_a_figure_says_so() {
        let one = Promise { name: "a".into(), promise: "P".into(), not_promised: "N".into(), ..Promise::default() };
        let two = Promise { figure: "7".into(), measured: "2026-01-01".into(), commit: "abc".into(), ..one.clone() };
        let text = table(&Promises { promise: vec![one, two] });
        assert!(text.contains("| P |  |  | not recorded: the command says |  |"), "{text}");
        assert!(text.contains("| P |  |  | 7 | 2026-01-01, abc |") && text.ends_with("- N\n- N\n"), "{text}");
    }
}
