//! Analytic gradients against central differences in `f64`: every cell and every layer, relative error <= 1e-6.

use elman_tools::nn::{
    Batch, DenseActivation, DropoutKind, LayerSpec, Loss, Mode, NO_CLASS, Network, NetworkSpec, Over, Pass, Target,
    Workspace, cell,
};

/// Numbers of a fixed sequence, in (-1, 1).
struct Random(u64);

impl Random {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }
}

const LENGTHS: [usize; 4] = [3, 6, 1, 5];
const INPUTS: usize = 3;

struct Check {
    network: Network<f64>,
    batch: Batch<f64>,
    targets: Vec<Target>,
    loss: Loss,
    mode: Mode,
}

impl Check {
    fn new(layers: Vec<LayerSpec>, loss: Loss, target: impl Fn(usize) -> Target) -> Self {
        let mut network = Network::new(&NetworkSpec { inputs: INPUTS, layers }, 7).unwrap();
        let mut random = Random(3);
        // Biases start at 0, where some gradients are special.
        network.update(|values| values.iter_mut().for_each(|v| *v += 0.3 * random.next()));
        let sequences: Vec<Vec<f64>> =
            LENGTHS.iter().map(|n| (0..n * INPUTS).map(|_| 1.5 * random.next()).collect()).collect();
        let mut batch = Batch::default();
        batch.fill(&sequences.iter().map(Vec::as_slice).collect::<Vec<_>>(), INPUTS);
        Self { network, batch, targets: LENGTHS.iter().map(|n| target(*n)).collect(), loss, mode: Mode::Evaluate }
    }

    fn pass(&self) -> Pass {
        Pass { loss: self.loss, scale: 0.25, mode: self.mode }
    }

    fn gradient(&self, workspace: &mut Workspace<f64>) -> (f64, Vec<f64>) {
        let mut gradient = vec![0.0; self.network.values().len()];
        let targets: Vec<&Target> = self.targets.iter().collect();
        let score = self.network.gradient(&self.batch, &targets, self.pass(), workspace, &mut gradient);
        (0.25 * score.loss, gradient)
    }

    /// The largest difference, relative to the largest gradient of its tensor.
    fn worst(mut self) -> f64 {
        let mut workspace = Workspace::default();
        let (_, analytic) = self.gradient(&mut workspace);
        let step = 1e-5;
        let mut worst = 0.0f64;
        for tensor in self.network.tensors().to_vec() {
            let scale = analytic[tensor.range.clone()].iter().fold(1e-3f64, |m, g| m.max(g.abs()));
            for i in tensor.range {
                let mut at = |by: f64| {
                    self.network.update(|v| v[i] += by);
                    let loss = self.gradient(&mut workspace).0;
                    self.network.update(|v| v[i] -= by);
                    loss
                };
                let numeric = (at(step) - at(-step)) / (2.0 * step);
                worst = worst.max((numeric - analytic[i]).abs() / scale);
            }
        }
        worst
    }
}

fn steps(length: usize) -> Target {
    Target::Steps((0..length as u32).map(|t| if t == 2 { NO_CLASS } else { t % 2 }).collect())
}

fn assert_exact(what: &str, check: Check) {
    let worst = check.worst();
    println!("{what}: {worst:.1e}");
    assert!(worst <= 1e-6, "{what}: relative error {worst:e}");
}

#[test]
fn every_cell_with_an_output_per_step() {
    for variant in cell::variant_names() {
        let layers = vec![LayerSpec::cell(variant, 5), LayerSpec::dense(2)];
        assert_exact(variant, Check::new(layers, Loss::CrossEntropy, steps));
    }
}

#[test]
fn every_cell_stacked_below_each_pool() {
    for variant in cell::variant_names() {
        for over in [Over::Last, Over::Mean] {
            let layers = vec![
                LayerSpec::cell(variant, 4),
                LayerSpec::cell(variant, 3),
                LayerSpec::Pool { over },
                LayerSpec::dense(3),
            ];
            let check = Check::new(layers, Loss::CrossEntropy, |n| Target::Class(n as u32 % 3));
            assert_exact(&format!("{variant} {over:?}"), check);
        }
    }
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
        let check = Check::new(layers, Loss::SquaredError, |n| {
            Target::Values((0..2 * n).map(|i| (i as f32 * 0.7).sin()).collect())
        });
        assert_exact(&format!("{activation:?}"), check);
    }
}

#[test]
fn dropout_with_a_fixed_mask() {
    let layers = vec![
        LayerSpec::cell("lstm", 4).with_dropout(0.4, DropoutKind::NonRecurrent),
        LayerSpec::cell("gru-before", 4).with_dropout(0.3, DropoutKind::NonRecurrent),
        LayerSpec::dense(2),
    ];
    let mut check = Check::new(layers, Loss::CrossEntropy, steps);
    check.mode = Mode::Train(11);
    assert_exact("dropout", check);
}

/// A sequence's share of the gradient does not depend on its company.
#[test]
fn sequences_do_not_see_each_other() {
    let layers = vec![LayerSpec::cell("gru", 5), LayerSpec::dense(2)];
    let check = Check::new(layers.clone(), Loss::CrossEntropy, steps);
    let (_, together) = check.gradient(&mut Workspace::default());
    let mut apart = vec![0.0; together.len()];
    let mut random = Random(3);
    // Skips what moved the parameters.
    (0..together.len()).for_each(|_| {
        random.next();
    });
    for (length, target) in LENGTHS.iter().zip(&check.targets) {
        let frames: Vec<f64> = (0..length * INPUTS).map(|_| 1.5 * random.next()).collect();
        let mut batch = Batch::default();
        batch.fill(&[&frames[..]], INPUTS);
        check.network.gradient(&batch, &[target], check.pass(), &mut Workspace::default(), &mut apart);
    }
    for (a, b) in together.iter().zip(&apart) {
        assert!((a - b).abs() < 1e-12, "{a} {b}");
    }
}
