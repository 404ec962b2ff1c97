//! docs/frontier.md and docs/frontier.svg, made from docs/frontier.toml, which keeps the points of each data set.

use std::collections::BTreeMap;
use std::fmt::Write;

use anyhow::{Context, Result};
use elman_figures::root;
use elman_report::on_frontier;
use elman_tools::ui::thousands;
use plotters::prelude::*;
use serde::{Deserialize, Serialize};

use super::{Point, mean};

/// What a data set's networks reached.
#[derive(Debug, Serialize, Deserialize)]
struct Set {
    split: String,
    seeds: u64,
    #[serde(default)]
    points: Vec<Point>,
}

/// Keeps the points of a data set, and writes page and picture of all.
pub(super) fn write(set: &str, split: &str, seeds: u64, points: Vec<Point>) -> Result<()> {
    let file = root().join("docs/frontier.toml");
    let mut sets: BTreeMap<String, Set> = match std::fs::read_to_string(&file) {
        Ok(text) => toml::from_str(&text).with_context(|| file.display().to_string())?,
        Err(_) => BTreeMap::new(),
    };
    let kept = sets.remove(set).filter(|set| set.split == split && set.seeds == seeds).map(|set| set.points);
    let new = |other: &Point| points.iter().all(|point| point.name() != other.name());
    let mut all: Vec<Point> = kept.unwrap_or_default().into_iter().filter(new).collect();
    all.extend(points);
    sets.insert(set.to_owned(), Set { split: split.to_owned(), seeds, points: all });
    std::fs::write(&file, toml::to_string(&sets)?)?;
    std::fs::write(root().join("docs/frontier.md"), page(&sets)?)?;
    for (name, set) in &sets {
        picture(name, set)?;
    }
    Ok(())
}

/// Whether no other point is at least as good with at most as much of everything.
fn is_on_frontier(point: &Point, points: &[Point], cost: impl Fn(&Point) -> f64) -> bool {
    let of = |p: &Point| (cost(p), p.accuracy());
    on_frontier(of(point), &points.iter().map(of).collect::<Vec<_>>())
}

fn flash(point: &Point) -> f64 {
    point.flash as f64
}

fn work(point: &Point) -> f64 {
    point.work().unwrap_or(f64::INFINITY)
}

fn page(sets: &BTreeMap<String, Set>) -> Result<String> {
    let mut text = String::from(
        "# Accuracy against flash and instructions\n\n\
         Written by `cargo xtask frontier --data DIR --write-docs`. Each network is trained in float; in int8 it is rounded after that, \
         in int4 and int2 training goes on along the device's integers ([quantization.md](quantization.md)). The figure is that of the \
         integers; flash is that of weights, biases and scales; instructions are counted on the emulated Cortex-M4 through the whole \
         of a step, without the front end, and the core's answers are compared bit for bit. ** marks a network that no other one beats at \
         as much flash, * one that none beats at as many instructions. `conv` is a convolution over three frames in front, with an output \
         every second frame.\n\n\
         Others published on their data, not on these: Hello Edge (Speech Commands v1, 12 classes) GRU-154 93.5 % in 78.8 KB, LSTM 92.9 % in \
         79.5 KB; FastGRNN (Speech Commands, another split) 92.1 % in 5.5 KB.\n",
    );
    for (name, set) in sets {
        let of_sound = set.points.iter().any(|p| p.steps_per_second.is_some());
        let per = if of_sound { "M4, million instructions a second" } else { "M4, instructions a step" };
        writeln!(
            text,
            "\n## {name}\n\nAccuracy on the {} split in %, mean of {} seeds (each in brackets).\n\n![{name}](frontier-{name}.svg)\n\n\
             | network | weights | float | integers | flash | RAM | {per} | bit-exact |\n|---|---|---|---|---|---|---|---|",
            set.split, set.seeds
        )?;
        let mut points: Vec<&Point> = set.points.iter().collect();
        points.sort_by(|a, b| b.accuracy().total_cmp(&a.accuracy()));
        for p in points {
            let mut marks = String::new();
            if is_on_frontier(p, &set.points, flash) {
                marks.push_str("**");
            }
            if is_on_frontier(p, &set.points, work) {
                marks.push('*');
            }
            let each = p.integer.iter().map(|a| format!("{a:.1}")).collect::<Vec<_>>().join(" ");
            let work = match p.work() {
                Some(work) if of_sound => format!("{:.3}", work / 1e6),
                Some(work) => thousands(work.round() as u64),
                None => "-".to_owned(),
            };
            writeln!(
                text,
                "| {} {} | {} | {:.2} | {:.2} ({each}) | {} B | {} B | {work} | {} |",
                p.network(),
                marks.replace('*', "\\*"),
                p.weights,
                mean(&p.float),
                p.accuracy(),
                thousands(p.flash as u64),
                thousands(p.ram as u64),
                p.bit_exact.map_or("not run", |exact| if exact { "yes" } else { "NO" }),
            )?;
        }
    }
    Ok(text)
}

