//! Keras 3 (.keras: config.json and model.weights.h5), .h5 with a configuration of Keras 2 or 3, and weights alone, for which
//! a recipe names the layers.

mod hdf5;
mod layers;

use elman_nn::{LayerSpec, Over};
use serde_json::{Value as Json, json};

use crate::archive::Archive;
use crate::op::Op;
use crate::torch::Asked;
use crate::{Format, ImportError, Imported, Result, Tensor};
use hdf5::Store;
use layers::{Layer, Tensors};

const CONFIG: &str = "config.json";
const WEIGHTS: &str = "model.weights.h5";

/// Whether a zip file is one of Keras.
pub fn is_keras(names: &[String]) -> bool {
    names.iter().any(|n| n == CONFIG) && names.iter().any(|n| n == WEIGHTS)
}

/// Reads a .keras file.
///
/// # Errors
/// Where it is damaged, or has what no network of elman has.
pub fn read(archive: &mut Archive<'_>) -> Result<Imported> {
    let config = archive.read(CONFIG)?;
    let config: Json = serde_json::from_slice(&config).map_err(|e| ImportError::damaged(CONFIG, e))?;
    let store = Store::open(archive.read(WEIGHTS)?)?;
    let layers = chain(&config)?;
    let tensors = by_class(&store, &layers)?;
    network(Format::Keras, layers.into_iter().zip(tensors).collect())
}

/// Reads an .h5 file: with a configuration, or of weights alone.
///
/// # Errors
/// As [`read`].
pub fn read_h5(bytes: &[u8], asked: &Asked) -> Result<Imported> {
    let store = Store::open(bytes.to_vec())?;
    if let Some(config) = store.text("", "model_config") {
        let config: Json = serde_json::from_str(&config).map_err(|e| ImportError::damaged("model_config", e))?;
        let layers = chain(&config)?;
        let tensors = layers.iter().map(|l| by_name(&store, "model_weights", &l.name)).collect::<Result<Vec<_>>>()?;
        return network(Format::KerasH5, layers.into_iter().zip(tensors).collect());
    }
    let Some(asked) = &asked.layers else {
        return Err(ImportError::unsupported(
            "the file",
            "weights alone, without the layers that they belong to",
            "name the layers by --recipe NETWORK.toml, or save the model with `model.save(\"model.keras\")`",
        ));
    };
    let mut layers = of_recipe(asked)?;
    let tensors = match store.texts("", "layer_names") {
        // Keras 2 names layers; in the order of the model.
        Some(names) => {
            let mut names = names.into_iter().filter(|n| has_weights(&store, n));
            let mut all = Vec::new();
            for layer in &layers {
                let weighs = !matches!(layer.class.as_str(), "Pool" | "GlobalAveragePooling1D" | "GlobalMaxPooling1D");
                let name = if weighs { names.next() } else { None };
                all.push(name.map_or(Ok(Tensors::default()), |name| by_name(&store, "", &name))?);
            }
            if let Some(name) = names.next() {
                layers.push(Layer { class: "Dense".to_owned(), name: name.clone(), config: json!({}) });
                all.push(by_name(&store, "", &name)?);
            }
            all
        }
        None => {
            layers.push(Layer { class: "Dense".to_owned(), name: "dense".to_owned(), config: json!({}) });
            by_class(&store, &layers)?
        }
    };
    network(Format::KerasH5, layers.into_iter().zip(tensors).collect())
}

fn has_weights(store: &Store, layer: &str) -> bool {
    store.texts(layer, "weight_names").is_some_and(|names| !names.is_empty())
}

fn network(format: Format, layers: Vec<(Layer, Tensors)>) -> Result<Imported> {
    let (mut ops, mut notes): (Vec<crate::Placed>, Vec<String>) = (Vec::new(), Vec::new());
    let mut flat = None;
    let steps = layers.iter().find_map(|(layer, _)| layer.steps());
    for (layer, tensors) in layers {
        let pooled = ops.iter().any(|o| matches!(o.op, Op::Pool(_)));
        if layer.class == "Flatten" && (pooled || steps.is_some()) {
            flat = steps.filter(|_| !pooled);
            for op in flat.into_iter().flat_map(|steps| [Op::Delay(steps.saturating_sub(1)), Op::Pool(Over::Last)]) {
                ops.push(crate::Placed { place: layer.name.clone(), op });
            }
            continue;
        }
        let mut new = layers::operations(&layer, tensors, &mut notes)?;
        if let (Some(steps), Some(first)) = (flat, new.first_mut()) {
            // A delay line has the last step first.
            match std::mem::replace(&mut first.op, Op::Softmax) {
                Op::Dense(dense) => first.op = Op::Dense(dense.over_steps(steps)),
                _ => return Err(layers::after_flatten(&layer)),
            }
            flat = None;
        }
        ops.extend(new);
    }
    Imported::new(format, ops, notes)
}

