//! How far a count or a share may be off by chance.

/// 95 % of a normal distribution lie within so many deviations.
const Z: f64 = 1.959_964;

/// The mean number of events, with 95 % confidence, where `n` were counted: the exact interval of a Poisson distribution
/// (Garwood 1936).
pub fn poisson(n: usize) -> [f64; 2] {
    // Below the lower end n or more are too rare, above the upper one n or fewer.
    let low = n.checked_sub(1).map_or(0.0, |below| mean_at(below, 1.0 - TAIL));
    [low, mean_at(n, TAIL)]
}

/// The share of all cases beyond each end.
const TAIL: f64 = 0.025;

/// The mean at which `n` events or fewer have this probability, which falls as the mean rises.
fn mean_at(n: usize, probability: f64) -> f64 {
    let at_most = |mean: f64| -> f64 {
        let mut log = -mean;
        (0..=n).fold(0.0, |sum, k| {
            log += if k == 0 { 0.0 } else { (mean / k as f64).ln() };
            sum + log.exp()
        })
    };
    let n = n as f64;
    let (mut low, mut high) = (1e-9, n + 10.0 * (n + 1.0).sqrt());
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        *(if at_most(middle) > probability { &mut low } else { &mut high }) = middle;
    }
    low
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

    /// The published tables of the Poisson interval; Wilson (1927) for 10 of 20.
    #[test]
    fn intervals_are_those_of_the_tables() {
        for (n, low, high) in
            [(0, 0.0, 3.689), (1, 0.0253, 5.572), (4, 1.090, 10.242), (20, 12.217, 30.888), (100, 81.364, 121.627)]
        {
            let [a, b] = poisson(n);
            assert!((a - low).abs() < 1e-3 && (b - high).abs() < 1e-3, "{n}: {a} {b}");
        }
        assert_eq!(share(0, 0), None);
        let [a, b] = share(10, 20).unwrap();
        assert!((a - 0.2993).abs() < 1e-3 && (b - 0.7007).abs() < 1e-3, "{a} {b}");
        assert_eq!(share(0, 9).unwrap()[0], 0.0);
    }
}
