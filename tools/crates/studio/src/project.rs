//! The project folder: which names are allowed, and where their files are. Nothing outside it is read or written.
//!
//! | path | what |
//! |---|---|
//! | clips/CLASS/NAME.wav | the corpus of sound, as `elman train --data clips` reads it |
//! | tables/CLASS/NAME.csv | series and gestures, an example a file |
//! | recordings/ | long recordings with label files |
//! | recipes/NAME.toml | recipes of the user |
//! | runs/NAME/ | run folders |
//! | excluded/clips/CLASS/NAME | what is left out |
//! | .studio/ | journal, trash, logs of jobs, caches |

use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::error::Fault;

/// Background noise, which is a folder among the classes.
pub const BACKGROUND: &str = "_background_noise_";
/// Folder of what is the studio's own.
pub const OWN: &str = ".studio";

/// What examples are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Recordings.
    #[default]
    Clips,
    /// Tables of readings.
    Tables,
}

impl Kind {
    /// The name of its folder.
    pub fn folder(self) -> &'static str {
        match self {
            Kind::Clips => "clips",
            Kind::Tables => "tables",
        }
    }

    /// Of its name.
    ///
    /// # Errors
    /// Where it is another.
    pub fn named(name: &str) -> Result<Kind, Fault> {
        match name {
            "" | "clips" => Ok(Kind::Clips),
            "tables" => Ok(Kind::Tables),
            other => Err(Fault::bad(format!("the kind {other:?} is none: there are clips and tables"))),
        }
    }
}

/// Where examples are: those in use, and those left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Area {
    /// What they are.
    pub kind: Kind,
    /// Whether they are left out.
    pub excluded: bool,
}

impl Area {
    /// All areas.
    pub const ALL: [Area; 4] = [
        Area { kind: Kind::Clips, excluded: false },
        Area { kind: Kind::Tables, excluded: false },
        Area { kind: Kind::Clips, excluded: true },
        Area { kind: Kind::Tables, excluded: true },
    ];

    /// Its folder in the project.
    pub fn folder(self) -> PathBuf {
        let base = if self.excluded { Path::new("excluded") } else { Path::new("") };
        base.join(self.kind.folder())
    }
}

/// Longest name of a class, a file or a run, in characters.
const MOST_CHARACTERS: usize = 100;

/// A name that is one part of a path.
///
/// # Errors
/// Where it is none, with what is wrong.
pub fn part(name: &str) -> Result<&str, Fault> {
    let n = name.chars().count();
    let windows = |c: char| cfg!(windows) && matches!(c, ':' | '*' | '?' | '"' | '<' | '>' | '|');
    let wrong = |c: char| matches!(c, '/' | '\\') || c.is_control() || windows(c);
    let why = if n == 0 || n > MOST_CHARACTERS {
        format!("it has {n} characters, and 1 to {MOST_CHARACTERS} are allowed")
    } else if name.starts_with('.') || name.ends_with(['.', ' ']) || name.starts_with(' ') {
        "it begins with a dot or a blank, or ends with one".to_owned()
    } else if let Some(c) = name.chars().find(|c| wrong(*c)) {
        format!("it contains {c:?}")
    } else {
        return Ok(name);
    };
    Err(Fault::bad(format!("{name:?} cannot be a name here: {why}; use letters, digits, - and _")))
}

/// A name that a class may have.
///
/// # Errors
/// As [`part`], and where it begins as folders do that are no labels.
pub fn class(name: &str) -> Result<&str, Fault> {
    part(name)?;
    match name.starts_with('_') && name != BACKGROUND {
        true => {
            Err(Fault::bad(format!("{name:?} cannot be a class: names that begin with _ are not read; choose another")))
        }
        false => Ok(name),
    }
}

/// A project folder.
#[derive(Clone, Debug)]
pub struct Project {
    root: PathBuf,
}

impl Project {
    /// The folder, which is made where it is not there.
    ///
    /// # Errors
    /// Where it cannot be made, or is no folder.
    pub fn open(folder: &Path) -> Result<Project> {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
        let root = folder.canonicalize().with_context(|| format!("cannot open {}", folder.display()))?;
        ensure!(root.is_dir(), "{} is no folder", root.display());
        Ok(Project { root })
    }

