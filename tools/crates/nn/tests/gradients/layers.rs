//! Every layer that is not a cell.

use elman_nn::{DenseActivation, LayerSpec, Loss, Over, Target};

use crate::check::{Check, assert_exact, steps};

/// A value for each of `outputs` at every step.
fn values(outputs: usize) -> impl Fn(usize) -> Target {
    move |n| Target::Values((0..outputs * n).map(|i| (i as f32 * 0.7).sin()).collect())
}

#[test]
fn every_dense_activation_before_and_behind_a_cell() {
    for activation in [DenseActivation::Linear, DenseActivation::Tanh, DenseActivation::Sigmoid, DenseActivation::Relu]
    {
        let layers = vec![
            LayerSpec::Dense { outputs: 4, activation },
            LayerSpec::cell("gru", 4),
            LayerSpec::Dense { outputs: 5, activation },
            LayerSpec::dense(2),
        ];
        assert_exact(&format!("{activation:?}"), Check::new(layers, Loss::SquaredError, values(2)));
    }
}

#[test]
fn symbols() {
    let cell = || vec![LayerSpec::cell("gru", 3), LayerSpec::dense(2)];
    for symbols in [LayerSpec::Embedding { rows: 9, units: 4 }, LayerSpec::OneHot { rows: 9 }] {
        let layers = [vec![symbols.clone()], cell()].concat();
        assert_exact(&format!("{symbols:?}"), Check::of_symbols(layers, Loss::CrossEntropy, steps));
    }
    let bag = vec![LayerSpec::Embedding { rows: 9, units: 4 }, LayerSpec::Pool { over: Over::Sum }];
    let check = Check::of_symbols(bag, Loss::CrossEntropy, |n| Target::Class(n as u32 % 4));
    assert_exact("bag of symbols", check);
}

#[test]
fn delays() {
    for (taps, stride, tail, tail_taps) in [(0, 1, 0, 0), (3, 1, 0, 0), (2, 2, 1, 4), (0, 3, 4, 2)] {
        let layers = vec![
            LayerSpec::Dense { outputs: 4, activation: DenseActivation::Tanh },
            LayerSpec::Delay { taps, stride, tail, tail_taps },
            LayerSpec::Dense { outputs: 3, activation: DenseActivation::Tanh },
            LayerSpec::Delay { taps: 1, stride: 1, tail: 0, tail_taps: 0 },
            LayerSpec::dense(2),
        ];
        assert_exact(&format!("{taps} {stride} {tail} {tail_taps}"), Check::new(layers, Loss::CrossEntropy, steps));
    }
    // Only the last step is read.
    let layers = vec![
        LayerSpec::cell("srn", 3),
        LayerSpec::Delay { taps: 2, stride: 2, tail: 0, tail_taps: 0 },
        LayerSpec::Pool { over: Over::Last },
        LayerSpec::dense(2),
    ];
    assert_exact("pooled", Check::new(layers, Loss::CrossEntropy, |n| Target::Class(n as u32 % 2)));
}

#[test]
fn loops_over_past_outputs() {
    for closed in [false, true] {
        for (hidden, outputs, output_taps, warmup) in
            [(4, 1, 2, 0), (4, 2, 3, 2), (0, 2, 1, 0), (0, 1, 3, 1), (3, 3, 2, 0)]
        {
            let activation = DenseActivation::Tanh;
            for residual in [false, true] {
                let narx = LayerSpec::Narx {
                    hidden,
                    outputs,
                    input_taps: 2,
                    output_taps,
                    activation,
                    closed,
                    warmup,
                    residual,
                };
                assert_exact(&format!("{narx:?}"), Check::new(vec![narx], Loss::SquaredError, values(outputs)));
            }
        }
    }
}
