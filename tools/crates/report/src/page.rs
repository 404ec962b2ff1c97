//! The page: its parts in order.

use super::chart::{Line, histogram, lines, map, scatter};
use super::html::{Escaped, short, table};
use super::{Epoch, Fact, Layer, Report, Scatter, Table, attention, confusion, scene};
use std::fmt::Write;

const STYLE: &str = "
:root{color-scheme:light}
body{font:16px/1.5 system-ui,sans-serif;color:#222;background:#fff;margin:0 auto;max-width:1180px;padding:16px}
h1{font-size:1.5rem;margin:.5rem 0}h2{font-size:1.15rem;margin:2rem 0 .5rem;border-bottom:1px solid #ddd}
h3{font-size:.95rem;margin:0 0 .25rem;font-weight:600}
.cards{display:flex;flex-wrap:wrap;gap:10px}
.card{border:1px solid #ddd;border-radius:8px;padding:8px 14px;min-width:110px}
.card b{display:block;font-size:1.3rem;font-weight:600}.card small{color:#666;display:block}
.grid2{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,420px),1fr));gap:20px}
figure{margin:8px 0;min-width:0}figcaption{font-size:.85rem;color:#555}figcaption span{margin-right:14px;white-space:nowrap}
figcaption i{display:inline-block;width:12px;height:12px;border-radius:3px;margin-right:5px}
svg{width:100%;max-width:620px;height:auto;display:block}svg text{font:12px system-ui,sans-serif;fill:#555}
.grid{stroke:#e6e6e6;fill:none}.line{fill:none;stroke-width:2;stroke-linejoin:round}.y{text-anchor:end}.x{text-anchor:middle}
.scroll{overflow-x:auto}table{border-collapse:collapse;font-size:.9rem}
th,td{padding:4px 9px;border-bottom:1px solid #eee;text-align:left;vertical-align:bottom}
.n{text-align:right;font-variant-numeric:tabular-nums}
.confusion td{border:1px solid #eee;padding:3px 6px;min-width:1.6em}
.up span{writing-mode:vertical-rl;transform:rotate(180deg)}
pre{background:#f6f6f6;padding:12px;overflow-x:auto;font-size:.85rem;border-radius:8px}";

/// The page up to its heading.
fn head(title: &str) -> String {
    let title = Escaped(title);
    format!(
        "<!DOCTYPE html>\n<html lang=en><head><meta charset=utf-8>\
        <meta name=viewport content=\"width=device-width,initial-scale=1\"><title>{title}</title>\
        <style>{STYLE}</style></head><body><h1>{title}</h1>\n"
    )
}

/// A page of one part.
pub(super) fn one(title: &str, content: &str) -> String {
    format!("{}{content}\n</body></html>\n", head(title))
}

/// A page of cards, charts, tables and a text.
pub(super) fn overview(title: &str, summary: &[Fact], charts: &[Scatter], tables: &[Table], text: &str) -> String {
    let mut out = head(title);
    part(&mut out, "", cards(summary));
    part(&mut out, "", grid(charts.iter().map(scatter)));
    for t in tables {
        let header: Vec<&str> = t.header.iter().map(String::as_str).collect();
        let content = if t.rows.is_empty() { String::new() } else { table(&header, &t.numbers, t.rows.clone()) };
        part(&mut out, &Escaped(&t.title).to_string(), content);
    }
    part(&mut out, "", if text.is_empty() { String::new() } else { format!("<pre>{}</pre>", Escaped(text)) });
    out.push_str("</body></html>\n");
    out
}

pub(super) fn render(report: &Report) -> String {
    let mut out = head(&report.title);
    part(&mut out, "", cards(&report.summary));
    part(&mut out, "Training", training(&report.epochs, &report.loss_of));
    part(&mut out, "Confusion", grid(report.confusions.iter().map(confusion::render)));
    part(&mut out, "Detection", detection(report));
    part(&mut out, "Misses and false accepts", grid(report.scenes.iter().map(scene::render)));
    part(&mut out, "Attention", grid(report.attention.iter().map(attention::render)));
    part(&mut out, "Quantization, layer by layer", layers(&report.layers));
    part(&mut out, "Embedding", report.maps.iter().map(map).collect());
    part(&mut out, "Weights", grid(report.histograms.iter().map(histogram)));
    part(&mut out, "Memory and instructions", facts(&report.costs));
    part(&mut out, "Notes", notes(&report.notes));
    let recipe =
        if report.recipe.is_empty() { String::new() } else { format!("<pre>{}</pre>", Escaped(&report.recipe)) };
    part(&mut out, "Recipe", recipe);
    out.push_str("</body></html>\n");
    out
}

/// A heading and its content; nothing without content.
fn part(out: &mut String, heading: &str, content: String) {
    if content.is_empty() {
        return;
    }
    if !heading.is_empty() {
        _ = write!(out, "<h2>{heading}</h2>");
    }
    out.push_str(&content);
    out.push('\n');
}

fn grid(figures: impl Iterator<Item = String>) -> String {
    let all: String = figures.collect();
    if all.is_empty() { all } else { format!("<div class=grid2>{all}</div>") }
}

fn cards(facts: &[Fact]) -> String {
    let card = |f: &Fact| {
        let (name, value, unit, note) = (Escaped(&f.name), Escaped(&f.value), Escaped(&f.unit), Escaped(&f.note));
        format!("<div class=card><small>{name}</small><b>{value} {unit}</b><small>{note}</small></div>")
    };
    let all: String = facts.iter().map(card).collect();
    if all.is_empty() { all } else { format!("<div class=cards>{all}</div>") }
}

fn facts(facts: &[Fact]) -> String {
    if facts.is_empty() {
        return String::new();
    }
    let rows = facts.iter().map(|f| vec![f.name.clone(), f.value.clone(), f.unit.clone(), f.note.clone()]);
    table(&["what", "value", "unit", "note"], &[1], rows)
}

fn notes(notes: &[String]) -> String {
    let all: String = notes.iter().map(|n| format!("<li>{}</li>", Escaped(n))).collect();
    if all.is_empty() { all } else { format!("<ul>{all}</ul>") }
}

fn training(epochs: &[Epoch], loss_of: &str) -> String {
    let curve = |name: &str, value: fn(&Epoch) -> Option<f64>| Line {
        name: name.into(),
        points: epochs.iter().filter_map(|e| Some((e.epoch as f64, value(e)?))).collect(),
    };
    let loss = [curve("train", |e| e.train_loss), curve("valid", |e| e.valid_loss)];
    let accuracy =
        [curve("train", |e| Some(100.0 * e.train_accuracy?)), curve("valid", |e| Some(100.0 * e.valid_accuracy?))];
    let worst = accuracy.iter().flat_map(|l| &l.points).fold(100.0, |low: f64, p| low.min(p.1));
    let range = Some((10.0 * (worst / 10.0).floor().clamp(0.0, 9.0), 100.0));
    let title = if loss_of.is_empty() { "Loss".to_owned() } else { format!("Loss a {loss_of}") };
    let charts = [lines(&title, "epoch", &loss, None), lines("Accuracy in %", "epoch", &accuracy, range)];
    grid(charts.into_iter())
}

fn detection(report: &Report) -> String {
    let points = report.trade_off.iter().map(|(alarms, missed)| (*alarms, 100.0 * missed)).collect();
    let curve = Line { name: "words missed, in %".into(), points };
    lines("Words missed over false accepts an hour", "false accepts an hour", &[curve], None)
}

fn layers(layers: &[Layer]) -> String {
    if layers.is_empty() {
        return String::new();
    }
    let rows = layers.iter().map(|l| {
        let share = 100.0 * l.saturated as f64 / l.outputs.max(1) as f64;
        vec![
            l.name.clone(),
            l.weights_db.map_or("–".into(), short),
            short(l.output_db),
            format!("{} ({} %)", l.saturated, short(share)),
        ]
    });
    let head = ["layer", "weights, SNR in dB", "output, SNR in dB", "saturated outputs"];
    let drift: Vec<Line> = layers
        .iter()
        .filter(|l| l.drift.len() > 1)
        .map(|l| Line {
            name: l.name.clone(),
            // Exactly 0 is a step at which nothing was compared, or a layer that rounds nothing.
            points: l.drift.iter().enumerate().filter(|(_, e)| **e > 0.0).map(|(t, &e)| (t as f64, e)).collect(),
        })
        .collect();
    let drift = lines("Drift: error of the output at each time step (RMS)", "time step", &drift, None);
    format!("{}{}", table(&head, &[1, 2, 3], rows), grid([drift].into_iter()))
}
