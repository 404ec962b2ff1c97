//! Operations on the files of a project, each of which can be undone: a line of .studio/journal.jsonl for each, and what they
//! remove in .studio/trash.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::error::Fault;
use crate::project::{OWN, Project};

/// What was moved from where to where, as paths in the project. Without `from`, it was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Where it was.
    pub from: Option<PathBuf>,
    /// Where it is.
    pub to: PathBuf,
}

/// An operation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Operation {
    /// Its number, from 1.
    pub op: u64,
    /// When, in seconds since 1970.
    pub time: u64,
    /// What: add, move, exclude, include, delete, rename, class or run.
    pub what: String,
    /// The same as a sentence.
    pub text: String,
    /// Whether it was undone.
    #[serde(default)]
    pub undone: bool,
    steps: Vec<Step>,
}

/// An operation as the page gets it.
#[derive(Debug, Serialize)]
pub struct Shown<'a> {
    op: u64,
    time: u64,
    what: &'a str,
    text: &'a str,
    items: usize,
    undone: bool,
}

impl Operation {
    /// For the page.
    pub fn shown(&self) -> Shown<'_> {
        let Operation { op, time, what, text, undone, steps } = self;
        Shown { op: *op, time: *time, what, text, items: steps.len(), undone: *undone }
    }
}

/// Longest journal that is read, in bytes.
const MOST_BYTES: u64 = 256 << 20;

/// The operations of a project. One is done at a time.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    done: Mutex<Vec<Operation>>,
}

/// An operation that is being done: what it did so far is undone where a step fails.
#[derive(Debug)]
pub struct Doing<'a> {
    project: &'a Project,
    journal: &'a Journal,
    done: MutexGuard<'a, Vec<Operation>>,
    op: u64,
    steps: Vec<Step>,
}

