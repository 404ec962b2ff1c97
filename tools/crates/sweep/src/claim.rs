//! Claims: which worker does what.

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::journal::Kind;
use crate::rank::standing;
use crate::worker::{Worker, locked};
use crate::{Job, Plan};

/// A worker, as a claim names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// Its name.
    pub worker: String,
    /// Where it runs.
    pub machine: String,
}

/// A job that is this worker's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The job.
    pub job: Job,
    /// How often it was taken over.
    pub number: u32,
}

/// What a worker does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// This job.
    Run(Claim),
    /// Nothing, while others work.
    Wait,
    /// Nothing: all is done.
    Finished,
}

impl Worker {
    /// Claims a job that nobody has, or whose worker is dead.
    ///
    /// # Errors
    /// Where the folder cannot be read or written.
    pub fn next(&self, plan: &Plan) -> Result<Next> {
        self.works_on(None);
        let standing = standing(plan, &self.folder.results()?);
        if standing.finished {
            return Ok(Next::Finished);
        }
        let claims = self.folder.claims()?;
        let from = (self.start * standing.open.len() as f64) as usize;
        let jobs = || standing.open.iter().cycle().skip(from).take(standing.open.len());
        // What nobody has comes first.
        for &job in jobs().filter(|job| !claims.contains_key(job)) {
            if let Some(claim) = self.take(job, 0, None)? {
                return Ok(Next::Run(claim));
            }
        }
        for &job in jobs() {
            let Some(&number) = claims.get(&job) else { continue };
            let owner = self.folder.owner(job, number)?;
            // What this worker could not do at once, it does now.
            if owner == self.owner {
                return Ok(Next::Run(self.working(Claim { job, number })));
            }
            let dead = locked(&self.beats).is_dead(&self.folder, &owner, &self.owner.machine);
            if dead && let Some(claim) = self.take(job, number + 1, Some(&owner))? {
                return Ok(Next::Run(claim));
            }
        }
        Ok(Next::Wait)
    }

    fn working(&self, claim: Claim) -> Claim {
        self.works_on(Some(&claim));
        claim
    }

    /// Tries to claim a job; `None` where another worker was faster, or has finished it meanwhile.
    fn take(&self, job: Job, number: u32, from: Option<&Owner>) -> Result<Option<Claim>> {
        if !self.folder.write_claim(job, number, &self.owner)? {
            return Ok(None);
        }
        // Its worker may have finished it and ended since the results were read.
        if self.folder.has_result(job) {
            return Ok(None);
        }
        let what = if from.is_some() { Kind::TookOver } else { Kind::Claimed };
        self.log(what, Some(job), from.map_or("", |owner| &owner.worker))?;
        Ok(Some(self.working(Claim { job, number })))
    }

    /// Writes the result of a claimed job. Whether it is the first: a job has one result.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn finish(&self, claim: Claim, outcome: &crate::Outcome) -> Result<bool> {
        let first = self.folder.write_result(claim.job, outcome)?;
        self.works_on(None);
        if first {
            let what = if outcome.failed.is_some() { Kind::Failed } else { Kind::Done };
            self.log(what, Some(claim.job), outcome.failed.clone().unwrap_or_default())?;
        }
        Ok(first)
    }
}
