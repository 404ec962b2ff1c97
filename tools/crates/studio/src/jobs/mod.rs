//! Long work: commands of this very program as child processes, so that the page never waits, and a killed server loses nothing
//! that the command line would not have kept.
//!
//! What a child prints goes to files, not to pipes: it goes on where the server ends.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use serde_json::value::RawValue;

mod job;
mod process;

pub use job::{Job, Progress, State, Task};
use job::{active, now};
pub use process::interrupt;
use process::{counted, spawn, tail};

use crate::error::Fault;
use crate::feed::Feed;
use crate::project::Project;

/// Jobs that are kept for the list.
const KEPT: usize = 200;
/// How often a child is looked after.
const TICK: Duration = Duration::from_millis(60);
/// Most jobs that may wait.
const MOST_WAITING: usize = 100;

/// All jobs of a server.
#[derive(Debug)]
pub struct Jobs {
    exe: PathBuf,
    project: Project,
    feed: Arc<Feed>,
    list: Mutex<List>,
    /// Rung when a job ends.
    ended: Condvar,
}

#[derive(Debug, Default)]
struct List {
    jobs: BTreeMap<u64, Job>,
    last: u64,
    /// Whether the server ends.
    closing: bool,
}

impl Jobs {
    /// None yet.
    pub fn new(exe: PathBuf, project: Project, feed: Arc<Feed>) -> Arc<Jobs> {
        Arc::new(Jobs { exe, project, feed, list: Mutex::default(), ended: Condvar::new() })
    }

    /// The program that runs them.
    pub fn exe(&self) -> &Path {
        &self.exe
    }

    fn list(&self) -> MutexGuard<'_, List> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tasks one after the other; the first one's job. Where one fails, those after it are not done.
    ///
    /// # Errors
    /// Where the run has a job already, or too many wait.
    pub fn start(self: &Arc<Self>, tasks: Vec<Task>) -> Result<Job, Fault> {
        let ids = self.enter(&tasks)?;
        let first = ids.first().map(|id| self.get(*id));
        let jobs = Arc::clone(self);
        std::thread::Builder::new().name("job".into()).spawn(move || jobs.chain(tasks, ids))?;
        first.unwrap_or_else(|| Err(Fault::bad("there is nothing to do")))
    }

    /// Puts tasks on the list; their numbers.
    fn enter(&self, tasks: &[Task]) -> Result<Vec<u64>, Fault> {
        let mut list = self.list();
        if list.closing || list.jobs.values().filter(|job| job.state == State::Waiting).count() > MOST_WAITING {
            return Err(Fault::conflict("busy", "too much is waiting already; cancel some of it"));
        }
        for task in tasks {
            let busy = |job: &&Job| job.run.is_some() && job.run == task.run && active(job);
            if let Some(job) = list.jobs.values().find(busy) {
                let text =
                    format!("the run is busy ({}, job {}); wait until it has ended, or cancel it", job.kind, job.id);
                return Err(Fault::conflict("busy", text));
            }
        }
        let mut ids = Vec::new();
        for task in tasks {
            list.last += 1;
            let job = Job::new(list.last, task);
            self.feed.add("job", &job);
            ids.push(job.id);
            list.jobs.insert(job.id, job);
        }
        while list.jobs.len() > KEPT {
            let old = list.jobs.iter().find(|(_, job)| !active(job)).map(|(id, _)| *id);
            let Some(old) = old else { break };
            list.jobs.remove(&old);
        }
        Ok(ids)
    }