/// The layers of a model, from input to output.
fn chain(config: &Json) -> Result<Vec<Layer>> {
    let class = config.get("class_name").and_then(Json::as_str).unwrap_or_default();
    let inner = config.get("config");
    // Keras 2 had a list of layers alone.
    let list = inner.and_then(|c| c.get("layers").unwrap_or(c).as_array());
    let Some(list) = list else { return Err(ImportError::damaged("the configuration", "it has no list of layers")) };
    let no_layer = || ImportError::damaged("the configuration", "a layer without a class or a configuration");
    let layers = list.iter().map(|l| Layer::of(l).ok_or_else(no_layer)).collect::<Result<Vec<_>>>()?;
    match class {
        "Sequential" => Ok(layers),
        "Functional" | "Model" => in_order(layers, list),
        other => Err(ImportError::unsupported(
            "the model",
            format!("a class of its own ({other})"),
            "its code is not in the file: build it as a Sequential or Functional model, or export to ONNX",
        )),
    }
}

/// The layers of a functional model, if each reads the one before it.
fn in_order(layers: Vec<Layer>, list: &[Json]) -> Result<Vec<Layer>> {
    let reads: Vec<Vec<String>> = list.iter().map(|l| l.get("inbound_nodes").map_or(Vec::new(), read_names)).collect();
    let branch = |name: &str, problem: String| {
        Err(ImportError::unsupported(
            format!("layer {name}"),
            problem,
            "a network of elman is one chain: take the branch out and train again",
        ))
    };
    let mut left: Vec<Option<Layer>> = layers.into_iter().map(Some).collect();
    let Some(first) = reads.iter().position(Vec::is_empty) else {
        return branch("the first", "no layer begins the model".to_owned());
    };
    let mut ordered: Vec<Layer> = left[first].take().into_iter().collect();
    while let Some(name) = ordered.last().map(|l| l.name.clone()) {
        let next: Vec<usize> = (0..left.len()).filter(|k| left[*k].is_some() && reads[*k].contains(&name)).collect();
        match next[..] {
            [] => break,
            [k] if reads[k].len() == 1 => ordered.extend(left[k].take()),
            [k] => {
                return branch(&left[k].take().map_or(name, |l| l.name), format!("it reads {}", reads[k].join(", ")));
            }
            _ => return branch(&name, "several layers read it".to_owned()),
        }
    }
    match left.iter().flatten().next() {
        Some(layer) => branch(&layer.name, "it is not part of the chain from the input".to_owned()),
        None => Ok(ordered),
    }
}

/// Names of the layers that a node reads, in the forms of Keras 2 and 3.
fn read_names(node: &Json) -> Vec<String> {
    fn find(json: &Json, names: &mut Vec<String>) {
        match json {
            Json::Object(map) => match map.get("keras_history").and_then(|h| h.get(0)).and_then(Json::as_str) {
                Some(name) => names.push(name.to_owned()),
                None => map.values().for_each(|v| find(v, names)),
            },
            Json::Array(list) => match &list[..] {
                // ["name", node, tensor, {...}]
                [Json::String(name), Json::Number(_), Json::Number(_), ..] => names.push(name.clone()),
                list => list.iter().for_each(|v| find(v, names)),
            },
            _ => {}
        }
    }
    let mut names = Vec::new();
    find(node, &mut names);
    names
}

/// `GlobalAveragePooling1D` as `global_average_pooling1d`.
fn snake(class: &str) -> String {
    let mut name = String::new();
    let letters: Vec<char> = class.chars().collect();
    for (k, c) in letters.iter().enumerate() {
        let after = k > 0 && letters[k - 1].is_lowercase();
        let begins = k > 0 && letters.get(k + 1).is_some_and(|n| n.is_lowercase());
        if c.is_uppercase() && (after || begins) {
            name.push('_');
        }
        name.extend(c.to_lowercase());
    }
    name
}

/// Where Keras 3 keeps the tensors of each layer: by its class and number.
fn by_class(store: &Store, layers: &[Layer]) -> Result<Vec<Tensors>> {
    let all = store.tensors()?;
    let mut used: Vec<(String, usize)> = Vec::new();
    let mut found = Vec::new();
    for layer in layers {
        let class = snake(&layer.class);
        let number = match used.iter_mut().find(|(name, _)| *name == class) {
            Some((_, n)) => {
                *n += 1;
                *n
            }
            None => {
                used.push((class.clone(), 0));
                0
            }
        };
        let key = if number == 0 { class } else { format!("{class}_{number}") };
        let own = |path: &str| {
            let rest = path.strip_prefix("layers/").or_else(|| path.strip_prefix("_layer_checkpoint_dependencies/"))?;
            rest.strip_prefix(&key)?.strip_prefix('/').map(str::to_owned)
        };
        let mut tensors: Vec<(String, Tensor)> =
            all.iter().filter_map(|(path, t)| Some((own(path)?, t.clone()))).collect();
        // The forward direction first, then by number.
        tensors.sort_by_key(|(path, _)| {
            let number = path.rsplit('/').next().and_then(|n| n.parse::<usize>().ok()).unwrap_or(0);
            (path.starts_with("backward_layer"), number)
        });
        found.push(Tensors(tensors.into_iter().map(|(_, t)| t).collect()));
    }
    Ok(found)
}

