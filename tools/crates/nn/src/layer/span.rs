//! Neighbouring steps as one matrix, so that a product over them is one, not many small ones.

/// Rows that one product takes at most; what it reads should stay in the cache.
const ROWS: usize = 256;

/// Steps `from..to`, whose rows follow one another: all but the last have every row in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// First step.
    pub from: usize,
    /// After the last step.
    pub to: usize,
    /// Rows of all steps.
    pub rows: usize,
}

/// Cuts the steps for which `with` holds into spans.
pub fn spans(rows: &[usize], size: usize, with: impl Fn(usize) -> bool) -> impl Iterator<Item = Span> {
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < rows.len() && !with(at) {
            at += 1;
        }
        let from = at;
        let mut sum = 0;
        while at < rows.len() && with(at) && (at == from || sum + rows[at] <= ROWS) {
            sum += rows[at];
            at += 1;
            if rows[at - 1] < size {
                break;
            }
        }
        (at > from).then_some(Span { from, to: at, rows: sum })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn end_where_rows_do() {
        let cut = |rows: &[usize], with: fn(usize) -> bool| {
            spans(rows, 3, with).map(|s| (s.from, s.to, s.rows)).collect::<Vec<_>>()
        };
        assert_eq!(cut(&[3, 3, 2, 2, 1], |_| true), [(0, 3, 8), (3, 4, 2), (4, 5, 1)]);
        assert_eq!(cut(&[3, 3, 3, 3], |t| t != 1), [(0, 1, 3), (2, 4, 6)]);
        assert_eq!(cut(&[3, 3], |_| false), []);
        let long: Vec<_> = cut(&[3; 100], |_| true);
        assert_eq!(long, [(0, 85, 255), (85, 100, 45)]);
    }
}
