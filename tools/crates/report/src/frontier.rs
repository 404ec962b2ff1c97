//! The frontier of two aims: much of one for little of another.

/// Whether no other point is at least as good at no more cost. Points are (cost, merit); more merit is better.
pub fn on_frontier(point: (f64, f64), points: &[(f64, f64)]) -> bool {
    !points.iter().any(|other| {
        let at_least = other.1 >= point.1 && other.0 <= point.0;
        at_least && (other.1 > point.1 || other.0 < point.0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_another_beats_is_not_on_it() {
        let points = [(1.0, 1.0), (2.0, 3.0), (3.0, 2.0), (4.0, 3.0), (1.0, 1.0)];
        let on: Vec<bool> = points.iter().map(|p| on_frontier(*p, &points)).collect();
        assert_eq!(on, [true, true, false, false, true]);
    }
}
