//! Where in a clip the word is.

use std::ops::Range;

/// Parts of a second over which energy is taken.
const PARTS: usize = 100;

/// The samples between the first and the last part of a clip in which the word is audible: parts of 10 ms whose level is
/// above a third of the way, in dB, from the quiet tenth of the clip to its loudest part. The whole clip, where it is too
/// short or all of one level.
pub fn extent(samples: &[i16], rate: u32) -> Range<usize> {
    let part = (rate as usize / PARTS).max(1);
    let level = |s: &[i16]| {
        let power = s.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / s.len().max(1) as f64;
        10.0 * (power + 1.0).log10()
    };
    let raw: Vec<f64> = samples.chunks(part).map(level).collect();
    // The mean of five parts, so that a click is no word.
    let smooth: Vec<f64> = (0..raw.len())
        .map(|k| {
            let around = &raw[k.saturating_sub(2)..(k + 3).min(raw.len())];
            around.iter().sum::<f64>() / around.len() as f64
        })
        .collect();
    let mut sorted = smooth.clone();
    sorted.sort_by(f64::total_cmp);
    let (Some(quiet), Some(loud)) = (sorted.get(sorted.len() / 10), sorted.last()) else { return 0..samples.len() };
    if loud - quiet < 6.0 {
        return 0..samples.len();
    }
    let limit = quiet + (loud - quiet) / 3.0;
    let first = smooth.iter().position(|l| *l > limit).unwrap_or(0);
    let last = smooth.iter().rposition(|l| *l > limit).unwrap_or(smooth.len() - 1);
    first * part..((last + 1) * part).min(samples.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_in_noise_is_found() {
        let mut samples: Vec<i16> = (0..16_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 25) as i16 - 64).collect();
        for (i, x) in samples.iter_mut().enumerate().take(9000).skip(5000) {
            *x += (6000.0 * (i as f64 * 0.3).sin()) as i16;
        }
        let found = extent(&samples, 16_000);
        assert!((4600..=5000).contains(&found.start) && (9000..=9400).contains(&found.end), "{found:?}");
        assert_eq!(extent(&[0; 16_000], 16_000), 0..16_000);
        assert_eq!(extent(&[], 16_000), 0..0);
    }
}
