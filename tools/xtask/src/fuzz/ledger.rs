//! tests/fuzz/ledger.csv: a line for each run of a target, and its sums in docs/reliability.md.

use anyhow::{Context, Result, ensure};
use elman_figures::reliability::{Record, last_change, today};
use elman_figures::{root, write_part};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

/// What is fuzzed.
const SOURCES: [&str; 5] = ["src", "boards/slots", "boards/messages", "tools/crates", "tests/fuzz/src"];
const HEAD: &str = "date,commit,target,seconds,executions,corpus,findings";

/// A run of a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    date: String,
    commit: String,
    target: String,
    seconds: u64,
    executions: u64,
    corpus: usize,
    findings: u32,
}

/// Sums over the runs of a target.
#[derive(Clone, Debug, Default)]
struct Sum {
    runs: u32,
    seconds: u64,
    executions: u64,
    corpus: usize,
    findings: u32,
    last: String,
}

fn path() -> PathBuf {
    root().join("tests/fuzz/ledger.csv")
}

impl Line {
    /// Of a run that ends now.
    ///
    /// # Errors
    /// Where git does not say which commit this is.
    pub fn now(target: &str, seconds: u64, executions: u64, corpus: usize, found: bool) -> Result<Self> {
        let (date, commit) = (today()?, last_change(&SOURCES)?);
        let target = target.to_owned();
        Ok(Line { date, commit, target, seconds, executions, corpus, findings: found.into() })
    }

    /// Writes it at the end of the ledger.
    ///
    /// # Errors
    /// Where the ledger cannot be written.
    pub fn append(&self) -> Result<()> {
        let mut text = std::fs::read_to_string(path()).unwrap_or_else(|_| format!("{HEAD}\n"));
        let Line { date, commit, target, seconds, executions, corpus, findings } = self;
        writeln!(text, "{date},{commit},{target},{seconds},{executions},{corpus},{findings}")?;
        std::fs::write(path(), text).context("tests/fuzz/ledger.csv")
    }

    fn parse(text: &str) -> Option<Self> {
        let mut fields = text.split(',');
        let mut next = || fields.next();
        Some(Line {
            date: next()?.to_owned(),
            commit: next()?.to_owned(),
            target: next()?.to_owned(),
            seconds: next()?.parse().ok()?,
            executions: next()?.parse().ok()?,
            corpus: next()?.parse().ok()?,
            findings: next()?.parse().ok()?,
        })
    }
}

/// All lines of a ledger.
fn lines(text: &str) -> Result<Vec<Line>> {
    let mut lines = text.lines();
    ensure!(lines.next() == Some(HEAD), "tests/fuzz/ledger.csv does not begin with `{HEAD}`");
    lines
        .enumerate()
        .map(|(k, l)| Line::parse(l).with_context(|| format!("tests/fuzz/ledger.csv, line {}", k + 2)))
        .collect()
}

/// The sums as a table.
fn table(lines: &[Line]) -> String {
    let mut sums = BTreeMap::<&str, Sum>::new();
    for line in lines {
        let sum = sums.entry(&line.target).or_default();
        sum.runs += 1;
        sum.seconds += line.seconds;
        sum.executions += line.executions;
        sum.findings += line.findings;
        sum.corpus = line.corpus;
        sum.last.clone_from(&line.date);
    }
    let mut text =
        "| target | runs | hours | executions | corpus | findings | last run |\n|---|---|---|---|---|---|---|\n"
            .to_owned();
    for (target, s) in &sums {
        let (hours, executions) = (s.seconds as f64 / 3600.0, grouped(s.executions));
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "| `{target}` | {} | {hours:.2} | {executions} | {} | {} | {} |",
            s.runs, s.corpus, s.findings, s.last
        );
    }
    text
}

fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let groups: Vec<&str> = digits.as_bytes().rchunks(3).rev().filter_map(|g| std::str::from_utf8(g).ok()).collect();
    groups.join(",")
}

/// Writes the table and the figures of docs/reliability.md from the ledger.
///
/// # Errors
/// Where a file cannot be read or written.
pub fn render() -> Result<()> {
    let lines = lines(&std::fs::read_to_string(path()).context("tests/fuzz/ledger.csv")?)?;
    write_part("docs/reliability.md", "fuzzing", &table(&lines))?;
    let models = ["graph", "listen", "load", "models", "round_trip", "seq2seq", "step", "tree"];
    let (of_models, of_files): (Vec<&Line>, _) = lines.iter().partition(|l| models.contains(&l.target.as_str()));
    for (name, lines) in [("hostile-models", of_models), ("hostile-files", of_files)] {
        if !lines.is_empty() {
            let executions: u64 = lines.iter().map(|l| l.executions).sum();
            let findings: u32 = lines.iter().map(|l| l.findings).sum();
            let figure = format!("{} executions, {findings} with findings", grouped(executions));
            Record::of(name, &SOURCES)?.write(&figure)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "date,commit,target,seconds,executions,corpus,findings\n2026-01-01,abc,load,60,1234567,8,0\n\
        2026-01-02,abd,load,60,10,9,1\n";

    #[test]
    fn runs_are_summed() {
        let table = table(&lines(TEXT).unwrap());
        assert!(table.ends_with("| `load` | 2 | 0.03 | 1,234,577 | 9 | 1 | 2026-01-02 |\n"), "{table}");
    }

    #[test]
    fn a_broken_ledger_says_where() {
        assert!(lines("other\n").is_err());
        let error = lines(&TEXT.replace(",10,", ",x,")).unwrap_err().to_string();
        assert!(error.ends_with("line 3"), "{error}");
    }

    #[test]
    fn the_page_has_the_sums_of_the_ledger() {
        let page = std::fs::read_to_string(root().join("docs/reliability.md")).unwrap();
        let ledger = std::fs::read_to_string(path()).unwrap();
        assert!(page.contains(table(&lines(&ledger).unwrap()).trim_end()), "cargo xtask fuzz --ledger writes it");
    }
}
