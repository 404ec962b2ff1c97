//! `elman sweep report`: what settings reached, and what they take.

use std::collections::HashMap;

use anyhow::Result;
use serde::Serialize;

use crate::ui::{Ui, thousands};
use elman_data::files::write_atomically;
use elman_report::{Fact, Scatter, Table, on_frontier, overview};
use elman_sweep::{Cost, Job, Kind, Outcome, Plan, Row, Spread, SweepFolder, rows, standing};

/// Settings that the terminal shows.
const SHOWN: usize = 20;

/// The report of a sweep.
#[derive(Debug, Serialize)]
struct Report<'a> {
    /// The keys of the settings.
    keys: &'a [String],
    /// Jobs.
    jobs: usize,
    /// Those with a result.
    done: usize,
    /// Whether none is left.
    finished: bool,
    /// Jobs that failed.
    failed: usize,
    /// Jobs that were taken over from a worker that was dead.
    taken_over: usize,
    /// Settings, the best first.
    settings: Vec<Line>,
    /// Each trial, rung by rung.
    trials: Vec<&'a Outcome>,
}

/// A setting, and whether it is on a frontier.
#[derive(Debug, Serialize)]
struct Line {
    #[serde(flatten)]
    row: Row,
    /// Whether no other setting is at least as good in at most as much flash.
    flash_frontier: bool,
    /// Whether none is at at most as many instructions.
    instructions_frontier: bool,
}

impl Line {
    /// Marks of the frontiers.
    fn marks(&self) -> String {
        let mark = |on: bool, text| if on { text } else { "" };
        format!("{}{}", mark(self.flash_frontier, "**"), mark(self.instructions_frontier, "*"))
    }
}

fn lines(rows: Vec<Row>) -> Vec<Line> {
    let points = |cost: fn(&Cost) -> f64| -> Vec<(f64, f64)> {
        rows.iter().filter_map(|r| Some((cost(&r.cost?), r.merit()?))).collect()
    };
    let (of_flash, of_work) = (|c: &Cost| c.flash_bytes as f64, |c: &Cost| c.instructions as f64);
    let (flash, work) = (points(of_flash), points(of_work));
    let on = |row: &Row, cost: fn(&Cost) -> f64, all: &[(f64, f64)]| {
        row.cost.zip(row.merit()).is_some_and(|(c, merit)| on_frontier((cost(&c), merit), all))
    };
    let mark = |row: &Row| (on(row, of_flash, &flash), on(row, of_work, &work));
    let marks: Vec<(bool, bool)> = rows.iter().map(mark).collect();
    let line = |(row, (flash_frontier, instructions_frontier))| Line { row, flash_frontier, instructions_frontier };
    rows.into_iter().zip(marks).map(line).collect()
}

/// Prints the results so far, and writes report.html and report.json into the folder.
pub(super) fn show(folder: &SweepFolder, ui: Ui) -> Result<()> {
    let (plan, results) = (folder.plan()?, folder.results()?);
    let standing = standing(&plan, &results);
    let events = folder.events()?;
    let taken_over = events.iter().flat_map(|(_, events)| events).filter(|e| e.what == Kind::TookOver).count();
    let report = Report {
        keys: &plan.keys,
        jobs: plan.jobs(),
        done: standing.done,
        finished: standing.finished,
        failed: results.values().filter(|r| r.failed.is_some()).count(),
        taken_over,
        settings: lines(rows(&plan, &results)),
        trials: ordered(&results),
    };
    let place = |name: &str| folder.path().join(name);
    write_atomically(&place("report.json"), &serde_json::to_vec_pretty(&report)?)?;
    write_atomically(&place("report.html"), html(folder, &plan, &report).as_bytes())?;
    let state =
        if report.finished { "finished".to_owned() } else { format!("{} of {} jobs done", report.done, report.jobs) };
    ui.line(format!(
        "{}: {state}, {} failed, {} taken over from workers that were dead",
        folder.path().display(),
        report.failed,
        report.taken_over
    ));
    for line in report.settings.iter().take(SHOWN) {
        ui.line(text(&plan, line));
    }
    if report.settings.len() > SHOWN {
        ui.line(format!("and {} settings more, in {}", report.settings.len() - SHOWN, place("report.html").display()));
    }
    if let Some(why) = report.trials.iter().find_map(|t| t.failed.as_ref().map(|why| (t.trial, why))) {
        ui.line(format!("trial {} failed: {}", why.0, why.1));
    }
    if report.settings.iter().any(|l| l.row.cost.is_some()) {
        ui.line(
            "** no setting is as good in as little flash, * none at as few instructions (an estimate) on a Cortex-M4",
        );
    }
    ui.result(&report)
}

