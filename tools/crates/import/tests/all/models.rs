//! Small models of PyTorch, ONNX and Keras, made by tests/import/make_models.py: elman's float network gives the outputs
//! that the framework gave.

use crate::cases::{Case, cases};
use elman_import::{Format, Head, Outputs, from_bytes};

/// Largest difference of an output.
const TOLERANCE: f64 = 1e-5;

/// The outputs of elman's network, with what stands after it in the file.
fn outputs(case: &Case) -> Result<Vec<f64>, String> {
    let imported = from_bytes(&case.bytes, &case.asked()).map_err(|e| e.to_string())?;
    let network = imported.network(Outputs::Classes).map_err(|e| e.to_string())?;
    if let Some(expect) = &case.expect {
        let layers: Vec<&str> = network.spec().layers.iter().flat_map(|l| l.device()).collect();
        assert_eq!(layers, *expect, "{}", case.file);
    }
    assert_eq!(imported.per_step(), case.per_step, "{}", case.file);
    assert_eq!(imported.inputs().unwrap(), case.inputs, "{}", case.file);
    let frames: Vec<f32> = case.frames.iter().map(|v| *v as f32).collect();
    let logits: Vec<f64> = network.run(&frames).iter().map(|v| f64::from(*v)).collect();
    let width = network.spec().outputs();
    let softmax = |z: &[f64]| {
        let sum: f64 = z.iter().map(|z| z.exp()).sum();
        z.iter().map(|z| z.exp() / sum).collect::<Vec<f64>>()
    };
    Ok(match imported.head() {
        Head::Linear => logits,
        Head::Softmax => logits.chunks(width).flat_map(softmax).collect(),
        Head::Sigmoid if imported.is_binary() => logits.chunks(2).map(|z| softmax(z)[1]).collect(),
        Head::Sigmoid => logits.iter().map(|z| 1.0 / (1.0 + (-z).exp())).collect(),
    })
}

#[test]
fn float_networks_give_the_outputs_of_the_frameworks() {
    let mut wrong = Vec::new();
    let (mut worst, mut count) = (0f64, 0);
    for case in cases() {
        count += 1;
        match outputs(&case) {
            Err(error) => wrong.push(format!("{}: {error}", case.file)),
            Ok(found) if found.len() != case.outputs.len() => {
                wrong.push(format!("{}: {} outputs, not {}", case.file, found.len(), case.outputs.len()));
            }
            Ok(found) => {
                let difference = found.iter().zip(&case.outputs).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
                worst = worst.max(difference);
                if difference.is_nan() || difference > TOLERANCE {
                    wrong.push(format!("{}: {difference:.1e} apart", case.file));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(count >= 60, "{count} models");
    println!("{count} models, at most {worst:.1e} apart");
}

#[test]
fn every_format_is_there() {
    let formats: Vec<Format> =
        cases().iter().filter_map(|c| Some(from_bytes(&c.bytes, &c.asked()).ok()?.format)).collect();
    for format in [Format::Safetensors, Format::Torch, Format::Onnx, Format::Keras, Format::KerasH5] {
        assert!(formats.contains(&format), "{format:?}");
    }
}
