//! How good a run is: answers clip by clip, the trade-off of a stream, and parts of it to listen to.

use std::path::Path;

use axum::extract::{Path as Name, Query, Request, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use elman_data::wav_bytes;
use elman_quant::model::ModelFile;
use serde::Deserialize;
use serde_json::Value;

use super::data::{Added, free_name};
use super::{Params, Shared, blocking, computing, needed, parsed, read};
use crate::Studio;
use crate::error::{Answer, Fault, json};
use crate::jobs::Task;
use crate::measure::measure;
use crate::pages::typed;
use crate::project::{Area, Kind, part};
use crate::sound;
use crate::tradeoff::{Material, Played};

/// Largest file of answers that is read, in bytes.
const MOST_BYTES: u64 = 256 << 20;

fn file(path: &Path) -> Option<Value> {
    let small = std::fs::metadata(path).is_ok_and(|about| about.len() <= MOST_BYTES);
    small.then(|| serde_json::from_slice(&std::fs::read(path).ok()?).ok())?
}

pub(crate) async fn judge(State(studio): Shared, Name(name): Name<String>) -> Answer {
    computing(studio, move |studio| {
        let folder = studio.project.existing_run(&name)?;
        let whole = studio.runs.whole(&name)?;
        let Some(mut eval) = whole.results.get("eval").cloned() else {
            let text = format!("{name} was not evaluated yet; evaluate it, and its answers follow");
            return Err(Fault::new(StatusCode::NOT_FOUND, "not-evaluated", text));
        };
        let crc = ModelFile::read(&folder).and_then(|file| Ok(file.model()?.descriptor().fingerprint)).ok();
        let answers = file(&folder.join("answers.json"));
        let stale = answers.as_ref().is_none_or(|a| crc.is_none() || a["fingerprint"].as_u64() != crc);
        let layers = whole.results.pointer("/quantize/layers").cloned().unwrap_or(Value::Array(Vec::new()));
        if let Some(eval) = eval.as_object_mut() {
            let answers = answers.and_then(|mut a| a.get_mut("answers").map(Value::take));
            eval.insert("answers".into(), answers.unwrap_or(Value::Array(Vec::new())));
            eval.insert("layers".into(), layers);
            eval.insert("stale".into(), stale.into());
        }
        Ok(json(&eval))
    })
    .await
}

pub(crate) async fn report(State(studio): Shared, Name(name): Name<String>) -> Answer {
    blocking(studio, move |studio| {
        let path = studio.project.existing_run(&name)?.join("report.html");
        let bytes = std::fs::read(path);
        let bytes = bytes.map_err(|_| Fault::not_found(format!("{name} has no report yet; quantize it")))?;
        let policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox";
        let mut response = typed("text/html; charset=utf-8", bytes);
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, header::HeaderValue::from_static(policy));
        Ok(response)
    })
    .await
}

pub(crate) async fn play(State(studio): Shared, Name(name): Name<String>, request: Request) -> Answer {
    let how: Material = read(request).await?;
    let shared = std::sync::Arc::clone(&studio);
    blocking(studio, move |studio| {
        let run = studio.project.existing_run(&name)?;
        let task =
            Task { kind: "play", run: Some(name.clone()), args: vec!["calibrate".into(), format!("runs/{name}")] };
        let job = studio.jobs.work(task, move |progress| {
            let played = Played::new(shared.project.root(), &run, &how, progress)?;
            shared.plays.keep(&name, played);
            Ok(())
        })?;
        super::runs::begun(studio, &job)
    })
    .await
}

pub(crate) async fn tradeoff(State(studio): Shared, Name(name): Name<String>) -> Answer {
    computing(studio, move |studio| {
        let run = studio.project.existing_run(&name)?;
        Ok(json(&studio.plays.get(&name)?.curve(&run)?))
    })
    .await
}

pub(crate) async fn point(State(studio): Shared, Name(name): Name<String>, Query(params): Params) -> Answer {
    let most = needed(&params, "max_false_accepts_per_hour")?.parse();
    let most = most.map_err(|_| Fault::bad("max_false_accepts_per_hour is a number from 0"))?;
    computing(studio, move |studio| Ok(json(&studio.plays.get(part(&name)?)?.point(most)?))).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Apply {
    max_false_accepts_per_hour: f64,
}

pub(crate) async fn apply(State(studio): Shared, Name(name): Name<String>, request: Request) -> Answer {
    let Apply { max_false_accepts_per_hour } = read(request).await?;
    computing(studio, move |studio| {
        let run = studio.project.existing_run(&name)?;
        let point = studio.plays.get(&name)?.apply(&run, max_false_accepts_per_hour)?;
        studio.runs.look(&studio.project, &studio.jobs, &studio.feed);
        Ok(json(&point))
    })
    .await
}

/// What a listener reads before a moment, so that its states are those of the stream, in seconds.
const RUN_IN_S: f64 = 4.0;

struct Moment {
    track: usize,
    from_s: f64,
    to_s: f64,
}

fn moment_of(params: &std::collections::HashMap<String, String>) -> Result<Moment, Fault> {
    let number = |name: &str| parsed(params, name, f64::NAN);
    Ok(Moment { track: parsed(params, "track", 0)?, from_s: number("from_s")?, to_s: number("to_s")? })
}

pub(crate) async fn moment(State(studio): Shared, Name(name): Name<String>, Query(params): Params) -> Answer {
    computing(studio, move |studio| {
        let played = studio.plays.get(part(&name)?)?;
        let Moment { track, from_s, to_s } = moment_of(&params)?;
        let (samples, _) = played.slice(track, from_s, to_s, 0.0)?;
        Ok(typed("audio/wav", wav_bytes(&samples, played.audio().sample_rate)))
    })
    .await
}

pub(crate) async fn moment_track(State(studio): Shared, Name(name): Name<String>, Query(params): Params) -> Answer {
    computing(studio, move |studio| {
        let run = studio.project.existing_run(&name)?;
        let played = studio.plays.get(&name)?;
        let Moment { track, from_s, to_s } = moment_of(&params)?;
        let (samples, from) = played.slice(track, from_s, to_s, RUN_IN_S)?;
        let file = ModelFile::read(&run)?;
        let model = file.model()?;
        Ok(json(&sound::played(&model, played.audio(), &samples, from)?))
    })
    .await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Hard {
    track: usize,
    from_s: f64,
    to_s: f64,
    class: String,
}

pub(crate) async fn hard(State(studio): Shared, Name(name): Name<String>, request: Request) -> Answer {
    let Hard { track, from_s, to_s, class } = read(request).await?;
    computing(studio, move |studio: &Studio| {
        let class = crate::project::class(&class)?;
        let played = studio.plays.get(part(&name)?)?;
        let (samples, _) = played.slice(track, from_s, to_s, 0.0)?;
        let rate = played.audio().sample_rate;
        let area = Area { kind: Kind::Clips, excluded: false };
        let folder = studio.project.class(area, class)?;
        let mut doing = studio.journal.begin(&studio.project);
        let file = free_name(&folder, "hard", "wav")?;
        doing.make(&area.folder().join(class).join(&file), &wav_bytes(&samples, rate))?;
        let op = doing.finish("add", format!("{file} of {name}'s stream added to {class}"))?;
        studio.index.refresh(&studio.project, Kind::Clips, &studio.feed);
        let measured = measure(&samples, rate);
        let (ms, level, peak) = (Some(measured.ms), Some(measured.level), Some(measured.peak));
        Ok((StatusCode::CREATED, json(&Added { class: class.to_owned(), name: file, ms, level, peak, op }))
            .into_response())
    })
    .await
}