fn ordered(results: &HashMap<Job, Outcome>) -> Vec<&Outcome> {
    let mut all: Vec<(&Job, &Outcome)> = results.iter().collect();
    all.sort_by_key(|(job, _)| **job);
    all.into_iter().map(|(_, outcome)| outcome).collect()
}

/// A mean with its spread, as a percentage where it is a share.
fn spread(value: Option<Spread>, share: bool) -> String {
    let Some(Spread { mean, deviation, count }) = value else { return "-".to_owned() };
    let (mean, deviation, unit, digits) =
        if share { (100.0 * mean, 100.0 * deviation, " %", 2) } else { (mean, deviation, "", 4) };
    match count {
        1 => format!("{mean:.digits$}{unit}"),
        _ => format!("{mean:.digits$} ± {deviation:.digits$}{unit}"),
    }
}

fn text(plan: &Plan, line: &Line) -> String {
    let row = &line.row;
    let name = plan.setting_text(row.setting);
    let failed = if row.failed > 0 { format!(", {} failed", row.failed) } else { String::new() };
    match (row.rung, row.integer, row.cost) {
        (None, ..) => format!("       -  {name}"),
        (_, Some(_), Some(cost)) => format!(
            "{:>3} {} {}   test {}   {:>8} B   {:>8} instructions a step   {name}{failed}",
            line.marks(),
            row.figure,
            spread(row.integer, row.share),
            spread(row.test, row.share),
            thousands(cost.flash_bytes as u64),
            thousands(cost.instructions),
        ),
        _ => format!("    after {} epochs {}   {name}{failed}", row.epochs, spread(row.score, false)),
    }
}

fn html(folder: &SweepFolder, plan: &Plan, report: &Report<'_>) -> String {
    let name = folder.path().file_name().map_or("sweep".into(), |n| n.to_string_lossy());
    let facts = [
        Fact::new("settings", plan.settings.len(), ""),
        Fact::new("seeds", plan.seeds(), ""),
        Fact::new("jobs done", report.done, format!("of {}", report.jobs)),
        Fact::new("failed", report.failed, ""),
        Fact::new("taken over", report.taken_over, "").with_note("from workers that were dead"),
    ];
    let share = report.settings.iter().any(|l| l.row.share);
    let unit = if share { ", %" } else { "" };
    let figure = report.settings.iter().map(|l| l.row.figure.as_str()).find(|f| !f.is_empty()).unwrap_or("figure");
    let chart = |x_name: &str, cost: fn(&Cost) -> f64, on: fn(&Line) -> bool| Scatter {
        title: format!("{figure} of the integers{unit}"),
        x_name: x_name.to_owned(),
        points: report
            .settings
            .iter()
            .filter_map(|l| {
                let value = l.row.integer?.mean * if share { 100.0 } else { 1.0 };
                Some((cost(&l.row.cost?), value, plan.setting_text(l.row.setting), on(l)))
            })
            .collect(),
    };
    let charts = [
        chart("flash, bytes", |c| c.flash_bytes as f64, |l| l.flash_frontier),
        chart("M4 instructions a step, estimate", |c| c.instructions as f64, |l| l.instructions_frontier),
    ];
    let mut header = plan.keys.clone();
    let columns =
        ["", "epochs", "score", "float", "integers", "test", "flash, B", "RAM, B", "M4 instructions", "failed"];
    header.extend(columns.map(str::to_owned));
    let row = |l: &Line| {
        let r = &l.row;
        let of = |f: fn(&Cost) -> u64| r.cost.map_or("-".to_owned(), |c| thousands(f(&c)));
        let mut cells = r.values.clone();
        cells.extend([
            l.marks(),
            r.epochs.to_string(),
            spread(r.score, false),
            spread(r.float, r.share),
            spread(r.integer, r.share),
            spread(r.test, r.share),
            of(|c| c.flash_bytes as u64),
            of(|c| c.ram_bytes as u64),
            of(|c| c.instructions),
            r.failed.to_string(),
        ]);
        cells
    };
    let first = plan.keys.len();
    let settings = Table {
        title: "Settings, the best first; ** on the frontier of flash, * of instructions; mean ± standard deviation over seeds".to_owned(),
        header,
        numbers: (first + 1..first + columns.len()).collect(),
        rows: report.settings.iter().map(row).collect(),
    };
    let failures = Table {
        title: "Failures".to_owned(),
        header: ["trial", "rung", "why"].map(str::to_owned).to_vec(),
        numbers: vec![0, 1],
        rows: report
            .trials
            .iter()
            .filter_map(|t| Some(vec![t.trial.to_string(), t.rung.to_string(), t.failed.clone()?]))
            .collect(),
    };
    overview(&name, &facts, &charts, &[settings, failures], &plan.recipe)
}
