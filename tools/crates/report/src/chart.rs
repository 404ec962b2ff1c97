//! Line charts and histograms as inline SVG.

use super::html::{Escaped, short};
use super::{Histogram, Map, Scatter};
use std::fmt::Write;

const WIDTH: f64 = 560.0;
const HEIGHT: f64 = 240.0;
/// Margins left, top, right, bottom, for labels.
const MARGIN: [f64; 4] = [52.0, 12.0, 20.0, 34.0];
/// Distinguishable with colour blindness, too.
const COLOURS: [&str; 6] = ["#0b6e99", "#d1495b", "#3a7d44", "#8e5aa8", "#b5731d", "#555555"];

/// A curve; gaps where y is not finite.
pub(super) struct Line {
    pub(super) name: String,
    pub(super) points: Vec<(f64, f64)>,
}

/// Round steps that cover `low..=high` with about four marks.
fn ticks(low: f64, high: f64) -> Vec<f64> {
    let raw = (high - low) / 4.0;
    let power = 10f64.powf(raw.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|m| m * power).into_iter().find(|s| *s >= raw * 0.999).unwrap_or(raw);
    let first = (low / step).ceil() as i64;
    (first..=(high / step + 1e-9).floor() as i64).map(|k| k as f64 * step).collect()
}

/// The range of values, never empty.
fn range(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    let (low, high) = values.filter(|v| v.is_finite()).fold((f64::MAX, f64::MIN), |(l, h), v| (l.min(v), h.max(v)));
    match low <= high {
        true if high - low < 1e-12 * high.abs().max(1e-12) => {
            Some((low - 0.5 * low.abs().max(1e-3), high + 0.5 * high.abs().max(1e-3)))
        }
        true => Some((low, high)),
        false => None,
    }
}

/// Lines over a common axis. `y_range` fixes the scale; otherwise it starts at 0 or at the smallest value.
/// Empty where there is no finite point.
pub(super) fn lines(title: &str, x_name: &str, lines: &[Line], y_range: Option<(f64, f64)>) -> String {
    let points = || lines.iter().flat_map(|l| l.points.iter().copied());
    let finite = || points().filter(|p| p.0.is_finite() && p.1.is_finite());
    let (Some((x0, x1)), Some((y0, y1))) = (range(finite().map(|p| p.0)), range(finite().map(|p| p.1))) else {
        return String::new();
    };
    let (y0, y1) = y_range.unwrap_or((y0.min(0.0), y1));
    let [left, top, right, bottom] = MARGIN;
    let x = |v: f64| left + (v - x0) / (x1 - x0) * (WIDTH - left - right);
    let y = |v: f64| HEIGHT - bottom - (v.clamp(y0, y1) - y0) / (y1 - y0) * (HEIGHT - top - bottom);
    let lines = || lines.iter().filter(|l| !l.points.is_empty()).zip(COLOURS.iter().cycle());
    let mut svg = open(title);
    for v in ticks(y0, y1) {
        _ = write!(svg, "<path class=grid d='M{left:.1} {0:.1}H{1:.1}'/>", y(v), WIDTH - right);
        _ = write!(svg, "<text class=y x={:.1} y={:.1}>{}</text>", left - 6.0, y(v) + 4.0, short(v));
    }
    for v in ticks(x0, x1) {
        _ = write!(svg, "<text class=x x={:.1} y={:.1}>{}</text>", x(v), HEIGHT - bottom + 16.0, short(v));
    }
    _ = write!(svg, "<text class=x x={:.1} y={:.1}>{}</text>", WIDTH / 2.0, HEIGHT - 3.0, Escaped(x_name));
    for (line, colour) in lines() {
        let mut path = String::new();
        let mut pen_up = true;
        for &(px, py) in &line.points {
            if px.is_finite() && py.is_finite() {
                _ = write!(path, "{}{:.1} {:.1}", if pen_up { 'M' } else { 'L' }, x(px), y(py));
            }
            pen_up = !(px.is_finite() && py.is_finite());
        }
        _ = write!(svg, "<path class=line stroke='{colour}' d='{path}'/>");
    }
    svg.push_str("</svg><figcaption>");
    for (line, colour) in lines() {
        _ = write!(svg, "<span><i style='background:{colour}'></i>{}</span>", Escaped(&line.name));
    }
    svg.push_str("</figcaption></figure>");
    svg
}

