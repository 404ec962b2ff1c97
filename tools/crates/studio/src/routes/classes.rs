//! The project as a whole, and its classes.

use std::path::PathBuf;

use axum::extract::{Query, Request, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use elman_speech::Store;
use serde::{Deserialize, Serialize};

use super::data::area;
use super::{Params, Shared, blocking, kind, needed, op, read};
use crate::Studio;
use crate::error::{Answer, Fault, json};
use crate::index::Class;
use crate::project::Kind;

/// Whether the voice is there that also finds the phonemes for the others.
pub(super) fn has_espeak() -> bool {
    let folders = std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect::<Vec<_>>());
    folders.is_some_and(|folders| folders.iter().any(|folder| folder.join("espeak-ng").is_file()))
}

pub(crate) async fn project(State(studio): Shared) -> Answer {
    blocking(studio, |studio| {
        let root = studio.project.root();
        let name = root.file_name().map_or_else(|| "elman".into(), |name| name.to_string_lossy().into_owned());
        let espeak = has_espeak();
        let synth = serde_json::json!({
            "espeak": espeak, "kokoro": Store::of_user().speaks(), "setup": "elman synth --setup"
        });
        let firmware = super::device::firmware(studio);
        let help = firmware.is_empty().then_some(
            "There is no firmware next to the program: it comes with a release, or from `cargo xtask boards --firmware`.",
        );
        let cores = std::thread::available_parallelism().map_or(1, |n| n.get());
        let protocol = serde_json::json!({
            "version": elman_messages::VERSION, "schema": format!("{:016x}", elman_messages::SCHEMA)
        });
        Ok(json(&serde_json::json!({
            "protocol": protocol, "name": name, "folder": root.display().to_string(), "version": env!("CARGO_PKG_VERSION"), "cores": cores,
            "microphone_rate": 16_000, "revision": studio.index.revision(), "events": studio.feed.last(), "synth": synth,
            "firmware": firmware, "firmware_help": help, "lan": studio.lan
        })))
    })
    .await
}

#[derive(Serialize)]
struct Classes {
    revision: u64,
    classes: Vec<Class>,
    background: Option<Class>,
    notes: Vec<String>,
}

pub(crate) async fn classes(State(studio): Shared, Query(params): Params) -> Answer {
    let kind = kind(&params)?;
    let (classes, background) = studio.index.classes(kind);
    let notes = studio.index.notes(area(kind, false));
    Ok(json(&Classes { revision: studio.index.revision(), classes, background, notes }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewClass {
    #[serde(default)]
    kind: Kind,
    name: String,
}

pub(crate) async fn add_class(State(studio): Shared, request: Request) -> Answer {
    let NewClass { kind, name } = read(request).await?;
    blocking(studio, move |studio| {
        let name = crate::project::class(name.trim())?;
        let area = area(kind, false);
        let marker = studio.project.marker(kind, name)?;
        if studio.project.class(area, name)?.exists() || studio.project.inside(&marker)?.exists() {
            return Err(Fault::conflict("exists", format!("there is a class {name} already; choose another name")));
        }
        let mut doing = studio.journal.begin(&studio.project);
        doing.make(&marker, b"")?;
        doing.finish("class", format!("class {name} made"))?;
        studio.index.refresh(&studio.project, kind, &studio.feed);
        let class = Class { name: name.to_owned(), ..Class::default() };
        Ok((StatusCode::CREATED, json(&class)).into_response())
    })
    .await
}

/// Where the parts of a class are, whether they are there or not: its examples, those left out, and the mark that it is there.
fn parts_of(studio: &Studio, kind: Kind, name: &str) -> Result<[PathBuf; 3], Fault> {
    let folder = |excluded| area(kind, excluded).folder().join(name);
    Ok([folder(false), folder(true), studio.project.marker(kind, name)?])
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rename {
    #[serde(default)]
    kind: Kind,
    from: String,
    to: String,
}

pub(crate) async fn rename_class(State(studio): Shared, request: Request) -> Answer {
    let Rename { kind, from, to } = read(request).await?;
    blocking(studio, move |studio| {
        let [from, to] = [crate::project::class(&from)?, crate::project::class(to.trim())?];
        let mut doing = studio.journal.begin(&studio.project);
        let [old, new] = [from, to].map(|name| parts_of(studio, kind, name));
        let mut any = false;
        for (old, new) in old?.iter().zip(&new?).filter(|(old, _)| studio.project.root().join(old).exists()) {
            doing.shift(old, new)?;
            any = true;
        }
        if !any {
            return Err(Fault::not_found(format!("there is no class {from}")));
        }
        let done = doing.finish("rename", format!("class {from} renamed to {to}"))?;
        studio.index.refresh(&studio.project, kind, &studio.feed);
        op(done)
    })
    .await
}

pub(crate) async fn remove_class(State(studio): Shared, Query(params): Params) -> Answer {
    let (kind, name) = (kind(&params)?, needed(&params, "name")?.to_owned());
    blocking(studio, move |studio| {
        let mut doing = studio.journal.begin(&studio.project);
        let mut any = false;
        for path in parts_of(studio, kind, &name)?.iter().filter(|path| studio.project.root().join(path).exists()) {
            doing.remove(path)?;
            any = true;
        }
        if !any {
            return Err(Fault::not_found(format!("there is no class {name}")));
        }
        let done = doing.finish("delete", format!("class {name} deleted"))?;
        studio.index.refresh(&studio.project, kind, &studio.feed);
        op(done)
    })
    .await
}
