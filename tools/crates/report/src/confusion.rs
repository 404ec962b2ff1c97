//! A confusion matrix as a table whose cells are shaded.

use super::Confusion;
use super::html::Escaped;
use std::fmt::Write;

/// Rows: label; columns: answer. The last column is the share of the row that is right.
pub(super) fn render(confusion: &Confusion) -> String {
    let Confusion { title, labels, counts } = confusion;
    let total: u64 = counts.iter().flatten().sum();
    let right: u64 = counts.iter().enumerate().filter_map(|(i, row)| row.get(i)).sum();
    let mut out = format!(
        "<figure><h3>{}: {:.2} % of {total}</h3><div class=scroll><table class=confusion><thead><tr><th></th>",
        Escaped(title),
        100.0 * right as f64 / total.max(1) as f64
    );
    for label in labels {
        _ = write!(out, "<th class=up><span>{}</span></th>", Escaped(label));
    }
    out.push_str("<th class=n>right</th></tr></thead><tbody>");
    for (i, (label, row)) in labels.iter().zip(counts).enumerate() {
        let sum: u64 = row.iter().sum();
        _ = write!(out, "<tr><th>{}</th>", Escaped(label));
        for (j, &count) in row.iter().enumerate() {
            let share = count as f64 / sum.max(1) as f64;
            // Errors are shaded more strongly: they are few and are what one looks for.
            let (colour, alpha) = if i == j { ("11,110,153", 0.75 * share) } else { ("209,73,91", share.sqrt()) };
            match count {
                0 => out.push_str("<td class=n></td>"),
                _ => _ = write!(out, "<td class=n style='background:rgba({colour},{alpha:.2})'>{count}</td>"),
            }
        }
        let own = row.get(i).copied().unwrap_or(0);
        _ = write!(out, "<td class=n>{:.1} %</td></tr>", 100.0 * own as f64 / sum.max(1) as f64);
    }
    out.push_str("</tbody></table></div><figcaption>rows: label, columns: answer</figcaption></figure>");
    out
}
