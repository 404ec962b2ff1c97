//! How far a count or a share may be off by chance.

/// 95 % of a normal distribution lie within so many deviations.
const Z: f64 = 1.959_964;

/// The mean number of events, with 95 % confidence, where `n` were counted: Byar's approximation of the exact interval, within
/// 1 % of it.
pub fn poisson(n: usize) -> [f64; 2] {
    let end = |n: f64, z: f64| n * (1.0 - 1.0 / (9.0 * n) + z / (3.0 * n.sqrt())).powi(3);
    let n = n as f64;
    [if n > 0.0 { end(n, -Z).max(0.0) } else { 0.0 }, end(n + 1.0, Z)]
}

/// The share, with 95 % confidence, where `k` of `n` were counted (Wilson's score interval); `None` of nothing.
pub fn share(k: usize, n: usize) -> Option<[f64; 2]> {
    if n == 0 {
        return None;
    }
    let (p, n) = (k as f64 / n as f64, n as f64);
    let middle = p + Z * Z / (2.0 * n);
    let half = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + Z * Z / n;
    Some([((middle - half) / scale).max(0.0), ((middle + half) / scale).min(1.0)])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tables of the exact Poisson interval; Wilson (1927) for 10 of 20.
    #[test]
    fn intervals_are_those_of_the_tables() {
        for (n, low, high) in [(0, 0.0, 3.689), (1, 0.0253, 5.572), (4, 1.090, 10.242), (20, 12.217, 30.888)] {
            let [a, b] = poisson(n);
            assert!((a - low).abs() < 0.02 && (b - high).abs() < 0.03, "{n}: {a} {b}");
        }
        assert_eq!(share(0, 0), None);
        let [a, b] = share(10, 20).unwrap();
        assert!((a - 0.2993).abs() < 1e-3 && (b - 0.7007).abs() < 1e-3, "{a} {b}");
        assert_eq!(share(0, 9).unwrap()[0], 0.0);
    }
}
