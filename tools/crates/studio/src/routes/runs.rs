//! Runs and jobs: begun, paused, resumed, ended.

use std::path::Path;
use std::time::Duration;

use axum::extract::{Path as Name, Request, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde::Deserialize;

use super::recipes::Beginning;
use super::{Shared, blocking, op, read};
use crate::Studio;
use crate::error::{Answer, Fault, json};
use crate::jobs::{Job, Task, interrupt};
use crate::project::{Kind, OWN, part};
use crate::runs::owner;

pub(crate) async fn list(State(studio): Shared) -> Answer {
    Ok(json(&studio.runs.all()))
}

pub(crate) async fn one(State(studio): Shared, Name(name): Name<String>) -> Answer {
    let mut whole = studio.runs.whole(part(&name)?)?;
    whole.log = studio.jobs.last_of_run(&name).map(|job| job.log).unwrap_or_default();
    Ok(json(&whole))
}

pub(crate) async fn jobs(State(studio): Shared) -> Answer {
    Ok(json(&studio.jobs.all()))
}

fn number(id: &str) -> Result<u64, Fault> {
    id.parse().map_err(|_| Fault::not_found(format!("there is no job {id:?}")))
}

pub(crate) async fn job(State(studio): Shared, Name(id): Name<String>) -> Answer {
    Ok(json(&studio.jobs.get(number(&id)?)?))
}

pub(crate) async fn cancel(State(studio): Shared, Name(id): Name<String>) -> Answer {
    Ok(json(&studio.jobs.cancel(number(&id)?)?))
}

/// A job that was begun; its run shows it from now on.
pub(super) fn begun(studio: &Studio, job: &Job) -> Answer {
    studio.runs.look(&studio.project, &studio.jobs, &studio.feed);
    Ok((StatusCode::CREATED, json(job)).into_response())
}

/// How an operating point is found where nothing is said.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Further {
    what: String,
    hours: f64,
    per_hour: f64,
    snr: f64,
    max_false_accepts_per_hour: f64,
}

impl Default for Further {
    fn default() -> Self {
        Further { what: String::new(), hours: 1.0, per_hour: 300.0, snr: 10.0, max_false_accepts_per_hour: 1.0 }
    }
}

fn words(text: &[&str]) -> Vec<String> {
    text.iter().map(|word| (*word).to_owned()).collect()
}

/// The folder that a run was trained on, which its recipe tells.
fn data_of(studio: &Studio, run: &str) -> Kind {
    let sound = studio.runs.whole(run).is_ok_and(|whole| whole.run.sound);
    if sound { Kind::Clips } else { Kind::Tables }
}

impl Further {
    fn of(what: &str) -> Further {
        Further { what: what.to_owned(), ..Further::default() }
    }

    /// The command for a run.
    fn task(&self, run: &str, data: Kind) -> Result<Task, Fault> {
        let (path, answers) = (format!("runs/{run}"), format!("runs/{run}/answers.json"));
        let (kind, args) = match &self.what[..] {
            "quantize" => ("quantize", words(&["quantize", &path])),
            "eval" => ("eval", words(&["eval", &path, "--data", data.folder(), "--answers", &answers])),
            "calibrate" => {
                let mut args = words(&["calibrate", &path, "--data", data.folder()]);
                let numbers = [self.hours, self.per_hour, self.snr, self.max_false_accepts_per_hour];
                if numbers.iter().any(|x| !x.is_finite()) {
                    return Err(Fault::bad("hours, per_hour, snr and max_false_accepts_per_hour are numbers"));
                }
                let flags = ["--hours", "--per-hour", "--snr", "--max-false-accepts-per-hour"];
                args.extend(flags.iter().zip(numbers).map(|(flag, x)| format!("{flag}={x}")));
                ("calibrate", args)
            }
            other => {
                return Err(Fault::bad(format!("{other:?} cannot be done: there are quantize, eval and calibrate")));
            }
        };
        Ok(Task { kind, run: Some(run.to_owned()), args })
    }
}

