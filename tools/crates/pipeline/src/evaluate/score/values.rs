//! How far values are off.

use serde::{Deserialize, Serialize};

/// Deviation of one output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Deviation {
    /// Root of the mean square of answer - target, in the output's unit.
    pub rmse: f64,
    /// The same over the standard deviation of the targets: 1 is what the mean would reach, 0 is exact.
    pub nrmse: f64,
    /// Largest absolute difference, in the output's unit.
    pub most: f64,
}

/// Deviation of each output, from `[steps * outputs]` values, the first `skip` steps left out.
///
/// Where the targets do not vary, `nrmse` is 0 if they are met and infinite otherwise. Values beyond the shorter of
/// the two are left out.
pub fn deviation(wanted: &[f32], said: &[f32], outputs: usize, skip: usize) -> Vec<Deviation> {
    let column = |values: &[f32], k: usize| -> Vec<f64> {
        values.iter().skip(skip * outputs + k).step_by(outputs.max(1)).map(|&v| f64::from(v)).collect()
    };
    (0..outputs).map(|k| of_column(&column(wanted, k), &column(said, k))).collect()
}

fn of_column(wanted: &[f64], said: &[f64]) -> Deviation {
    let count = wanted.len().min(said.len());
    if count == 0 {
        return Deviation::default();
    }
    let n = count as f64;
    let differences = || wanted.iter().zip(said).map(|(w, s)| s - w);
    let rmse = (differences().map(|d| d * d).sum::<f64>() / n).sqrt();
    let mean = wanted[..count].iter().sum::<f64>() / n;
    let spread = (wanted[..count].iter().map(|w| (w - mean).powi(2)).sum::<f64>() / n).sqrt();
    let nrmse = if rmse == 0.0 { 0.0 } else { rmse / spread };
    Deviation { rmse, nrmse, most: differences().fold(0.0, |most, d| d.abs().max(most)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: differences 1, 0, -1, 0 have a mean square of 1/2; 1, 3, 5, 7 a variance of 5.
    #[test]
    fn by_hand() {
        let d = deviation(&[1.0, 3.0, 5.0, 7.0], &[2.0, 3.0, 4.0, 7.0], 1, 0)[0];
        assert!((d.rmse - 0.5_f64.sqrt()).abs() < 1e-12 && (d.nrmse - 0.1_f64.sqrt()).abs() < 1e-12);
        assert_eq!(d.most, 1.0);
    }

    #[test]
    fn outputs_are_apart_and_the_start_is_left_out() {
        let wanted = [9.0, 0.0, 1.0, 0.0, 3.0, 0.0];
        let said = [0.0, 5.0, 1.0, 2.0, 3.0, 2.0];
        let d = deviation(&wanted, &said, 2, 1);
        assert_eq!((d[0].rmse, d[0].nrmse, d[1].rmse, d[1].nrmse), (0.0, 0.0, 2.0, f64::INFINITY));
        assert_eq!(deviation(&[], &[], 1, 3), [Deviation::default()]);
        let mean = deviation(&[1.0, 3.0], &[2.0, 2.0], 1, 0)[0];
        assert_eq!(mean.nrmse, 1.0);
    }
}
