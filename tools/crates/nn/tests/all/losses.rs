//! What a loss weighs and smooths.

use elman_nn::{Classes, LayerSpec, Loss};

use crate::check::{Check, assert_exact, steps};

#[test]
fn class_weights_and_label_smoothing() {
    const WEIGHTS: &[f64] = &[0.5, 2.0, 1.5];
    for (weights, smoothing) in [(WEIGHTS, 0.0), (&[][..], 0.1), (WEIGHTS, 0.2)] {
        for loss in [Loss::CrossEntropy, Loss::SquaredError] {
            let layers = vec![LayerSpec::cell("gru", 4), LayerSpec::dense(3)];
            let check =
                Check { classes: Classes { weights, smoothing, teacher: None }, ..Check::new(layers, loss, steps) };
            assert_exact(&format!("{loss:?} {weights:?} {smoothing}"), check);
        }
    }
}
