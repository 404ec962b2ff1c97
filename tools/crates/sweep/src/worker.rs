//! A worker: its heartbeat and its lock.

use std::collections::HashMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Seek, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result};

use crate::claim::{Claim, Owner};
use crate::journal::{Journal, Kind};
use crate::{Job, SweepFolder};

/// What others need to know to see whether a worker is alive.
#[derive(Debug)]
pub struct Worker {
    pub(crate) folder: SweepFolder,
    pub(crate) owner: Owner,
    pub(crate) beats: Mutex<Beats>,
    journal: Mutex<Journal>,
    state: Arc<State>,
    /// Where it begins to look for jobs, as a share of all.
    pub(crate) start: f64,
}

#[derive(Debug, Default)]
struct State {
    /// What it works on.
    claim: Mutex<Option<(Job, u32)>>,
    ended: AtomicBool,
}

/// Also where a thread panicked: what is kept here is whole at any time.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// This machine, as long as it runs: its name and, on Linux, a number that every start draws.
fn machine() -> String {
    #[cfg(unix)]
    let name = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok());
    #[cfg(not(unix))]
    let name = std::env::var("COMPUTERNAME").ok();
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
    let name: String = name.unwrap_or_else(|| "host".to_owned()).chars().map(plain).collect();
    format!("{name}.{}", boot.split('-').next().unwrap_or_default().trim())
}

/// The place of this process among the workers of a Slurm array or a Kubernetes indexed job, from 0, and their number where it is
/// known.
fn place(variable: impl Fn(&str) -> Option<String>) -> Option<(usize, Option<usize>)> {
    let number = |name: &str| variable(name)?.trim().parse::<usize>().ok();
    let slurm = || {
        let first = number("SLURM_ARRAY_TASK_MIN").unwrap_or(0);
        Some((number("SLURM_ARRAY_TASK_ID")?.saturating_sub(first), number("SLURM_ARRAY_TASK_COUNT")))
    };
    slurm().or_else(|| Some((number("JOB_COMPLETION_INDEX")?, None)))
}

impl Worker {
    /// A worker that is alive from here on. `lost` is called from another thread where somebody took over what it works on, as its
    /// heartbeat had stopped for `stale`: it must end at once.
    ///
    /// # Errors
    /// Where its files cannot be written.
    pub fn begin(
        folder: &SweepFolder,
        stale: Duration,
        machine_name: Option<String>,
        lost: impl Fn(Job) + Send + 'static,
    ) -> Result<Self> {
        let machine = machine_name.unwrap_or_else(machine);
        let place = place(|name| std::env::var(name).ok());
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |t| t.as_micros());
        let of_job = place.map_or(String::new(), |(index, _)| format!("-{index}"));
        let id = format!("{machine}{of_job}-{}-{now:x}", std::process::id());
        let path = folder.worker(&id);
        let file = OpenOptions::new().write(true).create_new(true).open(&path);
        let mut file = file.with_context(|| format!("cannot create {}", path.display()))?;
        // A file system without locks: the heartbeat must do.
        let _ = file.try_lock();
        beat(&mut file, 0).with_context(|| format!("cannot write {}", path.display()))?;
        let mut journal = Journal::create(&folder.journal(&id))?;
        journal.add(Kind::Began, String::new(), String::new())?;
        let state = Arc::new(State::default());
        heart(folder.clone(), Arc::clone(&state), (file, path), stale / 5, lost);
        // Workers whose number is not known begin at places far apart: shares of the golden ratio.
        let start = place.map_or(0.0, |(index, count)| match count {
            Some(count) => (index as f64 / count.max(1) as f64).fract(),
            None => (index as f64 * 0.618_033_988_749_894_9).fract(),
        });
        let owner = Owner { worker: id, machine };
        let (beats, journal) = (Mutex::new(Beats::new(stale)), Mutex::new(journal));
        Ok(Worker { folder: folder.clone(), owner, beats, journal, state, start })
    }

    /// Its name.
    pub fn id(&self) -> &str {
        &self.owner.worker
    }

    /// Adds to the journal.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn log(&self, what: Kind, job: Option<Job>, note: impl Into<String>) -> Result<()> {
        locked(&self.journal).add(what, job.map_or(String::new(), |j| j.to_string()), note.into())
    }

    pub(crate) fn works_on(&self, claim: Option<&Claim>) {
        *locked(&self.state.claim) = claim.map(|c| (c.job, c.number));
    }

    /// Ends it: its claims are free at once.
    pub fn end(&self) {
        if !self.state.ended.swap(true, Ordering::SeqCst) {
            // A journal that cannot be written is no reason to stay.
            let _ = self.log(Kind::Ended, None, "");
            let _ = std::fs::remove_file(self.folder.worker(self.id()));
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.end();
    }
}

fn beat(file: &mut File, count: u64) -> std::io::Result<()> {
    file.rewind()?;
    writeln!(file, "{count:020}")
}

/// Writes another number now and then, and looks whether what is worked on was taken over.
fn heart(
    folder: SweepFolder,
    state: Arc<State>,
    (mut file, path): (File, PathBuf),
    every: Duration,
    lost: impl Fn(Job) + Send + 'static,
) {
    std::thread::spawn(move || {
        let mut count = 0;
        while !state.ended.load(Ordering::SeqCst) {
            let claim = *locked(&state.claim);
            if let Some((job, number)) = claim
                && folder.is_taken_over(job, number)
            {
                lost(job);
            }
            count += 1;
            // Where it cannot be written for long, others take over, and that is seen above.
            if let Err(e) = beat(&mut file, count) {
                eprintln!("note: the heartbeat {} cannot be written: {e}", path.display());
            }
            std::thread::sleep(every);
        }
    });
}

/// The heartbeats of others, as this process saw them.
#[derive(Debug)]
pub struct Beats {
    stale: Duration,
    seen: HashMap<String, (Vec<u8>, Instant)>,
}

impl Beats {
    /// Those that do not change for `stale` are dead.
    pub fn new(stale: Duration) -> Self {
        Beats { stale, seen: HashMap::new() }
    }

    /// Whether a worker is dead, as one on `machine` sees it.
    pub(crate) fn is_dead(&mut self, folder: &SweepFolder, owner: &Owner, machine: &str) -> bool {
        let path = folder.worker(&owner.worker);
        let content = match std::fs::read(&path) {
            Ok(content) => content,
            Err(e) => return e.kind() == std::io::ErrorKind::NotFound,
        };
        if owner.machine == machine {
            // The system frees the lock of a process however it ends.
            match File::open(&path).map(|file| file.try_lock_shared()) {
                Ok(Ok(())) => return true,
                Ok(Err(TryLockError::WouldBlock)) => return false,
                _ => {}
            }
        }
        let last = self.seen.entry(owner.worker.clone()).or_insert_with(|| (content.clone(), Instant::now()));
        if last.0 != content {
            *last = (content, Instant::now());
        }
        last.1.elapsed() >= self.stale
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slurm_and_kubernetes_say_which_worker_this_is() {
        let of = |set: &[(&str, &str)]| {
            place(|name| set.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned()))
        };
        assert_eq!(of(&[]), None);
        let array = [("SLURM_ARRAY_TASK_ID", "5"), ("SLURM_ARRAY_TASK_MIN", "1"), ("SLURM_ARRAY_TASK_COUNT", "8")];
        assert_eq!(of(&array), Some((4, Some(8))));
        assert_eq!(of(&[("JOB_COMPLETION_INDEX", "3")]), Some((3, None)));
        assert_eq!(of(&[("JOB_COMPLETION_INDEX", "x")]), None);
    }
}
