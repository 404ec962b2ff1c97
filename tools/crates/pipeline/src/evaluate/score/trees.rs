//! Answers over trees: at the root, on which side of a scale, and by the size of the example.

use std::collections::BTreeMap;

/// The middle of labels that are a scale: numbers in order, an odd count of at least three.
pub fn middle(labels: &[String]) -> Option<usize> {
    let numbers: Option<Vec<i64>> = labels.iter().map(|l| l.parse().ok()).collect();
    let ordered = numbers?.windows(2).all(|w| w[0] < w[1]);
    (ordered && labels.len() >= 3 && labels.len() % 2 == 1).then_some(labels.len() / 2)
}

/// How much more probable labels above the middle are than those below: Σ p above minus Σ p below, p = softmax(scores).
pub fn side(scores: &[f32], middle: usize) -> f64 {
    if middle >= scores.len() {
        return 0.0;
    }
    let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let p: Vec<f64> = scores.iter().map(|s| f64::from(s - most).exp()).collect();
    let sum = |part: &[f64]| part.iter().sum::<f64>();
    (sum(&p[middle + 1..]) - sum(&p[..middle])) / sum(&p)
}

/// Right and all of each size.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BySize(pub BTreeMap<usize, (u64, u64)>);

impl BySize {
    /// Counts an answer.
    pub fn add(&mut self, size: usize, right: bool) {
        let (rights, all) = self.0.entry(size).or_default();
        *rights += u64::from(right);
        *all += 1;
    }

    /// Share of right answers of each size, smallest first.
    pub fn shares(&self) -> impl Iterator<Item = (usize, f64)> + '_ {
        self.0.iter().map(|(size, (right, all))| (*size, super::share(*right, *all)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn a_scale_has_a_middle() {
        assert_eq!(middle(&labels("0 1 2 3 4")), Some(2));
        assert_eq!(middle(&labels("-1 0 1")), Some(1));
        for none in ["0 1 2 3", "1", "a b c", "2 1 3"] {
            assert_eq!(middle(&labels(none)), None, "{none}");
        }
    }

    /// The middle itself does not count, however probable.
    #[test]
    fn sides_are_sums_of_probabilities() {
        let ln = |p: f32| p.ln();
        let scores = [ln(0.1), ln(0.15), ln(0.45), ln(0.2), ln(0.1)];
        assert!((side(&scores, 2) - 0.05).abs() < 1e-6);
        assert!((side(&[5.0, 900.0, 5.0], 1)).abs() < 1e-12);
    }

    #[test]
    fn sizes_apart() {
        let mut by = BySize::default();
        for (size, right) in [(2, true), (12, false), (2, false), (12, true), (12, true)] {
            by.add(size, right);
        }
        assert_eq!(by.shares().collect::<Vec<_>>(), [(2, 0.5), (12, 2.0 / 3.0)]);
    }
}
