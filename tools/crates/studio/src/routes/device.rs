//! A run on a device: what it takes, which boards it fits, the files.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use axum::extract::{Path as Name, Query, State};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use elman_flash::board::{BOARDS, Board};
use elman_quant::model::MODEL;
use serde::Serialize;
use serde_json::{Value, value::RawValue};

use super::{Params, Shared, blocking, computing, needed};
use crate::Studio;
use crate::error::{Answer, Fault, json};
use crate::pages::typed;

/// Names of the boards whose firmware is where `elman flash` looks for it.
pub(crate) fn firmware(studio: &Studio) -> Vec<&'static str> {
    let usual = || studio.jobs.exe().ancestors().skip(1).take(3).map(|folder| folder.join("firmware")).collect();
    let folders: Vec<PathBuf> = studio.firmware.as_ref().map_or_else(usual, |folder| vec![folder.clone()]);
    let has = |board: &&Board| folders.iter().any(|folder| folder.join(format!("{}.bin", board.name)).is_file());
    BOARDS.iter().filter(has).map(|board| board.name).collect()
}

/// A short command of this program.
fn elman(studio: &Studio, args: &[&str]) -> Result<Output, Fault> {
    let mut command = Command::new(studio.jobs.exe());
    let output = command.args(args).arg("--json").current_dir(studio.project.root()).stdin(Stdio::null()).output();
    output.map_err(|e| anyhow::Error::from(e).context("the command could not be started").into())
}

/// What a command said as its error.
fn said(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    let error = text.lines().rev().find_map(|line| line.strip_prefix("error: "));
    error.map_or_else(|| "the command ended without a word".to_owned(), str::to_owned)
}

/// The blob of a run.
fn blob(studio: &Studio, name: &str) -> Result<Vec<u8>, Fault> {
    let path = studio.project.existing_run(name)?.join(MODEL);
    std::fs::read(path).map_err(|_| Fault::not_found(format!("{name} has no blob yet; quantize it")))
}

pub(crate) async fn model(State(studio): Shared, Name(name): Name<String>) -> Answer {
    blocking(studio, move |studio| Ok(typed("application/octet-stream", blob(studio, &name)?))).await
}

/// A board, and what a model takes of it.
#[derive(Serialize)]
struct OnBoard {
    name: &'static str,
    core: &'static str,
    format: &'static str,
    hint: &'static str,
    fits: bool,
    reason: Option<String>,
    #[serde(flatten)]
    numbers: Value,
}

/// The file of a run for a board, by `elman flash`.
fn flash(studio: &Studio, name: &str, board: &Board) -> Result<(PathBuf, Output), Fault> {
    let path = studio.project.own(format!("cache/flash/{name}-{}.{}", board.name, board.format.extension()))?;
    let run = format!("runs/{name}");
    let out = path.display().to_string();
    let mut args = vec!["flash", &run, "--board", board.name, "--out", &out];
    let folder = studio.firmware.as_ref().map(|folder| folder.display().to_string());
    args.extend(folder.iter().flat_map(|folder| ["--firmware", folder]));
    let output = elman(studio, &args)?;
    Ok((path, output))
}

fn on_board(studio: &Studio, name: &str, board: &'static Board) -> OnBoard {
    let flashed = flash(studio, name, board).map(|(_, output)| output);
    let (reason, numbers) = match flashed {
        Ok(output) if output.status.success() => {
            let mut all: Value = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
            let kept =
                ["flash_bytes", "flash_room", "ram_words", "ram_room", "instructions_per_second", "clock", "commit"];
            let mut numbers = serde_json::Map::new();
            for key in kept {
                let value = all.get_mut(key).map_or(Value::Null, Value::take);
                // RAM is counted in words there, and in bytes here.
                let bytes = |value: &Value| value.as_u64().map_or(Value::Null, |words| (4 * words).into());
                match key {
                    "ram_words" => numbers.insert("ram_bytes".into(), bytes(&value)),
                    "ram_room" => numbers.insert("ram_room".into(), bytes(&value)),
                    key => numbers.insert(key.into(), value),
                };
            }
            (None, numbers)
        }
        Ok(output) => (Some(said(&output)), serde_json::Map::new()),
        Err(fault) => (Some(fault.text().to_owned()), serde_json::Map::new()),
    };
    let Board { name, core, hint, format, .. } = board;
    let (fits, numbers) = (reason.is_none(), Value::Object(numbers));
    OnBoard { name, core, format: format.extension(), hint, fits, reason, numbers }
}

pub(crate) async fn device(State(studio): Shared, Name(name): Name<String>) -> Answer {
    computing(studio, move |studio| {
        blob(studio, &name)?;
        let output = elman(studio, &["inspect", &format!("runs/{name}")])?;
        if !output.status.success() {
            return Err(anyhow::anyhow!("{}", said(&output)).into());
        }
        let inspect = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        let inspect = RawValue::from_string(inspect).map_err(anyhow::Error::from)?;
        let boards: Vec<OnBoard> = std::thread::scope(|scope| {
            let name = &name;
            let tries: Vec<_> = BOARDS.iter().map(|board| scope.spawn(move || on_board(studio, name, board))).collect();
            tries.into_iter().filter_map(|tried| tried.join().ok()).collect()
        });
        #[derive(Serialize)]
        struct Shown {
            inspect: Box<RawValue>,
            boards: Vec<OnBoard>,
        }
        Ok(json(&Shown { inspect, boards }))
    })
    .await
}

/// Bytes that are saved as a file.
fn attachment(name: &str, bytes: Vec<u8>) -> Result<Response, Fault> {
    // Names of other letters are in UTF-8, as RFC 8187 has them.
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    let encoded: String =
        name.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect();
    let text = format!("attachment; filename*=UTF-8''{encoded}");
    let mut response = typed("application/octet-stream", bytes);
    response
        .headers_mut()
        .insert(header::CONTENT_DISPOSITION, HeaderValue::from_str(&text).map_err(anyhow::Error::from)?);
    Ok(response)
}

pub(crate) async fn download(State(studio): Shared, Name(name): Name<String>, Query(params): Params) -> Answer {
    computing(studio, move |studio| {
        let wanted = needed(&params, "board")?;
        let bytes = blob(studio, &name)?;
        if wanted == "blob" {
            return attachment(&format!("{name}.elman"), bytes);
        }
        let board = BOARDS.iter().find(|board| board.name == wanted);
        let board =
            board.ok_or_else(|| Fault::not_found(format!("there is no board {wanted:?}; choose one of the list")))?;
        let (path, output) = flash(studio, &name, board)?;
        if !output.status.success() {
            return Err(Fault::gate("does-not-fit", said(&output)));
        }
        let bytes = std::fs::read(&path)?;
        let file = path.file_name().map_or_else(|| "model".into(), |file| file.to_string_lossy().into_owned());
        attachment(&file, bytes)
    })
    .await
}
