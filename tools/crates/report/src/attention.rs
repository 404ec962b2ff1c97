//! The attention weights of a decoder as a picture: a row per symbol written, a column per symbol read.

use super::Attention;
use super::html::Escaped;
use std::fmt::Write;

/// Side of a square.
const SIDE: usize = 18;
/// Width of a character of a label.
const LETTER: usize = 8;

/// Longest of some labels, in characters.
fn longest(labels: &[String]) -> usize {
    labels.iter().map(|l| l.chars().count()).max().unwrap_or(0)
}

pub(super) fn render(attention: &Attention) -> String {
    let Attention { title, read, written, weights } = attention;
    let (left, top) = (longest(written) * LETTER + 12, longest(read) * LETTER + 12);
    let (width, height) = (left + read.len() * SIDE + 4, top + written.len() * SIDE + 4);
    let mut out = format!(
        "<figure><h3>{}</h3><svg viewBox=\"0 0 {width} {height}\" style=\"max-width:{width}px\" role=img>",
        Escaped(title)
    );
    for (k, label) in read.iter().enumerate() {
        let x = left + k * SIDE + SIDE / 2 + 4;
        let y = top - 6;
        _ = write!(out, "<text x={x} y={y} transform=\"rotate(-90 {x} {y})\">{}</text>", Escaped(label));
    }
    for (t, (label, weights)) in written.iter().zip(weights).enumerate() {
        let y = top + t * SIDE;
        _ = write!(out, "<text class=y x={} y={}>{}</text>", left - 6, y + SIDE - 5, Escaped(label));
        for (k, weight) in weights.iter().enumerate() {
            let x = left + k * SIDE;
            let alpha = weight.clamp(0.0, 1.0);
            _ = write!(
                out,
                "<rect x={x} y={y} width={0} height={0} fill=\"#0b6e99\" fill-opacity={alpha:.2}><title>{weight:.3}</title></rect>",
                SIDE - 1
            );
        }
    }
    out.push_str("</svg><figcaption>rows: written, columns: read; the darker, the more weight</figcaption></figure>");
    out
}
