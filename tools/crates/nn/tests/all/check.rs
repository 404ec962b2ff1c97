//! Analytic gradients against central differences.

use elman_nn::{Batch, Classes, LayerSpec, Loss, Mode, NO_CLASS, Network, NetworkSpec, Pass, Target, Workspace};

/// Numbers of a fixed sequence, in (-1, 1).
pub struct Random(pub u64);

impl Random {
    /// The next one.
    pub fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }
}

/// Lengths of the sequences of a batch.
pub const LENGTHS: [usize; 4] = [3, 6, 1, 5];
/// Values per frame.
pub const INPUTS: usize = 3;

/// A network, a batch and what is wanted of it.
pub struct Check {
    pub network: Network<f64>,
    pub batch: Batch<f64>,
    pub targets: Vec<Target>,
    pub loss: Loss,
    pub mode: Mode,
    pub classes: Classes<'static>,
}

impl Check {
    /// A network over frames of random numbers.
    pub fn new(layers: Vec<LayerSpec>, loss: Loss, target: impl Fn(usize) -> Target) -> Self {
        Self::over(INPUTS, |random| 1.5 * random.next(), layers, loss, target)
    }

    /// A network over symbols, of which 9 are known and one is not.
    pub fn of_symbols(layers: Vec<LayerSpec>, loss: Loss, target: impl Fn(usize) -> Target) -> Self {
        Self::over(1, |random| (5.0 * (random.next() + 1.0)).floor(), layers, loss, target)
    }

    fn over(
        inputs: usize,
        value: impl Fn(&mut Random) -> f64,
        layers: Vec<LayerSpec>,
        loss: Loss,
        target: impl Fn(usize) -> Target,
    ) -> Self {
        let mut network = Network::new(&NetworkSpec::sequence(inputs, layers), 7).unwrap();
        let mut random = Random(3);
        // Biases start at 0, where some gradients are special.
        network.update(|values| values.iter_mut().for_each(|v| *v += 0.3 * random.next()));
        let sequences: Vec<Vec<f64>> =
            LENGTHS.iter().map(|n| (0..n * inputs).map(|_| value(&mut random)).collect()).collect();
        let mut batch = Batch::default();
        batch.fill(&sequences.iter().map(Vec::as_slice).collect::<Vec<_>>(), inputs);
        Self {
            network,
            batch,
            targets: LENGTHS.iter().map(|n| target(*n)).collect(),
            loss,
            mode: Mode::Evaluate,
            classes: Classes::default(),
        }
    }

    /// The pass that is checked.
    pub fn pass(&self) -> Pass<'static> {
        Pass { loss: self.loss, scale: 0.25, mode: self.mode, classes: self.classes, teacher_forcing: 1.0 }
    }

    /// Loss and gradient.
    pub fn gradient(&self, workspace: &mut Workspace<f64>) -> (f64, Vec<f64>) {
        let mut gradient = vec![0.0; self.network.values().len()];
        let targets: Vec<&Target> = self.targets.iter().collect();
        let score = self.network.gradient(&self.batch, &targets, self.pass(), workspace, &mut gradient);
        (0.25 * score.loss, gradient)
    }

    /// The largest difference, relative to the largest gradient of its tensor.
    fn worst(mut self) -> f64 {
        let mut workspace = Workspace::default();
        worst(&mut self, |check| &mut check.network, |check| check.gradient(&mut workspace))
    }
}

/// The largest difference of a network's gradient from what its loss says, relative to the largest gradient of its
/// tensor. `pass` gives loss and gradient of what `of` holds.
pub fn worst<T>(
    of: &mut T,
    network: impl Fn(&mut T) -> &mut Network<f64>,
    mut pass: impl FnMut(&T) -> (f64, Vec<f64>),
) -> f64 {
    let (_, analytic) = pass(of);
    let step = 1e-5;
    let mut worst = 0.0f64;
    for tensor in network(of).tensors().to_vec() {
        let scale = analytic[tensor.range.clone()].iter().fold(1e-3f64, |m, g| m.max(g.abs()));
        for i in tensor.range {
            let mut at = |by: f64| {
                network(of).update(|v| v[i] += by);
                let loss = pass(of).0;
                network(of).update(|v| v[i] -= by);
                loss
            };
            let numeric = (at(step) - at(-step)) / (2.0 * step);
            worst = worst.max((numeric - analytic[i]).abs() / scale);
        }
    }
    worst
}

/// A class for every step but one.
pub fn steps(length: usize) -> Target {
    Target::Steps((0..length as u32).map(|t| if t == 2 { NO_CLASS } else { t % 2 }).collect())
}

/// Asserts a relative error of 1e-6 at most.
pub fn assert_exact(what: &str, check: Check) {
    let worst = check.worst();
    println!("{what}: {worst:.1e}");
    assert!(worst <= 1e-6, "{what}: relative error {worst:e}");
}