/// Colour of a weight format.
fn colour(weights: &str) -> RGBColor {
    match weights {
        "int8" => RGBColor(11, 110, 153),
        "int4" => RGBColor(209, 73, 91),
        _ => RGBColor(58, 125, 68),
    }
}

/// Two charts side by side: accuracy against flash, and against instructions.
fn picture(name: &str, set: &Set) -> Result<()> {
    let path = root().join(format!("docs/frontier-{name}.svg"));
    let area = SVGBackend::new(&path, (1000, 420)).into_drawing_area();
    area.fill(&WHITE)?;
    let (left, right) = area.split_horizontally(500);
    chart(&left, set, "flash of the weights, bytes", flash)?;
    let of_sound = set.points.iter().any(|p| p.steps_per_second.is_some());
    chart(&right, set, if of_sound { "M4 instructions a second" } else { "M4 instructions a step" }, work)?;
    area.present()?;
    Ok(())
}

fn chart(
    area: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>,
    set: &Set,
    cost_name: &str,
    cost: impl Fn(&Point) -> f64,
) -> Result<()> {
    let points: Vec<&Point> = set.points.iter().filter(|p| cost(p).is_finite()).collect();
    let extremes = |values: &[f64]| {
        values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(*v), high.max(*v)))
    };
    let (least, most) = extremes(&points.iter().map(|p| cost(p)).collect::<Vec<_>>());
    let (low, high) = extremes(&points.iter().map(|p| p.accuracy()).collect::<Vec<_>>());
    if points.is_empty() {
        return Ok(());
    }
    let mut chart = ChartBuilder::on(area)
        .margin(12)
        .x_label_area_size(38)
        .y_label_area_size(46)
        .build_cartesian_2d((least * 0.8..most * 1.5).log_scale(), low - 0.5..(high + 0.5).min(100.5))?;
    chart.configure_mesh().x_desc(cost_name).y_desc("accuracy of the integers, %").light_line_style(WHITE).draw()?;
    for weights in ["int8", "int4", "int2"] {
        let own = points.iter().filter(|p| p.weights == weights);
        let circles = own.clone().map(|p| Circle::new((cost(p), p.accuracy()), 4, colour(weights).filled()));
        chart
            .draw_series(circles)?
            .label(weights)
            .legend(move |(x, y)| Circle::new((x + 8, y), 4, colour(weights).filled()));
        let text = ("sans-serif", 10).into_font().color(&BLACK);
        chart.draw_series(
            own.map(|p| EmptyElement::at((cost(p), p.accuracy())) + Text::new(p.network(), (6, -4), text.clone())),
        )?;
    }
    chart.configure_series_labels().position(SeriesLabelPosition::LowerRight).border_style(BLACK).draw()?;
    Ok(())
}
