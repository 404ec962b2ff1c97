//! Which jobs of a sweep there are, given the results so far.

use std::collections::HashMap;

use crate::{Job, Outcome, Plan};

/// How far a sweep is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Jobs without a result that can be run now.
    pub open: Vec<Job>,
    /// Jobs with a result.
    pub done: usize,
    /// Whether no job is left, now or later.
    pub finished: bool,
}

/// The jobs without a result, and whether the sweep is finished. A rung begins when the one before it has all results, so that who
/// goes on does not depend on which worker was faster.
pub fn standing(plan: &Plan, results: &HashMap<Job, Outcome>) -> Standing {
    let mut settings: Vec<usize> = (0..plan.settings.len()).collect();
    let mut done = 0;
    for rung in 0..plan.rung_count() {
        let of_rung = |setting: &usize| {
            let trials = plan.trials.iter().enumerate().filter(move |(_, t)| t.setting == *setting);
            trials.map(move |(trial, _)| Job { rung, trial }).collect::<Vec<_>>()
        };
        let jobs: Vec<Job> = settings.iter().flat_map(of_rung).collect();
        let open: Vec<Job> = jobs.iter().filter(|job| !results.contains_key(job)).copied().collect();
        done += jobs.len() - open.len();
        if !open.is_empty() {
            return Standing { open, done, finished: false };
        }
        let mut ranked: Vec<(f64, usize)> = settings
            .iter()
            .map(|s| (mean_score(&of_rung(s), results), *s))
            .filter(|(score, _)| score.is_finite())
            .collect();
        ranked.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        settings = ranked.into_iter().take(plan.settings_in(rung + 1)).map(|(_, setting)| setting).collect();
        settings.sort_unstable();
    }
    Standing { open: Vec::new(), done, finished: true }
}

/// Mean over the seeds; infinite where one failed.
fn mean_score(jobs: &[Job], results: &HashMap<Job, Outcome>) -> f64 {
    let scores = jobs.iter().map(|job| results.get(job).and_then(|r| r.score).unwrap_or(f64::INFINITY));
    scores.sum::<f64>() / jobs.len().max(1) as f64
}
