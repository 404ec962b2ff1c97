//! The scaling of each channel at a model's border, from what training data hold of it.
//!
//! An element stands for (v - offset) / unit in [`SCALED_FRAC`] fraction bits: ±4 units, or in a closed loop in
//! [`CLOSED_FRAC`]: ±8. The offset is the mean, the unit the deviation, or more where the values reach further. Single outliers
//! count for neither: values far beyond all but the outermost are taken as if they were at a fence.

use elman::scaling::{Channel, MAX_RAW_FRAC, MAX_SHIFT, MIN_MULTIPLIER};

use crate::scaling::SCALED_FRAC;

/// Of so many values the outermost on each side decides nothing.
const OUTERMOST: usize = 200;
/// Of so many values within the fence the outermost on each side may saturate.
const MAY_SATURATE: usize = 1000;
/// Fraction bits of the elements of a network that reads its own outputs: these go beyond the training data, and what
/// saturates there comes back.
pub const CLOSED_FRAC: u8 = SCALED_FRAC - 1;
/// What the values of a channel are given beyond their own reach.
const HEADROOM: f64 = 1.25;
/// A unit has no more than 2^this steps of a reading, where the readings are no whole numbers.
const UNIT_BITS: i32 = 17;

/// A number as a reading: floor(v·2^raw_frac + 1/2), saturated. What the device makes of an f32 and here of an f64.
pub fn reading(value: f64, raw_frac: i8) -> i32 {
    let y = value * 2f64.powi(raw_frac.into());
    (y.floor() + f64::from(u8::from(y - y.floor() >= 0.5))) as i32
}

/// The number that a reading stands for.
pub fn number(raw: i32, raw_frac: i8) -> f64 {
    f64::from(raw) * 2f64.powi(-i32::from(raw_frac))
}

/// Offset and unit of an input channel: an element x stands for offset + x / 2^frac·unit.
pub fn affine(channel: &Channel, frac: u8) -> (f64, f64) {
    let steps = f64::from(channel.multiplier) * 2f64.powi(i32::from(channel.shift) - 32);
    let unit = 2f64.powi(frac.into()) / steps * 2f64.powi(-i32::from(channel.raw_frac));
    (number(channel.offset, channel.raw_frac), unit)
}

/// The scaling of an input channel that never moved: its element is always 0, as no weight knows what else to make of it.
pub fn left_out(values: &[f64], frac: u8) -> Channel {
    Channel { multiplier: 0, shift: 0, ..input(values, frac) }
}

/// The scaling of an input channel with these training values to elements of `frac` fraction bits.
pub fn input(values: &[f64], frac: u8) -> Channel {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let [low, high] = fence(&sorted);
    sorted.iter_mut().for_each(|v| *v = v.clamp(low, high));
    let n = sorted.len().max(1) as f64;
    // From the first value on, so that a large offset costs no digits.
    let first = sorted.first().copied().unwrap_or(0.0);
    let offset = first + sorted.iter().map(|v| v - first).sum::<f64>() / n;
    let deviation = (sorted.iter().map(|v| (v - offset).powi(2)).sum::<f64>() / n).sqrt();
    let cut = if frac == CLOSED_FRAC { 0 } else { sorted.len() / MAY_SATURATE };
    let at = |k: usize| sorted.get(k).copied().unwrap_or(first);
    let reach = (at(sorted.len().saturating_sub(1 + cut)) - offset).max(offset - at(cut));
    let unit = deviation.max(reach * HEADROOM / 2f64.powi(15 - i32::from(frac)));
    // A constant channel has no unit of its own; should it move later, it should not do so by much.
    let unit = match unit > 0.0 {
        true => unit,
        false if offset != 0.0 => offset.abs(),
        false => 1.0,
    };
    channel(offset, unit, raw_frac(&sorted, unit, reach), frac)
}

/// Between which values those are that count in full.
fn fence(sorted: &[f64]) -> [f64; 2] {
    let range = |sorted: &[f64]| {
        let cut = if sorted.len() < 8 { 0 } else { (sorted.len() / OUTERMOST).max(2) };
        Some([*sorted.get(cut)?, *sorted.get(sorted.len().checked_sub(1 + cut)?)?])
    };
    let Some([mut low, mut high]) = range(sorted) else { return [0.0, 0.0] };
    if low == high {
        // Nearly all values are one: a flag that is seldom set. The others decide.
        let others: Vec<f64> = sorted.iter().copied().filter(|v| *v != low).collect();
        if let Some([least, most]) = range(&others) {
            (low, high) = (low.min(least), high.max(most));
        }
    }
    let width = high - low;
    [low - width, high + width]
}

