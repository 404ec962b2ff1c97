//! Networks of elman as files of other programs: read again, they give the same outputs.

use elman_import::export::{Target, write};
use elman_import::{AffineOp, Asked, Outputs, from_bytes};
use elman_nn::{Dense, DenseActivation, Embedding, LayerSpec, Network, NetworkSpec, Norm, Over, Pool};

/// A name, the layers and the values of a frame.
type Named = (String, Vec<LayerSpec>, usize);

fn networks() -> Vec<Named> {
    let last = || LayerSpec::from(Pool { over: Over::Last });
    let mut all = Vec::new();
    for variant in ["srn", "srn-relu", "srn-sigmoid", "gru", "gru-before", "lstm", "lstm-peephole", "lstm-coupled"] {
        let cell = LayerSpec::cell(variant, 5);
        all.push((variant.to_owned(), vec![cell, last(), LayerSpec::dense(3)], 4));
        let both = LayerSpec::bidirectional(variant, 3);
        all.push((format!("{variant}-both"), vec![both, LayerSpec::dense(3)], 4));
    }
    let tanh = LayerSpec::from(Dense { outputs: 6, activation: DenseActivation::Tanh });
    let mean = Pool { over: Over::Mean }.into();
    let deep = vec![
        LayerSpec::cell("gru", 5),
        Norm::default().into(),
        LayerSpec::cell("lstm", 4),
        mean,
        tanh,
        LayerSpec::dense(2),
    ];
    all.push(("deep".to_owned(), deep, 3));
    let max = Pool { over: Over::Max }.into();
    let text = vec![Embedding { rows: 9, units: 4 }.into(), LayerSpec::cell("gru", 5), max, LayerSpec::dense(3)];
    all.push(("text".to_owned(), text, 1));
    all
}

/// A network with biases and peepholes that are not zero.
fn network(layers: Vec<LayerSpec>, inputs: usize) -> Network<f32> {
    let mut network = Network::new(&NetworkSpec::sequence(inputs, layers), 3).expect("a network");
    network.update(|values| values.iter_mut().enumerate().for_each(|(k, v)| *v += 0.1 * (k as f32 * 0.7).sin()));
    network
}

fn frames(inputs: usize, symbols: bool) -> Vec<f32> {
    (0..7 * inputs).map(|k| if symbols { (k * 5 % 9) as f32 } else { (k as f32 * 1.3).sin() * 2.0 + 0.5 }).collect()
}

#[test]
fn onnx_comes_back_with_the_same_outputs() {
    // For the script that runs the files in onnxruntime.
    let folder = std::env::var_os("ELMAN_EXPORTED").map(std::path::PathBuf::from);
    for (name, layers, inputs) in networks() {
        let network = network(layers, inputs);
        let symbols = name == "text";
        let scale = |n: usize| AffineOp { scale: vec![0.5; n], offset: vec![-0.25; n] };
        let input = (!symbols).then(|| scale(inputs));
        let file = write(&network, input, Some(scale(network.spec().outputs())), Target::Onnx).expect(&name);
        let read = from_bytes(&file, &Asked::default()).unwrap_or_else(|e| panic!("{name}: {e}"));
        let raw = frames(inputs, symbols);
        let found = read.network(Outputs::Values).expect(&name).run(&raw);
        let scaled: Vec<f32> = raw.iter().map(|x| if symbols { *x } else { 0.5 * x - 0.25 }).collect();
        let wanted: Vec<f32> = network.run(&scaled).iter().map(|y| 0.5 * y - 0.25).collect();
        assert_eq!(found.len(), wanted.len(), "{name}");
        for (a, b) in found.iter().zip(&wanted) {
            assert!((a - b).abs() < 1e-5, "{name}: {a} {b}");
        }
        if let Some(folder) = &folder {
            std::fs::create_dir_all(folder).expect("a folder");
            std::fs::write(folder.join(format!("{name}.onnx")), &file).expect("a file");
            let case = serde_json::json!({ "inputs": inputs, "symbols": symbols, "frames": raw, "outputs": wanted });
            std::fs::write(folder.join(format!("{name}.json")), case.to_string()).expect("a file");
        }
    }
}

#[test]
fn a_state_dict_comes_back_where_pytorch_has_the_cells() {
    for (name, layers, inputs) in networks() {
        let known = name.starts_with("gru") && !name.contains("before")
            || ["srn", "lstm", "srn-both", "lstm-both", "text"].contains(&&*name);
        let network = network(layers.clone(), inputs);
        let file = write(&network, None, None, Target::Safetensors);
        if name.contains("before") || name.contains("peephole") || name.contains("coupled") || name.contains("sigmoid")
        {
            let said = file.expect_err(&name).to_string();
            assert!(said.contains("PyTorch has no cell") && said.contains("--to model.onnx"), "{said}");
            continue;
        }
        if !known {
            continue;
        }
        let asked = Asked { layers: Some(layers[..layers.len() - 1].to_vec()), per_step: false };
        let read = from_bytes(&file.expect(&name), &asked).unwrap_or_else(|e| panic!("{name}: {e}"));
        let raw = frames(inputs, name == "text");
        let (found, wanted) = (read.network(Outputs::Values).expect(&name).run(&raw), network.run(&raw));
        assert!(found.iter().zip(&wanted).all(|(a, b)| (a - b).abs() < 1e-5), "{name}");
    }
}
