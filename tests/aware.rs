//! Quantization-aware training computes what the device computes, and ends with the blob that it computed with.

use std::path::Path;

use elman::Model;
use elman::blob::{Blob, Structure};
use elman::kernel::WeightFormat;
use elman_nn::{Conv, DenseActivation, LayerSpec, Network, NetworkSpec, Norm, Over, Pool, Stride, Target};
use elman_quant::aware::AwareQuantizer;
use elman_quant::network::{LayerFormats, Surroundings, quantize};
use elman_quant::ptq::RangeStats;
use elman_quant::scaling::SCALED_FRAC;
use elman_quant::synthetic::Numbers;
use elman_quant::words_of;
use elman_train::{Control, Outcome, Progress, QuantizationAware, Quantizer, Sequence, TrainConfig, Trainer, Watch};

const INPUTS: usize = 3;
const CLASSES: usize = 4;

/// Sequences of different lengths whose class is where their largest value is.
fn data(seed: u64, count: usize) -> Vec<Sequence> {
    let mut numbers = Numbers(seed);
    let mut one = || {
        let class = numbers.between(0, CLASSES as i64 - 1) as u32;
        let steps = 8 + numbers.between(0, 4) as usize;
        let mut frames: Vec<f32> = (0..steps * INPUTS).map(|_| numbers.between(-256, 256) as f32 / 1024.0).collect();
        for x in &mut frames[(class as usize * 2) * INPUTS..][..2 * INPUTS] {
            *x += 0.75;
        }
        Sequence::new(frames, Target::Class(class))
    };
    (0..count).map(|_| one()).collect()
}

fn around(weights: WeightFormat, max_steps: u16) -> Surroundings {
    Surroundings {
        name: "aware".into(),
        labels: Vec::new(),
        fingerprint: 1,
        audio: None,
        text: None,
        feedback: 0,
        max_steps,
        scale: None,
        input: Some((SCALED_FRAC, Vec::new())),
        target: Vec::new(),
        structure: Structure::Sequence,
        weights: LayerFormats::one(weights),
    }
}

fn networks() -> Vec<(&'static str, NetworkSpec)> {
    let last = || LayerSpec::from(Pool { over: Over::Last });
    let mean = || LayerSpec::from(Pool { over: Over::Mean });
    let of = |layers| NetworkSpec::sequence(INPUTS, layers);
    vec![
        ("gru", of(vec![LayerSpec::cell("gru", 9), last(), LayerSpec::dense(CLASSES)])),
        (
            "lstm",
            of(vec![
                LayerSpec::cell("lstm-peephole", 6),
                LayerSpec::cell("gru-before", 5),
                mean(),
                LayerSpec::dense(CLASSES),
            ]),
        ),
        ("conv", of(vec![conv(false), conv(true), LayerSpec::cell("fast-grnn", 6), last(), LayerSpec::dense(CLASSES)])),
        (
            "min",
            of(vec![
                LayerSpec::cell("min-gru", 6),
                Stride { by: 2 }.into(),
                LayerSpec::cell("min-lstm", 6),
                LayerSpec::from(Norm::default()),
                LayerSpec::cell("li-gru", 6),
                mean(),
                LayerSpec::dense(CLASSES),
            ]),
        ),
        (
            "low rank",
            of(vec![
                LayerSpec::dense(2),
                LayerSpec::cell("gru-low-rank", 8),
                LayerSpec::cell("lstm-low-rank", 6),
                LayerSpec::cell("lstm-projected", 8),
                LayerSpec::bidirectional("fast-grnn-low-rank", 6),
                last(),
                LayerSpec::dense(CLASSES),
            ]),
        ),
        (
            "both",
            of(vec![LayerSpec::bidirectional("lstm", 5), LayerSpec::cell("srn", 6), last(), LayerSpec::dense(CLASSES)]),
        ),
    ]
}

/// A convolution over time, separable the one without a stride.
fn conv(depthwise: bool) -> LayerSpec {
    let stride = if depthwise { 1 } else { 2 };
    Conv { outputs: 5, kernel: 3, stride, dilation: 1, activation: DenseActivation::Relu, depthwise }.into()
}

fn config() -> TrainConfig {
    TrainConfig { epochs: 2, batch: 16, shard: 8, rate: 1e-2, watch: Watch::Last, ..TrainConfig::default() }
}

