//! Every layer that is not a cell.

use elman_nn::{
    Conv, Delay, Dense, DenseActivation, Embedding, LayerSpec, Loss, Narx, NetworkSpec, OneHot, Over, Pool, Reads,
    Stride, Target,
};

use crate::check::{Check, INPUTS, assert_exact, steps};

/// A value for each of `outputs` at every step.
fn values(outputs: usize) -> impl Fn(usize) -> Target {
    move |n| Target::Values((0..outputs * n).map(|i| (i as f32 * 0.7).sin()).collect())
}

/// Each kind of layer, with a layer below it that its input's gradient reaches.
#[test]
fn every_kind() {
    for layer in LayerSpec::samples() {
        let what = format!("{layer:?}");
        let below = Dense { outputs: 4, activation: DenseActivation::Tanh };
        let over = |first: LayerSpec| vec![first, layer.clone(), LayerSpec::dense(2)];
        match layer.reads() {
            Reads::Symbol => {
                let layers = vec![layer.clone(), LayerSpec::dense(2)];
                assert_exact(&what, Check::of_symbols(layers, Loss::CrossEntropy, steps));
            }
            Reads::Sequence => {
                let check = Check::new(over(below.into()), Loss::CrossEntropy, |n| Target::Class(n as u32 % 2));
                assert_exact(&what, check);
            }
            Reads::Step | Reads::Steps => {
                let spec = NetworkSpec::sequence(INPUTS, over(below.into()));
                match spec.check() {
                    Ok(()) => assert_exact(&what, Check::new(spec.layers, Loss::CrossEntropy, steps)),
                    // It is a network by itself.
                    Err(_) => {
                        let outputs = layer.width(INPUTS);
                        assert_exact(&what, Check::new(vec![layer], Loss::SquaredError, values(outputs)));
                    }
                }
            }
        }
    }
}

/// Strides in a stack, with layers below and above them and sequences shorter than a stride.
#[test]
fn strides_of_a_stack() {
    for by in [1, 2, 3, 7] {
        for over in [Over::Last, Over::Mean, Over::Sum, Over::Max] {
            let (activation, depthwise) = (DenseActivation::Tanh, by > 1);
            let conv = Conv { outputs: 4, kernel: 3, stride: 2, dilation: 1, activation, depthwise };
            for first in [LayerSpec::from(conv), LayerSpec::cell("gru", 4)] {
                let stride = Stride { by }.into();
                let layers = vec![first, stride, LayerSpec::cell("lstm", 3), Pool { over }.into(), LayerSpec::dense(2)];
                let check = Check::new(layers, Loss::CrossEntropy, |n| Target::Class(n as u32 % 2));
                assert_exact(&format!("{by} {over:?}"), check);
            }
        }
    }
}

#[test]
fn every_dense_activation_before_and_behind_a_cell() {
    for activation in [DenseActivation::Linear, DenseActivation::Tanh, DenseActivation::Sigmoid, DenseActivation::Relu]
    {
        let layers = vec![
            LayerSpec::from(Dense { outputs: 4, activation }),
            LayerSpec::cell("gru", 4),
            LayerSpec::from(Dense { outputs: 5, activation }),
            LayerSpec::dense(2),
        ];
        assert_exact(&format!("{activation:?}"), Check::new(layers, Loss::SquaredError, values(2)));
    }
}

#[test]
fn symbols() {
    let cell = || vec![LayerSpec::cell("gru", 3), LayerSpec::dense(2)];
    for symbols in [LayerSpec::from(Embedding { rows: 9, units: 4 }), LayerSpec::from(OneHot { rows: 9 })] {
        let layers = [vec![symbols.clone()], cell()].concat();
        assert_exact(&format!("{symbols:?}"), Check::of_symbols(layers, Loss::CrossEntropy, steps));
    }
    let bag = vec![LayerSpec::from(Embedding { rows: 9, units: 4 }), LayerSpec::from(Pool { over: Over::Sum })];
    let check = Check::of_symbols(bag, Loss::CrossEntropy, |n| Target::Class(n as u32 % 4));
    assert_exact("bag of symbols", check);
}

#[test]
fn delays() {
    for (taps, stride, tail, tail_taps) in [(0, 1, 0, 0), (3, 1, 0, 0), (2, 2, 1, 4), (0, 3, 4, 2)] {
        let layers = vec![
            LayerSpec::from(Dense { outputs: 4, activation: DenseActivation::Tanh }),
            LayerSpec::from(Delay { taps, stride, tail, tail_taps }),
            LayerSpec::from(Dense { outputs: 3, activation: DenseActivation::Tanh }),
            LayerSpec::from(Delay { taps: 1, stride: 1, tail: 0, tail_taps: 0 }),
            LayerSpec::dense(2),
        ];
        assert_exact(&format!("{taps} {stride} {tail} {tail_taps}"), Check::new(layers, Loss::CrossEntropy, steps));
    }
    // Only the last step is read.
    let layers = vec![
        LayerSpec::cell("srn", 3),
        LayerSpec::from(Delay { taps: 2, stride: 2, tail: 0, tail_taps: 0 }),
        LayerSpec::from(Pool { over: Over::Last }),
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
                let narx = LayerSpec::from(Narx {
                    hidden,
                    outputs,
                    input_taps: 2,
                    output_taps,
                    activation,
                    closed,
                    warmup,
                    residual,
                });
                assert_exact(&format!("{narx:?}"), Check::new(vec![narx], Loss::SquaredError, values(outputs)));
            }
        }
    }
}