impl Journal {
    /// Reads the journal of a project; lines that are none are left out.
    ///
    /// # Errors
    /// Where its folder cannot be made.
    pub fn open(project: &Project) -> Result<Journal, Fault> {
        let path = project.own("journal.jsonl")?;
        let whole = std::fs::metadata(&path).is_ok_and(|about| about.len() <= MOST_BYTES);
        let text = if whole { std::fs::read_to_string(&path).unwrap_or_default() } else { String::new() };
        let mut done: Vec<Operation> = Vec::new();
        for operation in text.lines().filter_map(|line| serde_json::from_str::<Operation>(line).ok()) {
            match done.iter_mut().find(|known| known.op == operation.op) {
                Some(known) => *known = operation,
                None => done.push(operation),
            }
        }
        Ok(Journal { path, done: Mutex::new(done) })
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Operation>> {
        self.done.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins an operation; others wait until it is finished or dropped.
    pub fn begin<'a>(&'a self, project: &'a Project) -> Doing<'a> {
        let done = self.lock();
        let op = done.iter().map(|known| known.op).max().unwrap_or(0) + 1;
        Doing { project, journal: self, done, op, steps: Vec::new() }
    }

    /// The last operations, newest first.
    pub fn last(&self, count: usize) -> Vec<Operation> {
        self.lock().iter().rev().take(count).cloned().collect()
    }

    fn write(&self, operation: &Operation) -> Result<(), Fault> {
        let line = serde_json::to_string(operation).map_err(anyhow::Error::from)?;
        let mut file = std::fs::OpenOptions::new().append(true).create(true).open(&self.path)?;
        Ok(writeln!(file, "{line}")?)
    }

    /// Undoes an operation, by default the last one that is not undone.
    ///
    /// # Errors
    /// Where there is none, or what it changed was changed again.
    pub fn undo(&self, project: &Project, op: Option<u64>) -> Result<Operation, Fault> {
        let mut done = self.lock();
        let wanted = |known: &&mut Operation| !known.undone && op.is_none_or(|op| op == known.op);
        let Some(operation) = done.iter_mut().rev().find(wanted) else {
            return Err(Fault::conflict("nothing-to-undo", "there is nothing to undo"));
        };
        let mut back: Vec<(PathBuf, PathBuf)> = Vec::new();
        for step in operation.steps.iter().rev() {
            let to = match &step.from {
                Some(from) => from.clone(),
                None => trash(operation.op, &step.to, "made"),
            };
            // Paths of a journal from elsewhere are checked like any other.
            if let Err(fault) = rename(project, &step.to, &to) {
                for (from, to) in back.iter().rev() {
                    // What was moved a moment ago has its place free.
                    let _ = rename(project, to, from);
                }
                let text = format!("cannot undo \"{}\": {}", operation.text, fault.text());
                return Err(Fault::conflict("in-the-way", text));
            }
            back.push((step.to.clone(), to));
        }
        operation.undone = true;
        let operation = operation.clone();
        self.write(&operation)?;
        Ok(operation)
    }
}

/// Where an operation puts what it removes.
fn trash(op: u64, path: &Path, what: &str) -> PathBuf {
    Path::new(OWN).join("trash").join(format!("{op}-{what}")).join(path)
}

/// Moves a file or folder of the project to a place that is free.
fn rename(project: &Project, from: &Path, to: &Path) -> Result<(), Fault> {
    let (from_full, to_full) = (project.inside(from)?, project.inside(to)?);
    if from_full.symlink_metadata().is_err() {
        return Err(Fault::conflict("gone", format!("{} is not there any more", from.display())));
    }
    if to_full.symlink_metadata().is_ok() {
        return Err(Fault::conflict("exists", format!("{} is there already", to.display())));
    }
    if let Some(folder) = to_full.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::rename(&from_full, to_full)?;
    tidy(from, &from_full);
    Ok(())
}

/// Removes the folder of what was moved where nothing is left in it: a reader of a corpus takes an empty class for a mistake.
fn tidy(path: &Path, full: &Path) {
    let of_a_class = path.components().count() > 2;
    if let Some(folder) = full.parent().filter(|_| of_a_class) {
        // One that is not empty stays.
        let _ = std::fs::remove_dir(folder);
    }
}

impl Doing<'_> {
    /// Moves a file or folder.
    ///
    /// # Errors
    /// Where it is not there, or its new place is taken.
    pub fn shift(&mut self, from: &Path, to: &Path) -> Result<(), Fault> {
        rename(self.project, from, to)?;
        self.steps.push(Step { from: Some(from.to_owned()), to: to.to_owned() });
        Ok(())
    }

    /// Moves a file or folder into the trash.
    ///
    /// # Errors
    /// Where it is not there.
    pub fn remove(&mut self, path: &Path) -> Result<(), Fault> {
        self.shift(path, &trash(self.op, path, "removed"))
    }

    /// Writes a file that was not there.
    ///
    /// # Errors
    /// Where it is there, or cannot be written.
    pub fn make(&mut self, path: &Path, bytes: &[u8]) -> Result<(), Fault> {
        let full = self.project.inside(path)?;
        if full.symlink_metadata().is_ok() {
            return Err(Fault::conflict("exists", format!("{} is there already", path.display())));
        }
        if let Some(folder) = full.parent() {
            std::fs::create_dir_all(folder)?;
        }
        elman_data::files::write_atomically(&full, bytes)?;
        self.steps.push(Step { from: None, to: path.to_owned() });
        Ok(())
    }

    /// Writes the operation down; its number.
    ///
    /// # Errors
    /// Where the journal cannot be written; then nothing was done.
    pub fn finish(mut self, what: &str, text: String) -> Result<u64, Fault> {
        let time = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |t| t.as_secs());
        let steps = self.steps.clone();
        let operation = Operation { op: self.op, time, what: what.to_owned(), text, undone: false, steps };
        self.journal.write(&operation)?;
        self.steps.clear();
        self.done.push(operation);
        Ok(self.op)
    }
}

