//! Text into HTML.

use std::fmt::{self, Display, Write};

/// Text with everything escaped that HTML, attributes in double quotes included, gives a meaning to.
pub(super) struct Escaped<'a>(pub(super) &'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                // Controls have no place in a document.
                c if c.is_control() && c != '\n' && c != '\t' => f.write_char('\u{fffd}')?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// A table; cells of columns in `numbers` are aligned to the right.
pub(super) fn table(header: &[&str], numbers: &[usize], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let class = |i: usize| if numbers.contains(&i) { " class=n" } else { "" };
    let mut out = String::from("<div class=scroll><table><thead><tr>");
    for (i, name) in header.iter().enumerate() {
        _ = write!(out, "<th{}>{}</th>", class(i), Escaped(name));
    }
    out.push_str("</tr></thead><tbody>");
    for row in rows {
        out.push_str("<tr>");
        for (i, cell) in row.iter().enumerate() {
            _ = write!(out, "<td{}>{}</td>", class(i), Escaped(cell));
        }
        out.push_str("</tr>");
    }
    out.push_str("</tbody></table></div>");
    out
}

/// A number with about three significant digits.
pub(super) fn short(v: f64) -> String {
    match v.abs() {
        a if !a.is_finite() => if v > 0.0 {
            "∞"
        } else if v < 0.0 {
            "-∞"
        } else {
            "–"
        }
        .to_owned(),
        0.0 => "0".to_owned(),
        a if !(1e-3..1e6).contains(&a) => format!("{v:.1e}"),
        a if a < 100.0 => {
            let digits = if a < 1.0 { 3 } else { 2 };
            format!("{v:.digits$}").trim_end_matches('0').trim_end_matches('.').to_owned()
        }
        _ => format!("{v:.0}"),
    }
}