/// The tensors of a layer of an .h5 file, in the order of its list.
fn by_name(store: &Store, root: &str, layer: &str) -> Result<Tensors> {
    let prefix = if root.is_empty() { layer.to_owned() } else { format!("{root}/{layer}") };
    let names = store.texts(&prefix, "weight_names").unwrap_or_default();
    let all = store.tensors()?;
    let find = |name: &String| {
        let path = format!("{prefix}/{name}");
        let found = all.iter().find(|(p, _)| *p == path).map(|(_, t)| t.clone());
        found.ok_or_else(|| ImportError::damaged(path, "the tensor is missing"))
    };
    Ok(Tensors(names.iter().map(find).collect::<Result<_>>()?))
}

/// The layers of a recipe as Keras has them.
fn of_recipe(layers: &[LayerSpec]) -> Result<Vec<Layer>> {
    let mut all = Vec::new();
    for (k, layer) in layers.iter().enumerate() {
        let name = format!("{k} of the recipe");
        let (class, config) = match layer {
            LayerSpec::Embedding(_) => ("Embedding", json!({})),
            LayerSpec::Dense(dense) => {
                let f = serde_json::to_value(dense.activation).unwrap_or_default();
                ("Dense", json!({ "activation": f }))
            }
            LayerSpec::Norm(norm) => ("LayerNormalization", json!({ "epsilon": norm.epsilon })),
            LayerSpec::Pool(pool) => match pool.over {
                elman_nn::Over::Mean => ("GlobalAveragePooling1D", json!({})),
                elman_nn::Over::Max => ("GlobalMaxPooling1D", json!({})),
                elman_nn::Over::Ends => {
                    // The two directions before it give their last states alone.
                    let inner =
                        all.last_mut().and_then(|before: &mut Layer| before.config.pointer_mut("/layer/config"));
                    if let Some(Json::Object(config)) = inner {
                        config.insert("return_sequences".to_owned(), json!(false));
                    }
                    continue;
                }
                elman_nn::Over::Last | elman_nn::Over::Sum => {
                    // What stands before it gives its last step alone.
                    if let Some(Layer { config: Json::Object(config), .. }) = all.last_mut() {
                        config.insert("return_sequences".to_owned(), json!(false));
                    }
                    continue;
                }
            },
            LayerSpec::Dropout(_) => continue,
            LayerSpec::Cell(cell) => {
                let (class, f, after) = match cell.variant.as_str() {
                    "srn" => ("SimpleRNN", "tanh", true),
                    "srn-relu" => ("SimpleRNN", "relu", true),
                    "srn-sigmoid" => ("SimpleRNN", "sigmoid", true),
                    "gru" => ("GRU", "tanh", true),
                    "gru-before" => ("GRU", "tanh", false),
                    "lstm" => ("LSTM", "tanh", true),
                    other => return Err(no_layer(&name, other)),
                };
                let config = json!({ "name": name, "activation": f, "reset_after": after, "return_sequences": true });
                match cell.bidirectional {
                    false => (class, config),
                    true => {
                        let inner = json!({ "class_name": class, "config": config });
                        ("Bidirectional", json!({ "merge_mode": "concat", "layer": inner }))
                    }
                }
            }
            other => return Err(no_layer(&name, other.name())),
        };
        all.push(Layer { class: class.to_owned(), name, config });
    }
    Ok(all)
}

fn no_layer(place: &str, what: &str) -> ImportError {
    ImportError::unsupported(
        format!("layer {place}"),
        format!("{what} is no layer of Keras"),
        "a recipe for import has embedding, cell, norm, pool, dropout and dense layers",
    )
}

#[cfg(test)]
mod tests {
    #[test]
    fn classes_have_the_names_that_keras_gives_them() {
        for (class, name) in [
            ("GRU", "gru"),
            ("SimpleRNN", "simple_rnn"),
            ("GlobalAveragePooling1D", "global_average_pooling1d"),
            ("TimeDistributed", "time_distributed"),
            ("InputLayer", "input_layer"),
        ] {
            assert_eq!(super::snake(class), name);
        }
    }
}