    /// Where it is.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A path in the project, from one that is relative to it. Neither it nor, where it is not there, the nearest folder above it
    /// that is there leads out of the project through a link.
    ///
    /// # Errors
    /// Where it does.
    pub fn inside(&self, path: &Path) -> Result<PathBuf, Fault> {
        let out = || {
            Fault::forbidden(format!(
                "{} leads out of the project folder; only files in {} can be used",
                path.display(),
                self.root.display()
            ))
        };
        if !path.components().all(|c| matches!(c, Component::Normal(_))) {
            return Err(out());
        }
        let full = self.root.join(path);
        let there = full.ancestors().find(|p| p.symlink_metadata().is_ok()).ok_or_else(out)?;
        let real = there.canonicalize().map_err(|_| out())?;
        if real.starts_with(&self.root) { Ok(full) } else { Err(out()) }
    }

    /// The folder of a class.
    ///
    /// # Errors
    /// Where the name is none, or it leads out of the project.
    pub fn class(&self, area: Area, name: &str) -> Result<PathBuf, Fault> {
        self.inside(&area.folder().join(class(name)?))
    }

    /// The file of an example.
    ///
    /// # Errors
    /// As [`Project::class`].
    pub fn example(&self, area: Area, of: &str, name: &str) -> Result<PathBuf, Fault> {
        self.inside(&area.folder().join(class(of)?).join(part(name)?))
    }

    /// The file of an example that is there.
    ///
    /// # Errors
    /// As [`Project::example`], and where it is not.
    pub fn existing(&self, area: Area, of: &str, name: &str) -> Result<PathBuf, Fault> {
        let path = self.example(area, of, name)?;
        match path.is_file() {
            true => Ok(path),
            false => Err(Fault::not_found(format!("there is no {name} in {of}; it was moved or removed meanwhile"))),
        }
    }

    /// The file, in the project, that says that there is a class without examples: a reader of a corpus takes an empty folder for a
    /// mistake.
    ///
    /// # Errors
    /// Where the name is none.
    pub fn marker(&self, kind: Kind, name: &str) -> Result<PathBuf, Fault> {
        Ok(Path::new(OWN).join("classes").join(kind.folder()).join(class(name)?))
    }

    /// The folder of a run, whether it is there or not.
    ///
    /// # Errors
    /// Where the name is none, or it leads out of the project.
    pub fn run(&self, name: &str) -> Result<PathBuf, Fault> {
        self.inside(&Path::new("runs").join(part(name)?))
    }

    /// The folder of a run that is there.
    ///
    /// # Errors
    /// As [`Project::run`], and where it is not.
    pub fn existing_run(&self, name: &str) -> Result<PathBuf, Fault> {
        let path = self.run(name)?;
        match path.is_dir() {
            true => Ok(path),
            false => Err(Fault::not_found(format!("there is no run {name}; train one, or choose another"))),
        }
    }

    /// A path of the studio's own, whose folder is made.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub fn own(&self, path: impl AsRef<Path>) -> Result<PathBuf, Fault> {
        let full = self.inside(&Path::new(OWN).join(path))?;
        if let Some(folder) = full.parent() {
            std::fs::create_dir_all(folder)?;
        }
        Ok(full)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_one_part_of_a_path() {
        for good in ["yes", "turn left", "你好", "a.wav", "_unknown_"] {
            part(good).unwrap();
        }
        let long = "x".repeat(101);
        for bad in ["", ".", "..", "../x", "a/b", "a\\b", "a\0b", "a\nb", ".hidden", "a.", " a", "a ", &long] {
            let fault = part(bad).unwrap_err();
            assert!(fault.text().contains("use letters"), "{bad:?}: {}", fault.text());
        }
        assert!(class("_unknown_").is_err());
        class(BACKGROUND).unwrap();
    }

    #[test]
    #[cfg(unix)]
    fn nothing_leads_out_of_the_folder() {
        let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let project = Project::open(&dir.path().join("new")).unwrap();
        std::fs::write(other.path().join("secret.wav"), "x").unwrap();
        std::fs::create_dir_all(project.root().join("clips/yes")).unwrap();
        std::os::unix::fs::symlink(other.path(), project.root().join("clips/out")).unwrap();
        std::os::unix::fs::symlink(other.path().join("secret.wav"), project.root().join("clips/yes/link.wav")).unwrap();
        let area = Area { kind: Kind::Clips, excluded: false };
        assert!(project.example(area, "out", "secret.wav").is_err());
        assert!(project.example(area, "out", "new.wav").is_err());
        assert!(project.example(area, "yes", "link.wav").is_err());
        assert!(project.inside(Path::new("../new2")).is_err());
        assert!(project.inside(Path::new("/etc/passwd")).is_err());
        project.example(area, "yes", "new.wav").unwrap();
        project.example(area, "no", "new.wav").unwrap();
        assert_eq!(project.existing(area, "yes", "new.wav").unwrap_err().reason(), "not-found");
    }
}