#[derive(Deserialize)]
struct Start {
    name: String,
    #[serde(flatten)]
    beginning: Beginning,
    data: Option<Kind>,
    seed: Option<u64>,
    #[serde(default)]
    force: bool,
    then: Option<Vec<String>>,
}

pub(crate) async fn start(State(studio): Shared, request: Request) -> Answer {
    let start: Start = read(request).await?;
    blocking(studio, move |studio| {
        let name = part(start.name.trim())?;
        let folder = studio.project.run(name)?;
        let recipe =
            start.beginning.recipe(studio)?.changed(&[format!("name={}", toml::Value::String(name.into()))])?;
        let data = start.data.unwrap_or(if recipe.data.is_some() { Kind::Tables } else { Kind::Clips });
        if !studio.project.inside(Path::new(data.folder()))?.is_dir() {
            let text = format!(
                "there is nothing to train on yet: the folder {} is missing; add examples first",
                data.folder()
            );
            return Err(Fault::conflict("no-data", text));
        }
        if folder.join("recipe.toml").exists() && !start.force {
            return Err(Fault::conflict(
                "exists",
                format!("there is a run {name} already; take another name, or replace it"),
            ));
        }
        // The command line's own copy of what is in the run folder, until that is there.
        let file = studio.project.own(format!("recipes/{name}.toml"))?;
        elman_data::files::write_atomically(&file, recipe.to_toml()?.as_bytes())?;
        let (file, out) = (format!("{OWN}/recipes/{name}.toml"), format!("runs/{name}"));
        let mut args = words(&["train", &file, "--data", data.folder(), "--out", &out]);
        args.extend(start.seed.map(|seed| format!("--seed={seed}")));
        args.extend(start.force.then(|| "--force".to_owned()));
        let mut tasks = vec![Task { kind: "train", run: Some(name.to_owned()), args }];
        tasks.extend(then(name, data, recipe.stream.is_some(), start.then.as_deref())?);
        begun(studio, &studio.jobs.start(tasks)?)
    })
    .await
}

/// What is done once a run is trained.
fn then(name: &str, data: Kind, stream: bool, wanted: Option<&[String]>) -> Result<Vec<Task>, Fault> {
    let usual = || words(if stream { &["quantize", "eval", "calibrate"] } else { &["quantize", "eval"] });
    let wanted = wanted.map_or_else(usual, <[String]>::to_vec);
    wanted.iter().map(|what| Further::of(what).task(name, data)).collect()
}

/// How long a run may take to end by itself: a second of its own, and time to write.
const PATIENCE: Duration = Duration::from_secs(10);

