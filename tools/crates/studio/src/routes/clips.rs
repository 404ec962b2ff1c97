//! One example: its file, what the device makes of it, its readings.

use std::collections::HashMap;
use std::path::PathBuf;

use axum::extract::{Query, State};
use elman_data::{Sound, wav_bytes};
use serde::Serialize;

use super::{Params, Shared, blocking, computing, kind, needed, parsed};
use crate::Studio;
use crate::error::{Answer, Fault, json};
use crate::measure::decode;
use crate::pages::typed;
use crate::project::{Area, Kind};
use crate::sound;

/// Largest file that is read at once, in bytes.
const MOST_BYTES: u64 = 256 << 20;

/// The file that parameters name.
fn path(studio: &Studio, params: &HashMap<String, String>, kind: Kind) -> Result<PathBuf, Fault> {
    let area = Area { kind, excluded: parsed(params, "excluded", false)? };
    studio.project.existing(area, needed(params, "class")?, needed(params, "name")?)
}

fn bytes(studio: &Studio, params: &HashMap<String, String>, kind: Kind) -> Result<Vec<u8>, Fault> {
    let path = path(studio, params, kind)?;
    let about = std::fs::metadata(&path)?;
    if about.len() > MOST_BYTES {
        let text =
            format!("it has {} bytes, and at most {MOST_BYTES} are read at once; cut it into pieces", about.len());
        return Err(Fault::gate("too-large", text));
    }
    Ok(std::fs::read(path)?)
}

fn recording(studio: &Studio, params: &HashMap<String, String>) -> Result<Sound, Fault> {
    decode(needed(params, "name")?, bytes(studio, params, Kind::Clips)?)
}

pub(crate) async fn file(State(studio): Shared, Query(params): Params) -> Answer {
    let kind = kind(&params)?;
    blocking(studio, move |studio| {
        if params.get("as").is_some_and(|form| form == "wav") {
            let Sound { samples, rate, .. } = recording(studio, &params)?;
            return Ok(typed("audio/wav", wav_bytes(&samples, rate)));
        }
        let bytes = bytes(studio, &params, kind)?;
        let mime = match () {
            () if kind == Kind::Tables => "text/csv; charset=utf-8",
            () if bytes.starts_with(b"RIFF") => "audio/wav",
            () if bytes.starts_with(b"fLaC") => "audio/flac",
            () => "application/octet-stream",
        };
        Ok(typed(mime, bytes))
    })
    .await
}

/// The run that parameters name, if any.
fn run(studio: &Studio, params: &HashMap<String, String>) -> Result<Option<PathBuf>, Fault> {
    params.get("run").filter(|name| !name.is_empty()).map(|name| studio.project.existing_run(name)).transpose()
}

pub(crate) async fn features(State(studio): Shared, Query(params): Params) -> Answer {
    computing(studio, move |studio| {
        let sound = recording(studio, &params)?;
        let audio = sound::front_end(run(studio, &params)?.as_deref(), sound.rate)?;
        Ok(json(&sound::spectrogram(sound, &audio)?))
    })
    .await
}

pub(crate) async fn track(State(studio): Shared, Query(params): Params) -> Answer {
    computing(studio, move |studio| {
        let run = studio.project.existing_run(needed(&params, "run")?)?;
        Ok(json(&sound::track(&run, recording(studio, &params)?)?))
    })
    .await
}

/// A table of readings, column by column.
#[derive(Debug, Serialize)]
pub(crate) struct Table {
    columns: Vec<String>,
    rows: usize,
    label: Option<String>,
    values: Vec<Vec<f64>>,
    every: usize,
}

/// Rows that are shown at most.
const MOST_ROWS: usize = 4000;

/// Reads a table: a line of names where a field of the first line is no number, then a row a line.
///
/// # Errors
/// Where it is none, with the line.
pub(crate) fn parse(name: &str, bytes: &[u8]) -> Result<Table, Fault> {
    let text = std::str::from_utf8(bytes);
    let text = text.map_err(|_| Fault::gate("unreadable", format!("{name} is no text; save it as csv in UTF-8")))?;
    let lines = text.trim_start_matches('\u{feff}').lines().enumerate().map(|(n, line)| (n + 1, line.trim()));
    let mut lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')).peekable();
    let split = |line: &str| -> Vec<String> {
        line.split([',', ';', '\t']).map(|field| field.trim().trim_matches('"').to_owned()).collect()
    };
    let first = lines.peek().map(|(_, line)| split(line));
    let first = first.ok_or_else(|| Fault::gate("short", format!("{name} has no row; a row is a step of readings")))?;
    let is_number = |field: &String| field.parse::<f64>().is_ok_and(f64::is_finite);
    let named = !first.iter().all(is_number);
    let columns = if named { first } else { (1..=first.len()).map(|k| k.to_string()).collect() };
    if named {
        lines.next();
    }
    let is_label = |name: &String| ["label", "class", "target"].contains(&name.to_lowercase().as_str());
    let labelled = columns.iter().position(is_label);
    let mut table = Table { columns, rows: 0, label: None, values: Vec::new(), every: 1 };
    table.values = vec![Vec::new(); table.columns.len()];
    for (n, line) in lines {
        let fields = split(line);
        if fields.len() != table.columns.len() {
            let text =
                format!("{name}, line {n}: {} fields where there are {} columns", fields.len(), table.columns.len());
            return Err(Fault::gate("unreadable", text));
        }
        for (k, field) in fields.into_iter().enumerate() {
            if labelled == Some(k) {
                table.label = Some(field);
            } else if is_number(&field) {
                table.values[k].push(field.parse().unwrap_or(f64::NAN));
            } else {
                let text = format!("{name}, line {n}: {field:?} is no number; fill it in, or leave the column out");
                return Err(Fault::gate("unreadable", text));
            }
        }
        table.rows += 1;
    }
    if table.rows == 0 {
        return Err(Fault::gate("short", format!("{name} has names and no row; a row is a step of readings")));
    }
    if let Some(k) = labelled {
        table.columns.remove(k);
        table.values.remove(k);
    }
    Ok(table)
}

pub(crate) async fn table(State(studio): Shared, Query(params): Params) -> Answer {
    computing(studio, move |studio| {
        let mut table = parse(needed(&params, "name")?, &bytes(studio, &params, Kind::Tables)?)?;
        table.every = table.rows.div_ceil(MOST_ROWS).max(1);
        let every = table.every;
        table.values.iter_mut().for_each(|column| *column = column.iter().copied().step_by(every).collect());
        Ok(json(&table))
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_read_and_their_faults_named() {
        let table = parse("a.csv", b"x,y,label\n1,2,up\n3,4.5,up\n").unwrap();
        assert_eq!((table.columns, table.rows, table.label), (vec!["x".into(), "y".into()], 2, Some("up".into())));
        assert_eq!(table.values, [[1.0, 3.0], [2.0, 4.5]]);
        assert_eq!(parse("a.csv", b"\n1;2\n3;4\n").unwrap().columns, ["1", "2"]);
        let fault = |text: &[u8]| parse("a.csv", text).unwrap_err().text().to_owned();
        assert!(fault(b"").contains("no row") && fault(b"x,y\n").contains("no row"));
        assert!(fault(b"x,y\n1,2\n1\n").contains("line 3: 1 fields"));
        assert!(fault(b"x,y\n1,nan\n").contains("line 2: \"nan\""));
        assert!(fault(b"\xff\xfe").contains("UTF-8"));
    }
}
