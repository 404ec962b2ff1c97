//! Settings with the mean and spread of their seeds.

use std::collections::HashMap;

use serde::Serialize;

use crate::{Cost, Job, Outcome, Plan};

/// Mean and standard deviation of some values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Spread {
    /// Mean.
    pub mean: f64,
    /// Standard deviation of the sample, with n - 1; 0 of a single value.
    pub deviation: f64,
    /// Values.
    pub count: usize,
}

impl Spread {
    /// Of these; `None` where there are none.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let values: Vec<f64> = values.into_iter().collect();
        if values.is_empty() {
            return None;
        }
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let squares = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>();
        Some(Spread { mean, deviation: (squares / (n - 1.0).max(1.0)).sqrt(), count: values.len() })
    }
}

/// A setting of a sweep.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// Its number.
    pub setting: usize,
    /// The values of the keys, as TOML.
    pub values: Vec<String>,
    /// The last rung that all its seeds have reached, from 0; `None` where none is done.
    pub rung: Option<usize>,
    /// Epochs done there, of the seed with the most.
    pub epochs: usize,
    /// Trials there that failed.
    pub failed: usize,
    /// Name of the figure; empty before the last rung.
    pub figure: String,
    /// Whether it is a share, of which more is better.
    pub share: bool,
    /// By what settings are compared before the last rung; smaller is better.
    pub score: Option<Spread>,
    /// The figure of the float network on the validation split.
    pub float: Option<Spread>,
    /// Of the integers there.
    pub integer: Option<Spread>,
    /// Of the integers on the test split.
    pub test: Option<Spread>,
    /// What the largest of its models takes.
    pub cost: Option<Cost>,
}

impl Row {
    /// The figure of the integers, so that more is better.
    pub fn merit(&self) -> Option<f64> {
        self.integer.map(|i| if self.share { i.mean } else { -i.mean })
    }
}

/// All settings, the best first.
pub fn rows(plan: &Plan, results: &HashMap<Job, Outcome>) -> Vec<Row> {
    let mut rows: Vec<Row> = (0..plan.settings.len()).map(|setting| row(plan, results, setting)).collect();
    // By the rung that was reached, then by the integers' figure, then by the score.
    let key = |row: &Row| {
        let merit = row.merit().unwrap_or(f64::NEG_INFINITY);
        (row.rung.map_or(0, |r| r + 1), merit, -row.score.map_or(f64::INFINITY, |s| s.mean))
    };
    rows.sort_by(|a, b| {
        let (a, b) = (key(a), key(b));
        b.0.cmp(&a.0).then(b.1.total_cmp(&a.1)).then(b.2.total_cmp(&a.2))
    });
    rows
}

fn row(plan: &Plan, results: &HashMap<Job, Outcome>, setting: usize) -> Row {
    let trials = || plan.trials.iter().enumerate().filter(|(_, t)| t.setting == setting).map(|(trial, _)| trial);
    let of = |rung: usize| trials().map(|trial| results.get(&Job { rung, trial })).collect::<Option<Vec<&Outcome>>>();
    let last = (0..plan.rung_count()).rev().find_map(|rung| Some((rung, of(rung)?)));
    let (rung, outcomes) = last.map_or((None, Vec::new()), |(rung, outcomes)| (Some(rung), outcomes));
    let spread = |value: fn(&Outcome) -> Option<f64>| Spread::of(outcomes.iter().filter_map(|o| value(o)));
    let good = outcomes.iter().find(|o| !o.figure.is_empty());
    Row {
        setting,
        values: plan.settings[setting].clone(),
        rung,
        epochs: outcomes.iter().map(|o| o.epochs).max().unwrap_or(0),
        failed: outcomes.iter().filter(|o| o.failed.is_some()).count(),
        figure: good.map_or(String::new(), |o| o.figure.clone()),
        share: good.is_some_and(|o| o.share),
        score: spread(|o| o.score),
        float: spread(|o| o.float),
        integer: spread(|o| o.integer),
        test: spread(|o| o.test),
        cost: outcomes.iter().filter_map(|o| o.cost).max_by_key(|c| (c.flash_bytes, c.instructions)),
    }
}