fn quantizer(spec: &NetworkSpec, weights: WeightFormat) -> AwareQuantizer {
    let both = spec.layers.iter().any(|layer| matches!(layer, LayerSpec::Cell(cell) if cell.bidirectional));
    AwareQuantizer { around: around(weights, if both { 12 } else { 0 }), calibration: data(3, 20), folded: Vec::new() }
}

fn trainer(spec: &NetworkSpec, weights: WeightFormat) -> Trainer {
    let quantizer = Box::new(quantizer(spec, weights));
    let aware = QuantizationAware { epochs: 3, rate: 2e-3, quantizer };
    Trainer::new(spec, &config()).unwrap().with_quantization(Some(aware))
}

fn quiet(_: Progress<'_>) -> Control {
    Control::Continue
}

/// Loss and right answers of a blob, in plain steps of the core.
fn score(words: &[u32], sequences: &[Sequence]) -> (f64, u64) {
    let model = Model::load(Blob::new(words)).unwrap();
    let mut memory = vec![0; model.memory_words()];
    let unit = 2f64.powi(SCALED_FRAC.into());
    let (mut loss, mut right) = (0.0, 0);
    for sequence in sequences {
        let frames: Vec<i16> = sequence.frames.iter().map(|x| (f64::from(*x) * unit).round() as i16).collect();
        let mut logits = Vec::new();
        if model.max_steps() > 0 {
            let mut net = model.sequence(&mut memory).unwrap();
            logits = net.run(&frames).unwrap().iter().last().unwrap().logits.to_vec();
        } else {
            let mut net = model.stream(&mut memory).unwrap();
            frames.chunks(INPUTS).for_each(|frame| logits = net.step(frame).logits.to_vec());
        }
        let y: Vec<f64> = logits.iter().map(|y| f64::from(*y) * 2f64.powi(-i32::from(model.out_frac()))).collect();
        let Target::Class(class) = sequence.target else { unreachable!() };
        let class = class as usize;
        loss += y.iter().map(|v| v.exp()).sum::<f64>().ln() - y[class];
        right += u64::from(y.iter().enumerate().all(|(k, v)| if k < class { *v < y[class] } else { *v <= y[class] }));
    }
    (loss / sequences.len() as f64, right)
}

#[test]
fn the_loss_is_that_of_the_blob_which_is_written() {
    for (name, spec) in networks() {
        for weights in WeightFormat::ALL {
            let (train, valid) = (data(1, 64), data(2, 40));
            let mut trainer = trainer(&spec, *weights);
            assert_eq!(trainer.run(&train, &valid, None, quiet).unwrap(), Outcome::Finished);
            assert_eq!(trainer.history().len(), 5);
            let last = trainer.history()[4];
            let formats: Vec<RangeStats> = serde_json::from_str(trainer.formats().unwrap()).unwrap();
            let quantizer = quantizer(&spec, *weights);
            let best = trainer.into_best();
            let integer = quantize(&best, &quantizer.around, &formats).unwrap();
            let (loss, right) = score(&words_of(&integer.to_blob().unwrap()).unwrap(), &valid);
            assert!((loss - last.valid_loss).abs() < 1e-5, "{name} {weights:?}: {loss} {}", last.valid_loss);
            assert_eq!(right as f64 / valid.len() as f64, last.valid_accuracy, "{name} {weights:?}");
            // What the weights stand for is rounded to the same weights again, at the same scales.
            let mut again = quantizer.begin(&best, Some(&serde_json::to_string(&formats).unwrap())).unwrap();
            let scales = again.scales();
            assert_eq!(again.round(&best, &scales).unwrap(), best.values(), "{name} {weights:?}");
        }
    }
}

#[test]
fn it_learns_and_ends_with_the_same_bits_for_any_number_of_threads() {
    let (_, spec) = networks().swap_remove(0);
    let (train, valid) = (data(1, 64), data(2, 40));
    let run = |threads: usize| {
        let mut trainer = trainer(&spec, WeightFormat::Int8);
        trainer.set_threads(threads);
        trainer.run(&train, &valid, None, quiet).unwrap();
        let losses: Vec<f64> = trainer.history().iter().map(|m| m.train_loss).collect();
        assert!(losses[4] < losses[2], "{losses:?}");
        (trainer.formats().unwrap().to_owned(), trainer.into_best().values().to_vec())
    };
    assert_eq!(run(1), run(3));
}