/// Fraction bits of readings: 0 where all values are whole, else few where they are exact with these, else many.
fn raw_frac(values: &[f64], unit: f64, reach: f64) -> i8 {
    let magnitude = values.iter().fold(0f64, |m, v| m.max(v.abs()));
    let exact = |frac: i32| values.iter().all(|v| (v * 2f64.powi(frac)).fract() == 0.0);
    if exact(0) && magnitude < 2f64.powi(31) && reach <= 2f64.powi(30) {
        return 0;
    }
    let fits = |frac: i32| magnitude * 2f64.powi(frac) < 2f64.powi(31) && unit * 2f64.powi(frac) <= 2f64.powi(28);
    let most = i32::from(MAX_RAW_FRAC);
    let largest = (-most..=most).rev().find(|f| fits(*f)).unwrap_or(-most);
    let wanted = (0..UNIT_BITS).find(|f| exact(*f)).unwrap_or_else(|| (UNIT_BITS - unit.log2().floor() as i32).max(0));
    wanted.min(largest).clamp(-most, most) as i8
}

/// The numbers of an input channel.
fn channel(offset: f64, unit: f64, raw_frac: i8, frac: u8) -> Channel {
    // A step of an element is no more than 2^15 steps of a reading, and a unit not less than half of one.
    let steps = 2f64.powi(frac.into()) / (unit * 2f64.powi(raw_frac.into()));
    let steps = steps.clamp(2f64.powi(-15), 2f64.powi(14));
    let shift = (steps.log2().floor() as i32 + 15).clamp(0, i32::from(MAX_SHIFT));
    let multiplier = (steps * 2f64.powi(32 - shift)).round() as i32;
    Channel {
        raw_frac,
        offset: reading(offset, raw_frac),
        multiplier: multiplier.max(MIN_MULTIPLIER),
        shift: shift as u8,
    }
}