impl Drop for Doing<'_> {
    fn drop(&mut self) {
        for step in self.steps.drain(..).rev() {
            let back = step.from.unwrap_or_else(|| trash(self.op, &step.to, "given-up"));
            // It was moved a moment ago, under the lock.
            let _ = rename(self.project, &step.to, &back);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project() -> (tempfile::TempDir, Project) {
        let dir = tempfile::tempdir().unwrap();
        let project = Project::open(dir.path()).unwrap();
        (dir, project)
    }

    fn read(project: &Project, path: &str) -> Option<String> {
        std::fs::read_to_string(project.root().join(path)).ok()
    }

    #[test]
    fn operations_are_undone_in_any_process() {
        let (_dir, project) = project();
        let journal = Journal::open(&project).unwrap();
        let path = Path::new("clips/yes/a.wav");
        let mut doing = journal.begin(&project);
        doing.make(path, b"one").unwrap();
        assert_eq!(doing.finish("add", "a".into()).unwrap(), 1);
        let mut doing = journal.begin(&project);
        doing.remove(path).unwrap();
        doing.make(path, b"two").unwrap();
        doing.finish("add", "taken again".into()).unwrap();
        assert_eq!(read(&project, "clips/yes/a.wav").as_deref(), Some("two"));
        let journal = Journal::open(&project).unwrap();
        assert_eq!(journal.undo(&project, None).unwrap().op, 2);
        assert_eq!(read(&project, "clips/yes/a.wav").as_deref(), Some("one"));
        assert_eq!(Journal::open(&project).unwrap().undo(&project, None).unwrap().op, 1);
        assert_eq!(read(&project, "clips/yes/a.wav"), None);
        let journal = Journal::open(&project).unwrap();
        assert_eq!(journal.undo(&project, None).unwrap_err().reason(), "nothing-to-undo");
        assert_eq!(journal.last(9).iter().map(|o| (o.op, o.undone)).collect::<Vec<_>>(), [(2, true), (1, true)]);
    }

    #[test]
    fn what_fails_half_way_is_as_before() {
        let (_dir, project) = project();
        let journal = Journal::open(&project).unwrap();
        for name in ["a", "b"] {
            let mut doing = journal.begin(&project);
            doing.make(&Path::new("clips/yes").join(name), name.as_bytes()).unwrap();
            doing.finish("add", name.into()).unwrap();
        }
        let mut doing = journal.begin(&project);
        doing.shift(Path::new("clips/yes/a"), Path::new("clips/no/a")).unwrap();
        assert_eq!(doing.shift(Path::new("clips/yes/c"), Path::new("clips/no/c")).unwrap_err().reason(), "gone");
        drop(doing);
        assert_eq!(read(&project, "clips/yes/a").as_deref(), Some("a"));
        // A file that has taken the place is not overwritten.
        let mut doing = journal.begin(&project);
        doing.shift(Path::new("clips/yes/a"), Path::new("clips/no/a")).unwrap();
        doing.finish("move", "a to no".into()).unwrap();
        std::fs::write(project.root().join("clips/yes/a"), "new").unwrap();
        assert_eq!(journal.undo(&project, None).unwrap_err().reason(), "in-the-way");
        assert_eq!(read(&project, "clips/yes/a").as_deref(), Some("new"));
    }

    #[test]
    fn a_journal_from_elsewhere_moves_nothing_out_of_the_project() {
        let (dir, project) = project();
        std::fs::write(project.root().join("mine"), "x").unwrap();
        let line = |from: &str| {
            format!(
                "{{\"op\":1,\"time\":0,\"what\":\"move\",\"text\":\"t\",\"steps\":[{{\"from\":\"{from}\",\"to\":\"mine\"}}]}}\n"
            )
        };
        for from in ["../out", "/tmp/elman-studio-out"] {
            std::fs::write(project.own("journal.jsonl").unwrap(), line(from)).unwrap();
            assert!(Journal::open(&project).unwrap().undo(&project, None).is_err());
        }
        assert!(dir.path().join("mine").exists());
    }
}