    /// Work in this process, which tells how far it is.
    ///
    /// # Errors
    /// As [`Jobs::start`].
    pub fn work(
        self: &Arc<Self>,
        task: Task,
        work: impl FnOnce(&(dyn Fn(u64, u64) + Sync)) -> Result<(), Fault> + Send + 'static,
    ) -> Result<Job, Fault> {
        let ids = self.enter(std::slice::from_ref(&task))?;
        let Some(id) = ids.first().copied() else { return Err(Fault::bad("there is nothing to do")) };
        let (first, jobs) = (self.get(id), Arc::clone(self));
        std::thread::Builder::new().name("work".into()).spawn(move || {
            jobs.change(id, |job| job.state = State::Running);
            let last = Mutex::new(std::time::Instant::now());
            let told = work(&|done, total| {
                let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
                if last.elapsed() > Duration::from_millis(200) || done == total {
                    *last = std::time::Instant::now();
                    jobs.progress(id, Progress { done, total, text: String::new(), seconds_left: None });
                }
            });
            let error = told.err().map(|fault| fault.text().to_owned());
            jobs.change(id, |job| {
                job.state = if error.is_some() { State::Failed } else { State::Done };
                (job.ended, job.error) = (Some(now()), error);
            });
        })?;
        first
    }

    fn chain(&self, tasks: Vec<Task>, ids: Vec<u64>) {
        let mut well = true;
        for (task, id) in tasks.into_iter().zip(ids) {
            well = well && self.wait_for_turn(id) && self.run(id, &task);
            if !well {
                self.change(id, |job| {
                    if active(job) {
                        (job.state, job.ended) = (State::Cancelled, Some(now()));
                    }
                });
            }
        }
    }

    /// Waits until no other job of its kind runs: two trainings would only slow each other down. False where it is cancelled.
    fn wait_for_turn(&self, id: u64) -> bool {
        let mut list = self.list();
        loop {
            let Some(job) = list.jobs.get(&id) else { return false };
            if job.ending || list.closing {
                return false;
            }
            let heavy = |job: &Job| matches!(job.kind, "train" | "synth");
            let other = |other: &&Job| other.state == State::Running && heavy(other) && heavy(job);
            if list.jobs.values().find(other).is_none() {
                if let Some(job) = list.jobs.get_mut(&id) {
                    (job.state, job.started) = (State::Running, now());
                    self.feed.add("job", &*job);
                }
                return true;
            }
            list = self
                .ended
                .wait_timeout(list, Duration::from_secs(1))
                .map_or_else(|e| e.into_inner().0, |(list, _)| list);
        }
    }

    /// Changes a job and tells the tabs.
    fn change(&self, id: u64, change: impl FnOnce(&mut Job)) {
        let mut list = self.list();
        let Some(job) = list.jobs.get_mut(&id) else { return };
        change(job);
        let ended = !active(job);
        self.feed.add("job", &*job);
        drop(list);
        if ended {
            self.ended.notify_all();
        }
    }

    /// Runs a command to its end; whether it ended well.
    fn run(&self, id: u64, task: &Task) -> bool {
        let (mut child, [out, log]) = match spawn(&self.exe, &self.project, id, &task.args) {
            Ok(spawned) => spawned,
            Err(fault) => {
                let text = format!("the command could not be started: {}", fault.text());
                self.change(id, |job| (job.state, job.ended, job.error) = (State::Failed, Some(now()), Some(text)));
                return false;
            }
        };
        let (mut asked, mut seen) = (false, 0);
        let status = loop {
            match child.try_wait() {
                Ok(Some(status)) => break Some(status),
                Ok(None) => {}
                Err(_) => break None,
            }
            if !asked && self.list().jobs.get(&id).is_none_or(|job| job.ending) {
                asked = true;
                if interrupt(child.id()).is_err() {
                    let _ = child.kill();
                }
            }
            let length = std::fs::metadata(&log).map_or(0, |about| about.len());
            if length != seen {
                seen = length;
                self.show(id, tail(&log));
            }
            std::thread::sleep(TICK);
        };
        let lines = tail(&log);
        let well = status.is_some_and(|status| status.success());
        let printed = std::fs::read_to_string(&out).unwrap_or_default();
        let result = printed.lines().last().and_then(|line| RawValue::from_string(line.to_owned()).ok());
        let said = lines.iter().rev().find_map(|line| line.strip_prefix("error: ")).map(str::to_owned);
        let _ = std::fs::remove_file(&out);
        self.change(id, |job| {
            job.state = match (well, asked) {
                (true, _) => State::Done,
                (false, true) => State::Cancelled,
                (false, false) => State::Failed,
            };
            job.error =
                (!well).then(|| said.unwrap_or_else(|| "the command ended without a word; its log may say why".into()));
            (job.ended, job.log, job.result) = (Some(now()), lines, result);
        });
        well
    }