/// Points over a logarithmic axis, those of a frontier filled. Empty where there is no point.
pub(super) fn scatter(data: &Scatter) -> String {
    let points = || data.points.iter().filter(|p| p.0 > 0.0 && p.0.is_finite() && p.1.is_finite());
    let xs = range(points().map(|p| p.0.ln()));
    let (Some((x0, x1)), Some((y0, y1))) = (xs, range(points().map(|p| p.1))) else { return String::new() };
    // Room for the circles at the ends.
    let (x0, x1) = (x0 - 0.05 * (x1 - x0), x1 + 0.15 * (x1 - x0));
    let (y0, y1) = (y0 - 0.08 * (y1 - y0), y1 + 0.08 * (y1 - y0));
    let [left, top, right, bottom] = MARGIN;
    let x = |v: f64| left + (v - x0) / (x1 - x0) * (WIDTH - left - right);
    let y = |v: f64| HEIGHT - bottom - (v - y0) / (y1 - y0) * (HEIGHT - top - bottom);
    let mut svg = open(&data.title);
    for v in ticks(y0, y1) {
        _ = write!(svg, "<path class=grid d='M{left:.1} {0:.1}H{1:.1}'/>", y(v), WIDTH - right);
        _ = write!(svg, "<text class=y x={:.1} y={:.1}>{}</text>", left - 6.0, y(v) + 4.0, short(v));
    }
    for k in 0..5 {
        let v = x0 + (x1 - x0) * f64::from(k) / 4.0;
        _ = write!(svg, "<text class=x x={:.1} y={:.1}>{}</text>", x(v), HEIGHT - bottom + 16.0, short(v.exp()));
    }
    _ = write!(svg, "<text class=x x={:.1} y={:.1}>{}</text>", WIDTH / 2.0, HEIGHT - 3.0, Escaped(&data.x_name));
    for (px, py, name, filled) in points() {
        let fill = if *filled { COLOURS[0] } else { "none" };
        let (cx, cy, name) = (x(px.ln()), y(*py), Escaped(name));
        _ = write!(
            svg,
            "<circle cx={cx:.1} cy={cy:.1} r=4 stroke='{}' fill='{fill}'><title>{name}</title></circle>",
            COLOURS[0]
        );
    }
    svg.push_str("</svg></figure>");
    svg
}

/// Bars of equal width. Empty where nothing was counted.
pub(super) fn histogram(data: &Histogram) -> String {
    let most = data.bins.iter().copied().max().unwrap_or(0);
    if most == 0 {
        return String::new();
    }
    let [left, top, right, bottom] = MARGIN;
    let width = (WIDTH - left - right) / data.bins.len() as f64;
    let mut svg = open(&data.title);
    for (i, &count) in data.bins.iter().enumerate() {
        let height = count as f64 / most as f64 * (HEIGHT - top - bottom);
        _ = write!(
            svg,
            "<rect fill='{}' x={:.1} y={:.1} width={:.1} height={height:.1} />",
            COLOURS[0],
            left + i as f64 * width,
            HEIGHT - bottom - height,
            (width - 1.0).max(0.5)
        );
    }
    _ = write!(svg, "<text class=y x={:.1} y={:.1}>{most}</text>", left - 6.0, top + 8.0);
    for (v, at) in [(data.low, left), ((data.low + data.high) / 2.0, WIDTH / 2.0), (data.high, WIDTH - right)] {
        _ = write!(svg, "<text class=x x={at:.1} y={:.1}>{}</text>", HEIGHT - bottom + 16.0, short(v));
    }
    svg.push_str("</svg></figure>");
    svg
}

