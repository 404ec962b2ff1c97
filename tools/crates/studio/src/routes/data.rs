//! Examples: lists, uploads, and changes that can be undone.

use std::path::{Path, PathBuf};

use axum::extract::{Query, Request, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use elman_data::{Sound, wav_bytes};
use serde::{Deserialize, Serialize};

use super::{Params, Shared, blocking, file, kind, needed, parsed, read};
use crate::Studio;
use crate::error::{Answer, Fault, json};
use crate::measure::{self, Measured};
use crate::project::{Area, BACKGROUND, Kind, part};

pub(super) fn area(kind: Kind, excluded: bool) -> Area {
    Area { kind, excluded }
}

/// Examples column by column: ten thousand of them are half a megabyte.
#[derive(Default, Serialize)]
struct Columns {
    revision: u64,
    total: usize,
    from: usize,
    class: Vec<String>,
    name: Vec<String>,
    ms: Vec<Option<u32>>,
    level: Vec<Option<f32>>,
    peak: Vec<Option<f32>>,
    bytes: Vec<u64>,
}

pub(crate) async fn list(State(studio): Shared, Query(params): Params) -> Answer {
    let area = area(kind(&params)?, parsed(&params, "excluded", false)?);
    let wanted = params.get("class").map(String::as_str).filter(|class| *class != "*");
    let find = params.get("find").map(|text| text.to_lowercase()).unwrap_or_default();
    let count = parsed(&params, "count", usize::MAX)?;
    let mut columns = Columns { from: parsed(&params, "from", 0)?, ..Columns::default() };
    columns.revision = studio.index.revision();
    let tenth = |x: f32| (x * 10.0).round() / 10.0;
    studio.index.each(area, wanted, |class, name, entry| {
        if !find.is_empty() && !name.to_lowercase().contains(&find) && !class.to_lowercase().contains(&find) {
            return;
        }
        columns.total += 1;
        if columns.total <= columns.from || columns.name.len() >= count {
            return;
        }
        if wanted.is_none() {
            columns.class.push(class.to_owned());
        }
        columns.name.push(name.to_owned());
        columns.ms.push(entry.measured.map(|m| m.ms));
        columns.level.push(entry.measured.map(|m| tenth(m.level)));
        columns.peak.push(entry.measured.map(|m| tenth(m.peak)));
        columns.bytes.push(entry.bytes);
    });
    Ok(json(&columns))
}

/// What an upload became.
#[derive(Serialize)]
pub(crate) struct Added {
    pub(crate) class: String,
    pub(crate) name: String,
    pub(crate) ms: Option<u32>,
    pub(crate) level: Option<f32>,
    pub(crate) peak: Option<f32>,
    pub(crate) op: u64,
}

/// The first name `SPEAKER_nohash_N.wav` that is free.
pub(crate) fn free_name(folder: &Path, speaker: &str, ending: &str) -> Result<String, Fault> {
    part(speaker)?;
    let name = |n: usize| format!("{speaker}_nohash_{n}.{ending}");
    let free = (0..1_000_000).map(name).find(|name| folder.join(name).symlink_metadata().is_err());
    free.ok_or_else(|| Fault::conflict("full", "there are a million recordings of this speaker; choose another name"))
}

/// Bytes as they are stored, how their name ends, and what was measured: a sound that is neither wav nor flac becomes wav.
fn stored(class: &str, name: &str, bytes: Vec<u8>, force: bool) -> Result<(Vec<u8>, &'static str, Measured), Fault> {
    let sound = measure::decode(name, bytes.clone())?;
    let measured = match force || class == BACKGROUND {
        true => measure::measure(&sound.samples, sound.rate),
        false => measure::check(&sound)?,
    };
    let Sound { samples, rate, .. } = sound;
    Ok(match () {
        () if bytes.starts_with(b"RIFF") => (bytes, "wav", measured),
        () if bytes.starts_with(b"fLaC") => (bytes, "flac", measured),
        () => (wav_bytes(&samples, rate), "wav", measured),
    })
}

pub(crate) async fn upload(State(studio): Shared, Query(params): Params, request: Request) -> Answer {
    let kind = kind(&params)?;
    let class = crate::project::class(needed(&params, "class")?.trim())?.to_owned();
    let name = params.get("name").map(|name| part(name.trim()).map(str::to_owned)).transpose()?;
    let speaker = params.get("speaker").map_or("me", |speaker| speaker.trim()).replace(' ', "_");
    let (replace, force) = (parsed(&params, "replace", false)?, parsed(&params, "force", false)?);
    let bytes = file(&studio, request).await?;
    blocking(studio, move |studio| {
        let area = area(kind, false);
        let folder = studio.project.class(area, &class)?;
        let shown = name.clone().unwrap_or_else(|| "the recording".to_owned());
        let (bytes, ending, measured) = match kind {
            Kind::Clips => {
                let (bytes, ending, measured) = stored(&class, &shown, bytes, force)?;
                (bytes, ending, Some(measured))
            }
            Kind::Tables => {
                super::clips::parse(&shown, &bytes)?;
                (bytes, "csv", None)
            }
        };
        let mut doing = studio.journal.begin(&studio.project);
        let name = match name {
            Some(name) => with_ending(&name, ending),
            None => free_name(&folder, &speaker, ending)?,
        };
        let path = area.folder().join(&class).join(part(&name)?);
        let there = studio.project.example(area, &class, &name)?.exists();
        if there && !replace {
            let text = format!("there is a {name} in {class} already; take another name, or replace it");
            return Err(Fault::conflict("exists", text));
        }
        if there {
            doing.remove(&path)?;
        }
        doing.make(&path, &bytes)?;
        // A class that was begun here stays when its last example leaves it.
        let marker = studio.project.marker(kind, &class)?;
        if !studio.project.inside(&marker)?.exists() {
            doing.make(&marker, b"")?;
        }
        let what = if there { "taken again" } else { "added" };
        let op = doing.finish("add", format!("{name} {what} in {class}"))?;
        studio.index.refresh(&studio.project, kind, &studio.feed);
        let Measured { ms, level, peak } = measured.unwrap_or(Measured { ms: 0, level: 0.0, peak: 0.0 });
        let of = |x| measured.map(|_| x);
        let added = Added { class, name, ms: measured.map(|_| ms), level: of(level), peak: of(peak), op };
        Ok((StatusCode::CREATED, json(&added)).into_response())
    })
    .await
}

/// A name that ends as what is stored.
fn with_ending(name: &str, ending: &str) -> String {
    match name.rsplit_once('.') {
        Some((_, has)) if has.eq_ignore_ascii_case(ending) => name.to_owned(),
        Some((stem, _)) if elman_data::is_sound(name) => format!("{stem}.{ending}"),
        _ => format!("{name}.{ending}"),
    }
}

#[derive(Serialize)]
struct Checked {
    ok: bool,
    #[serde(flatten)]
    measured: Option<Measured>,
    reason: Option<&'static str>,
    error: Option<String>,
}

pub(crate) async fn check(State(studio): Shared, request: Request) -> Answer {
    let bytes = file(&studio, request).await?;
    blocking(studio, move |_| {
        let decoded = measure::decode("the recording", bytes);
        let measured = decoded.as_ref().ok().map(|sound| measure::measure(&sound.samples, sound.rate));
        let fault = decoded.and_then(|sound| measure::check(&sound)).err();
        let (reason, error) = (fault.as_ref().map(Fault::reason), fault.map(|fault| fault.text().to_owned()));
        Ok(json(&Checked { ok: error.is_none(), measured, reason, error }))
    })
    .await
}

/// An example, named.
#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Item {
    class: String,
    name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Items {
    #[serde(default)]
    kind: Kind,
    items: Vec<Item>,
    to: Option<String>,
    #[serde(default)]
    excluded: bool,
}

#[derive(Serialize)]
struct Renamed {
    class: String,
    name: String,
    #[serde(rename = "as")]
    to: String,
}

#[derive(Serialize)]
struct Moved {
    op: u64,
    done: usize,
    renamed: Vec<Renamed>,
}

/// Moves examples, with another name where theirs is taken.
fn moved(studio: &Studio, of: &Items, from: Area, to: Area, what: &str) -> Answer {
    if of.items.is_empty() {
        return Err(Fault::bad("no example is named"));
    }
    let mut renamed = Vec::new();
    let mut doing = studio.journal.begin(&studio.project);
    for Item { class, name } in &of.items {
        studio.project.existing(from, class, name)?;
        let target = of.to.as_deref().unwrap_or(class);
        let folder = studio.project.class(to, target)?;
        let as_name = free(&folder, name)?;
        let path = |area: Area, class: &str, name: &str| -> PathBuf { area.folder().join(class).join(name) };
        doing.shift(&path(from, class, name), &path(to, target, &as_name))?;
        if as_name != *name {
            renamed.push(Renamed { class: class.clone(), name: name.clone(), to: as_name });
        }
    }
    let count = of.items.len();
    let (first, more) = (&of.items[0].name, count - 1);
    let whom = if more == 0 { first.clone() } else { format!("{first} and {more} more") };
    let text = match &of.to {
        Some(to) => format!("{whom} moved to {to}"),
        None => format!("{whom} {what}d"),
    };
    let op = doing.finish(what, text)?;
    studio.index.refresh(&studio.project, of.kind, &studio.feed);
    Ok(json(&Moved { op, done: count, renamed }))
}

/// The name, or one with a number where it is taken.
fn free(folder: &Path, name: &str) -> Result<String, Fault> {
    let (stem, ending) = name.rsplit_once('.').unwrap_or((name, ""));
    let other = |n: usize| if n == 0 { name.to_owned() } else { format!("{stem}-{n}.{ending}") };
    let found = (0..10_000).map(other).find(|name| folder.join(name).symlink_metadata().is_err());
    found.ok_or_else(|| Fault::conflict("exists", format!("there are too many of the name {name}")))
}

pub(crate) async fn shift(State(studio): Shared, request: Request) -> Answer {
    let items: Items = read(request).await?;
    blocking(studio, move |studio| {
        if items.to.is_none() {
            return Err(Fault::bad("the class to move to is missing"));
        }
        let of = area(items.kind, false);
        moved(studio, &items, of, of, "move")
    })
    .await
}

pub(crate) async fn exclude(State(studio): Shared, request: Request) -> Answer {
    let items: Items = Items { to: None, ..read(request).await? };
    blocking(studio, move |studio| moved(studio, &items, area(items.kind, false), area(items.kind, true), "exclude"))
        .await
}

pub(crate) async fn include(State(studio): Shared, request: Request) -> Answer {
    let items: Items = Items { to: None, ..read(request).await? };
    blocking(studio, move |studio| moved(studio, &items, area(items.kind, true), area(items.kind, false), "include"))
        .await
}

pub(crate) async fn remove(State(studio): Shared, request: Request) -> Answer {
    let items: Items = read(request).await?;
    blocking(studio, move |studio| {
        let from = area(items.kind, items.excluded);
        let Some(first) = items.items.first() else { return Err(Fault::bad("no example is named")) };
        let mut doing = studio.journal.begin(&studio.project);
        for Item { class, name } in &items.items {
            studio.project.existing(from, class, name)?;
            doing.remove(&from.folder().join(class).join(name))?;
        }
        let done = items.items.len();
        let op = doing.finish("delete", format!("{} deleted ({done} in all)", first.name))?;
        studio.index.refresh(&studio.project, items.kind, &studio.feed);
        Ok(json(&Moved { op, done, renamed: Vec::new() }))
    })
    .await
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Undo {
    op: Option<u64>,
}

pub(crate) async fn undo(State(studio): Shared, request: Request) -> Answer {
    let Undo { op } = read(request).await?;
    blocking(studio, move |studio| {
        let undone = studio.journal.undo(&studio.project, op)?;
        for kind in [Kind::Clips, Kind::Tables] {
            studio.index.refresh(&studio.project, kind, &studio.feed);
        }
        studio.runs.look(&studio.project, &studio.jobs, &studio.feed);
        Ok(json(&serde_json::json!({ "undone": undone.shown() })))
    })
    .await
}

pub(crate) async fn journal(State(studio): Shared, Query(params): Params) -> Answer {
    let last = studio.journal.last(parsed(&params, "count", 50)?);
    Ok(json(&last.iter().map(|operation| operation.shown()).collect::<Vec<_>>()))
}