    /// What a running job printed.
    fn show(&self, id: u64, lines: Vec<String>) {
        let text = lines.last().cloned().unwrap_or_default();
        let (done, total) = counted(&text).unwrap_or((0, 0));
        if let Some(job) = self.list().jobs.get_mut(&id) {
            job.log = lines;
        }
        self.progress(id, Progress { done, total, text, seconds_left: None });
    }

    /// How far a running job is.
    fn progress(&self, id: u64, mut progress: Progress) {
        #[derive(Serialize)]
        struct Shown<'a> {
            job: u64,
            #[serde(flatten)]
            progress: &'a Progress,
        }
        let mut list = self.list();
        let Some(job) = list.jobs.get_mut(&id) else { return };
        let begun = now().saturating_sub(job.started) as f64;
        let left = |share: f64| (begun * (1.0 - share) / share).round();
        let share = progress.done as f64 / progress.total.max(1) as f64;
        progress.seconds_left = (share > 0.0 && begun > 1.0).then(|| left(share));
        self.feed.add("progress", &Shown { job: id, progress: &progress });
        job.progress = Some(progress);
    }

    /// All jobs, newest first.
    pub fn all(&self) -> Vec<Job> {
        self.list().jobs.values().rev().cloned().collect()
    }

    /// A job.
    ///
    /// # Errors
    /// Where there is none of this number.
    pub fn get(&self, id: u64) -> Result<Job, Fault> {
        self.list().jobs.get(&id).cloned().ok_or_else(|| Fault::not_found(format!("there is no job {id} any more")))
    }

    /// The job of a run that is not over.
    pub fn of_run(&self, run: &str) -> Option<Job> {
        self.list().jobs.values().find(|job| job.run.as_deref() == Some(run) && active(job)).cloned()
    }

    /// The last job of a run.
    pub fn last_of_run(&self, run: &str) -> Option<Job> {
        self.list().jobs.values().rev().find(|job| job.run.as_deref() == Some(run)).cloned()
    }

    /// Lets a job end, and those of its run that wait.
    ///
    /// # Errors
    /// Where there is none of this number.
    pub fn cancel(&self, id: u64) -> Result<Job, Fault> {
        let run = self.get(id)?.run;
        let mut list = self.list();
        for job in list.jobs.values_mut().filter(|job| job.id == id || (run.is_some() && job.run == run)) {
            job.ending |= active(job);
        }
        drop(list);
        self.ended.notify_all();
        self.get(id)
    }

    /// Waits until a run has no job any more; whether that came in time.
    pub fn wait(&self, run: &str, most: Duration) -> bool {
        let begun = std::time::Instant::now();
        while self.of_run(run).is_some() {
            if begun.elapsed() > most {
                return false;
            }
            std::thread::sleep(TICK);
        }
        true
    }

    /// Asks all children to end, and waits for them a while: what trains can be resumed.
    pub fn close(&self) {
        let mut list = self.list();
        list.closing = true;
        list.jobs.values_mut().for_each(|job| job.ending = true);
        drop(list);
        self.ended.notify_all();
        let begun = std::time::Instant::now();
        while self.list().jobs.values().any(active) && begun.elapsed() < Duration::from_secs(5) {
            std::thread::sleep(TICK);
        }
    }
}