/// Names at their places, both axes on one scale. Empty where there is no point.
pub(super) fn map(data: &Map) -> String {
    let points = || data.points.iter().filter(|p| p.0.is_finite() && p.1.is_finite());
    let (Some(xs), Some(ys)) = (range(points().map(|p| p.0)), range(points().map(|p| p.1))) else {
        return String::new();
    };
    let (width, height) = (2.0 * WIDTH, 2.5 * HEIGHT);
    let scale = ((width - 120.0) / (xs.1 - xs.0)).min((height - 40.0) / (ys.1 - ys.0));
    let title = Escaped(&data.title);
    let mut svg = format!(
        "<figure><h3>{title}</h3><svg style='max-width:{width}px' viewBox='0 0 {width} {height}' role=img \
         aria-label=\"{title}\">"
    );
    for (x, y, name) in points() {
        let at = (width / 2.0 + (x - (xs.0 + xs.1) / 2.0) * scale, height / 2.0 - (y - (ys.0 + ys.1) / 2.0) * scale);
        _ = write!(svg, "<text class=x x={:.1} y={:.1}>{}</text>", at.0, at.1 + 4.0, Escaped(name));
    }
    svg.push_str("</svg></figure>");
    svg
}

fn open(title: &str) -> String {
    let title = Escaped(title);
    format!("<figure><h3>{title}</h3><svg viewBox='0 0 {WIDTH} {HEIGHT}' role=img aria-label=\"{title}\">")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round() {
        assert_eq!(ticks(0.0, 1.0), [0.0, 0.5, 1.0]);
        assert_eq!(ticks(1.0, 41.0), [10.0, 20.0, 30.0, 40.0]);
        assert_eq!(ticks(0.0, 0.9).len(), 2);
    }

    #[test]
    fn maps_show_every_finite_point() {
        let point = |x: f64, name: &str| (x, 1.0, name.to_owned());
        let points = vec![point(1.0, "a<b"), point(f64::NAN, "lost"), point(3.0, "c")];
        let svg = map(&Map { title: "t".into(), points });
        assert!(svg.contains(">a&lt;b<") && svg.contains(">c<") && !svg.contains("lost") && !svg.contains("NaN"));
        assert_eq!(map(&Map::default()), "");
    }

    #[test]
    fn points_of_a_frontier_are_filled_and_named() {
        let points = vec![
            (10.0, 1.0, "a<b".to_owned(), true),
            (1e3, 0.5, "c".to_owned(), false),
            (0.0, 1.0, "none".to_owned(), true),
        ];
        let svg = scatter(&Scatter { title: "t".into(), x_name: "bytes".into(), points });
        assert_eq!((svg.matches("<circle").count(), svg.matches("fill='none'").count()), (2, 1));
        assert!(svg.contains("a&lt;b") && !svg.contains("NaN") && !svg.contains("none</title>"), "{svg}");
        assert_eq!(scatter(&Scatter::default()), "");
    }

    #[test]
    fn odd_data_draws_nothing_wrong() {
        let line = |points: Vec<(f64, f64)>| [Line { name: "a".into(), points }];
        assert_eq!(lines("t", "x", &line(vec![]), None), "");
        assert_eq!(lines("t", "x", &line(vec![(1.0, f64::NAN)]), None), "");
        for points in [vec![(1.0, 2.0)], vec![(1.0, 0.0), (2.0, 0.0)], vec![(1.0, 1e300), (2.0, f64::INFINITY)]] {
            let svg = lines("t", "x", &line(points), None);
            assert!(svg.contains("<path class=line") && !svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        }
        let gap = lines("t", "x", &line(vec![(1.0, 1.0), (2.0, f64::NAN), (3.0, 1.5)]), None);
        assert_eq!(gap.split("stroke=").nth(1).unwrap().matches('M').count(), 2);
    }
}