#[test]
fn stopped_and_resumed_it_ends_with_the_same_bits() {
    let (_, spec) = networks().swap_remove(1);
    let (train, valid) = (data(1, 64), data(2, 40));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint.safetensors");
    let mut whole = trainer(&spec, WeightFormat::Int8);
    whole.run(&train, &valid, None, quiet).unwrap();
    for stop_at in [2, 3, 4] {
        let mut stopped = trainer(&spec, WeightFormat::Int8);
        let outcome = stopped.run(&train, &valid, Some(&path), |p| match p {
            Progress::Epoch(epoch) if epoch.epoch == stop_at => Control::Stop,
            _ => Control::Continue,
        });
        assert_eq!(outcome.unwrap(), Outcome::Stopped, "{stop_at}");
        let mut resumed = resume(&path, &spec);
        assert_eq!(resumed.run(&train, &valid, Some(&path), quiet).unwrap(), Outcome::Finished);
        assert_eq!(resumed.history(), whole.history(), "{stop_at}");
        assert_eq!(resumed.formats(), whole.formats(), "{stop_at}");
        assert_eq!(resumed.network().values(), whole.network().values(), "{stop_at}");
    }
}

fn resume(path: &Path, spec: &NetworkSpec) -> Trainer {
    let quantizer = Box::new(quantizer(spec, WeightFormat::Int8));
    let aware = QuantizationAware { epochs: 3, rate: 2e-3, quantizer };
    Trainer::resume(path).unwrap().with_quantization(Some(aware))
}

/// From nothing, formats follow what the network grows to.
#[test]
fn without_float_epochs_formats_grow_with_the_network() {
    let (_, spec) = networks().swap_remove(0);
    let (train, valid) = (data(1, 64), data(2, 40));
    let quantizer = || quantizer(&spec, WeightFormat::Int8);
    let aware = QuantizationAware { epochs: 60, rate: 2e-2, quantizer: Box::new(quantizer()) };
    let config = TrainConfig { epochs: 0, ..config() };
    let mut trainer = Trainer::new(&spec, &config).unwrap().with_quantization(Some(aware));
    let begun: Vec<RangeStats> =
        serde_json::from_str(&quantizer().begin(trainer.network(), None).unwrap().formats()).unwrap();
    trainer.run(&train, &valid, None, quiet).unwrap();
    let ended: Vec<RangeStats> = serde_json::from_str(trainer.formats().unwrap()).unwrap();
    assert!(ended[2].out_frac < begun[2].out_frac, "{:?} {:?}", begun[2].out_frac, ended[2].out_frac);
    assert!(trainer.history()[59].valid_accuracy >= 0.8, "{:?}", trainer.history()[59]);
}

/// ∂L/∂ ln s of L = Σ ŵ: what each weight rounds to less the weight, and of one at the end of the range what it rounds to.
#[test]
fn scales_get_the_gradient_of_rounding_and_weights_beyond_the_range_none() {
    let (_, spec) = networks().swap_remove(0);
    let network = Network::<f32>::new(&spec, 5).unwrap();
    for weights in WeightFormat::ALL {
        let mut integer = quantizer(&spec, *weights).begin(&network, None).unwrap();
        // Half of the range of each row is beyond the format's.
        let scales: Vec<f32> = integer.scales().iter().map(|s| s - 0.7).collect();
        let rounded = integer.round(&network, &scales).unwrap();
        let mut gradient = vec![1.0; rounded.len()];
        let mut of_scales = vec![0.0; scales.len()];
        integer.backward(&network, &mut gradient, &mut of_scales);
        let w = network.values();
        let (tensor, _) = network.tensor("layers.0.w").unwrap();
        let (u, _) = network.tensor("layers.0.u").unwrap();
        assert!(gradient.contains(&0.0), "{weights:?}");
        for (row, of_scale) in of_scales.iter().enumerate().take(2 * 9) {
            let places = tensor.range.clone().skip(row * INPUTS).take(INPUTS);
            let places = places.chain(u.range.clone().skip(row * 9).take(9));
            let step = places.clone().map(|k| (rounded[k] - w[k]).abs());
            let wanted: f64 =
                places
                    .map(|k| {
                        if gradient[k] == 0.0 { f64::from(rounded[k]) } else { f64::from(rounded[k]) - f64::from(w[k]) }
                    })
                    .sum();
            assert!((wanted - f64::from(*of_scale)).abs() < 1e-5, "{weights:?} {row}: {wanted} {}", of_scales[row]);
            assert!(step.fold(0f32, f32::max) > 0.0);
        }
        // Biases are rounded as finely as it takes.
        let (b, _) = network.tensor("layers.0.b").unwrap();
        assert!(b.range.clone().all(|k| gradient[k] == 1.0 && (rounded[k] - w[k]).abs() < 1e-3));
    }
}