/// Interrupts whatever trains a run, and waits until it has ended.
fn interrupted(studio: &Studio, name: &str) -> Result<(), Fault> {
    let folder = studio.project.existing_run(name)?;
    match (studio.jobs.of_run(name), owner(&folder)) {
        (Some(job), _) => drop(studio.jobs.cancel(job.id)?),
        (None, Some(pid)) => interrupt(own_process(studio, pid)?)?,
        (None, None) => return Err(Fault::conflict("idle", format!("nothing is being done with {name}"))),
    }
    let begun = std::time::Instant::now();
    while studio.jobs.of_run(name).is_some() || owner(&folder).is_some() {
        if begun.elapsed() > PATIENCE {
            return Err(Fault::conflict("busy", format!("{name} has not ended yet; look again in a moment")));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    studio.runs.released(name);
    studio.runs.look(&studio.project, &studio.jobs, &studio.feed);
    Ok(())
}

/// A process of another command line, which is only interrupted where it is this very program.
fn own_process(studio: &Studio, pid: u32) -> Result<u32, Fault> {
    let exe = std::fs::read_link(format!("/proc/{pid}/exe")).ok();
    let mine = studio.jobs.exe().canonicalize().ok();
    match exe.is_some() && exe == mine {
        true => Ok(pid),
        false => {
            let text =
                format!("process {pid} holds the run and was not started here; interrupt it where it was started");
            Err(Fault::conflict("outside", text))
        }
    }
}

pub(crate) async fn pause(State(studio): Shared, Name(name): Name<String>) -> Answer {
    blocking(studio, move |studio| {
        interrupted(studio, part(&name)?)?;
        // Before its first epoch was done, nothing is left of it.
        let run = studio.runs.whole(&name).map(|whole| whole.run);
        Ok(json(&serde_json::json!({ "state": run.ok().map(|run| run.state) })))
    })
    .await
}

pub(crate) async fn resume(State(studio): Shared, Name(name): Name<String>) -> Answer {
    blocking(studio, move |studio| {
        let folder = studio.project.existing_run(&name)?;
        if folder.join("weights.safetensors").exists() {
            return Err(Fault::conflict("trained", format!("{name} is trained; there is nothing to resume")));
        }
        let whole = studio.runs.whole(&name)?;
        let data = data_of(studio, &name);
        let args = words(&["train", "--resume", "--data", data.folder(), "--out", &format!("runs/{name}")]);
        let mut tasks = vec![Task { kind: "train", run: Some(name.clone()), args }];
        tasks.extend(then(&name, data, whole.run.stream, None)?);
        begun(studio, &studio.jobs.start(tasks)?)
    })
    .await
}

pub(crate) async fn stop(State(studio): Shared, Name(name): Name<String>) -> Answer {
    blocking(studio, move |studio| {
        let whole = studio.runs.whole(part(&name)?)?;
        let data = data_of(studio, &name);
        match interrupted(studio, &name) {
            Err(fault) if fault.reason() != "idle" => return Err(fault),
            _ => {}
        }
        let args = words(&["train", "--stop", "--out", &format!("runs/{name}")]);
        let mut tasks = vec![Task { kind: "train", run: Some(name.clone()), args }];
        tasks.extend(then(&name, data, whole.run.stream, None)?);
        begun(studio, &studio.jobs.start(tasks)?)
    })
    .await
}

pub(crate) async fn further(State(studio): Shared, Name(name): Name<String>, request: Request) -> Answer {
    let further: Further = read(request).await?;
    blocking(studio, move |studio| {
        studio.project.existing_run(&name)?;
        begun(studio, &studio.jobs.start(vec![further.task(&name, data_of(studio, &name))?])?)
    })
    .await
}

pub(crate) async fn remove(State(studio): Shared, Name(name): Name<String>) -> Answer {
    blocking(studio, move |studio| {
        let folder = studio.project.existing_run(&name)?;
        if studio.jobs.of_run(&name).is_some() || owner(&folder).is_some() {
            return Err(Fault::conflict("busy", format!("{name} is in use; pause or stop it first")));
        }
        let mut doing = studio.journal.begin(&studio.project);
        doing.remove(&Path::new("runs").join(&name))?;
        let done = doing.finish("run", format!("run {name} deleted"))?;
        studio.runs.look(&studio.project, &studio.jobs, &studio.feed);
        op(done)
    })
    .await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Synth {
    words: Vec<String>,
    #[serde(default)]
    language: Option<String>,
    #[serde(default)]
    count: Option<usize>,
    #[serde(default)]
    voice: Option<String>,
    #[serde(default)]
    seed: Option<u64>,
}

pub(crate) async fn synth(State(studio): Shared, request: Request) -> Answer {
    let synth: Synth = read(request).await?;
    blocking(studio, move |studio| {
        if synth.words.is_empty() {
            return Err(Fault::bad("no word is named"));
        }
        if !super::classes::has_espeak() {
            let text = "no voice is installed: install espeak-ng (apt-get install espeak-ng), and for better voices run `elman synth --setup`";
            return Err(Fault::conflict("no-voice", text));
        }
        let mut args = words(&["synth", "--to", "clips"]);
        args.extend(synth.language.map(|language| format!("--language={language}")));
        args.extend(synth.count.map(|count| format!("--count={count}")));
        args.extend(synth.voice.map(|voice| format!("--voice={voice}")));
        args.extend(synth.seed.map(|seed| format!("--seed={seed}")));
        // What comes after it is no flag.
        args.push("--".to_owned());
        args.extend(synth.words);
        begun(studio, &studio.jobs.start(vec![Task { kind: "synth", run: None, args }])?)
    })
    .await
}