/// The scaling of an output with `out_frac` fraction bits, which stands for offset + y / 2^out_frac·unit.
pub fn output(offset: f64, unit: f64, out_frac: u8) -> Channel {
    let step = unit * 2f64.powi(16 - i32::from(out_frac));
    let fits = |frac: i32| {
        let factor = 2f64.powi(frac);
        (offset.abs() + 2f64.powi(15 - i32::from(out_frac)) * unit) * factor < 2f64.powi(31)
            && step * factor < 2f64.powi(30)
            && unit * factor < 2f64.powi(UNIT_BITS + 4)
    };
    let most = i32::from(MAX_RAW_FRAC);
    let frac = (-most..=most).rev().find(|f| fits(*f)).unwrap_or(-most) as i8;
    let multiplier = (step * 2f64.powi(frac.into())).round() as i32;
    Channel { raw_frac: frac, offset: reading(offset, frac), multiplier, shift: 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synthetic::Numbers;

    /// Values of mean and deviation that are about 0 and 1.
    fn normal(n: usize, seed: u64) -> Vec<f64> {
        let mut numbers = Numbers(seed);
        let mut one = || numbers.between(-1000, 1000) as f64 / 1000.0;
        (0..n).map(|_| (one() + one() + one()) * 1.0).collect()
    }

    /// What elements say of the values that they were made of.
    fn elements(channel: &Channel, values: &[f64]) -> (Vec<f64>, usize) {
        let (offset, unit) = affine(channel, SCALED_FRAC);
        let made: Vec<_> = values.iter().map(|v| channel.quantize(reading(*v, channel.raw_frac))).collect();
        let saturated = made.iter().filter(|(_, s)| *s).count();
        (made.iter().map(|(x, _)| offset + f64::from(*x) / 8192.0 * unit).collect(), saturated)
    }

    /// The same signal in any unit, from any offset: as many steps a deviation, and the values back.
    #[test]
    fn units_do_not_matter() {
        let signal = normal(3000, 1);
        for (scale, offset) in [
            (1.0, 0.0),
            (100.0, 101_325.0),
            (1e-6, 0.0),
            (1e-6, 3.3),
            (1e-9, -1e-6),
            (3e5, -8e6),
            (1e-5, 47.123),
            (100.0, 1.7e9),
            (2e8, 0.0),
            (1e12, 5e12),
            (1e-20, 0.0),
            (1e30, 0.0),
            (50.0, -2e9),
        ] {
            let values: Vec<f64> = signal.iter().map(|v| v * scale + offset).collect();
            let channel = input(&values, SCALED_FRAC);
            let (back, saturated) = elements(&channel, &values);
            let (_, unit) = affine(&channel, SCALED_FRAC);
            assert!((0.9..1.4).contains(&(unit / scale)), "{scale} {offset} {channel:?}");
            assert!(saturated == 0, "{scale} {offset}: {saturated}");
            // Half a step of the element and half a step of the reading.
            let most = unit / 8192.0 * 0.51 + 0.51 * 2f64.powi(-i32::from(channel.raw_frac));
            for (v, b) in values.iter().zip(back) {
                assert!((v - b).abs() <= most, "{scale} {offset}: {v} {b} {channel:?}");
            }
        }
    }

    #[test]
    fn whole_numbers_are_readings_as_they_are() {
        for (scale, offset) in [(300.0, 0.0), (40.0, -8e6), (1000.0, 101_325.0), (5e7, 3e8)] {
            let values: Vec<f64> = normal(500, 2).iter().map(|v| (v * scale + offset).round()).collect();
            assert_eq!(input(&values, SCALED_FRAC).raw_frac, 0, "{scale} {offset}");
        }
        // An accelerometer of 14 fraction bits, a tenth, numbers beyond 32 bits.
        let values: Vec<f64> = normal(500, 2).iter().map(|v| (v * 16384.0).round() / 16384.0).collect();
        assert_eq!(input(&values, SCALED_FRAC).raw_frac, 14);
        assert!(input(&[0.1, 0.2, 0.3], SCALED_FRAC).raw_frac > 16);
        let values: Vec<f64> = normal(500, 2).iter().map(|v| (v * 1e12).round()).collect();
        assert!(input(&values, SCALED_FRAC).raw_frac < 0);
    }

    /// One outlier, or several, leave the scaling as it was; they saturate.
    #[test]
    fn outliers_do_not_count() {
        for n in [20, 60, 300, 5000] {
            let clean = normal(n, 3);
            let (offset, unit) = affine(&input(&clean, SCALED_FRAC), SCALED_FRAC);
            for spike in [1e3, -1e3, 1e6, -1e9, 3e38] {
                let mut values = clean.clone();
                values[n / 2] = spike;
                let channel = input(&values, SCALED_FRAC);
                let (o, u) = affine(&channel, SCALED_FRAC);
                assert!((o - offset).abs() < 0.6 * unit && u / unit < 2.5, "{n} {spike}: {o} {u}, {offset} {unit}");
                assert_eq!(elements(&channel, &values).1, 1, "{n} {spike}");
            }
        }
    }

    #[test]
    fn rare_and_constant_values() {
        // A flag that is set once in 500, and once in 5000.
        for rare in [500, 5000] {
            let flags: Vec<f64> = (0..10_000).map(|k| f64::from(u8::from(k % rare == 0))).collect();
            let channel = input(&flags, SCALED_FRAC);
            let (zero, one) = (channel.quantize(0).0, channel.quantize(1).0);
            assert!(zero.abs() < 1000 && one > 8000, "{rare}: {zero} {one}");
        }
        for constant in [0.0, 5.0, -1e6, 1e-7] {
            let channel = input(&[constant; 50], SCALED_FRAC);
            let (x, saturated) = channel.quantize(reading(constant, channel.raw_frac));
            assert!(x.abs() <= 1 && !saturated, "{constant} {channel:?}");
        }
        let nothing = input(&[], SCALED_FRAC);
        assert_eq!(nothing.quantize(0), (0, false));
    }

    #[test]
    fn few_values_of_a_long_tail_saturate() {
        let values: Vec<f64> = normal(4000, 4).iter().map(|v| v.exp()).collect();
        assert!(elements(&input(&values, SCALED_FRAC), &values).1 <= 8);
        let channel = input(&values, CLOSED_FRAC);
        assert!(values.iter().all(|v| !channel.quantize(reading(*v, channel.raw_frac)).1));
    }

    /// A loop goes on beyond its training data.
    #[test]
    fn a_closed_loop_has_room() {
        let values = normal(3000, 5);
        let channel = input(&values, CLOSED_FRAC);
        assert!(
            !channel.quantize(reading(7.0, channel.raw_frac)).1 && channel.quantize(reading(9.0, channel.raw_frac)).1
        );
    }

    #[test]
    fn outputs_come_back() {
        for (offset, unit) in [(0.0, 1.0), (101_325.0, 50.0), (1e-6, 1e-7), (-8e6, 300.0), (2e9, 10.0), (1e12, 1e10)] {
            for out_frac in [0, 5, 10, 13, 15] {
                let channel = output(offset, unit, out_frac);
                for y in [i16::MIN, -1, 0, 1, 100, i16::MAX] {
                    let wanted = offset + f64::from(y) / 2f64.powi(out_frac.into()) * unit;
                    // Of the offset, the multiplier and the product: 1/2, 1/4 and 1/2 of a reading's step.
                    let most = 1.26 * 2f64.powi(-i32::from(channel.raw_frac));
                    let found = number(channel.restore(y), channel.raw_frac);
                    assert!(
                        (found - wanted).abs() <= most,
                        "{offset} {unit} {out_frac} {y}: {found} {wanted} {channel:?}"
                    );
                }
            }
        }
    }
}
