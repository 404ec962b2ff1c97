//! Recipes as the page shows them: presets, and each value with its help, which is the documentation of the recipe's own fields.

use std::path::Path;

use elman_recipe::Recipe;
use serde::Serialize;
use serde_json::Value;

use crate::error::Fault;
use crate::project::{Kind, Project, part};

/// A recipe that comes with the studio.
#[derive(Debug)]
struct Builtin {
    name: &'static str,
    title: &'static str,
    help: &'static str,
    /// A guess for some hundred clips on two cores.
    seconds: u32,
    text: &'static str,
}

const BUILTIN: &[Builtin] = &[
    Builtin {
        name: "quick",
        title: "Single words, a first look",
        help: "A small network (GRU, 24 units) that is asked once for each clip. It trains in seconds.",
        seconds: 10,
        text: include_str!("../presets/quick.toml"),
    },
    Builtin {
        name: "keywords",
        title: "Single words",
        help: "A larger network (GRU, 48 units), trained for longer on clips whose level, place and noise vary.",
        seconds: 120,
        text: include_str!("../../../recipes/keywords.toml"),
    },
    Builtin {
        name: "listen-quick",
        title: "A listener, a first look",
        help: "A small network (GRU, 32 units) that detects words in a stream of sound. Other words and silence are classes of their own.",
        seconds: 60,
        text: include_str!("../presets/listen-quick.toml"),
    },
    Builtin {
        name: "listen",
        title: "A listener",
        help: "A network (GRU, 64 units) for a device that listens for hours, in front of noise and other voices; it learns from its own \
               false accepts.",
        seconds: 900,
        text: include_str!("../../../recipes/word.toml"),
    },
    Builtin {
        name: "readings",
        title: "Gestures and series of readings",
        help: "A small network (GRU, 24 units) with one answer for each table.",
        seconds: 30,
        text: include_str!("../presets/readings.toml"),
    },
];

/// A recipe to begin with.
#[derive(Debug, Serialize)]
pub struct Preset {
    name: String,
    title: String,
    help: String,
    kind: Kind,
    stream: bool,
    own: bool,
    seconds: Option<u32>,
}

/// A value of a recipe.
#[derive(Debug, Serialize)]
pub struct Key {
    key: String,
    help: String,
    #[serde(rename = "type")]
    kind: &'static str,
    value: Value,
    default: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    choices: Option<&'static [&'static str]>,
}

/// Where the documentation of a table's fields is: the table, the struct, the file.
const SOURCES: &[(&str, &str, &str)] = &[
    ("", "Recipe", include_str!("../../recipe/src/lib.rs")),
    ("features", "Features", include_str!("../../recipe/src/lib.rs")),
    ("augment", "AugmentRecipe", include_str!("../../recipe/src/lib.rs")),
    ("sequences", "SequenceRecipe", include_str!("../../recipe/src/lib.rs")),
    ("quantize", "Quantize", include_str!("../../recipe/src/lib.rs")),
    ("network", "NetworkRecipe", include_str!("../../recipe/src/network.rs")),
    ("train", "TrainConfig", include_str!("../../train/src/config.rs")),
    ("stream", "StreamRecipe", include_str!("../../listen/src/recipe.rs")),
    ("stream.vary", "Variation", include_str!("../../listen/src/vary.rs")),
    ("vocabulary", "VocabularyOptions", include_str!("../../data/src/vocabulary.rs")),
    ("data", "RecordOptions", include_str!("../../data/src/records/options.rs")),
];

/// Values that are one of a few.
const CHOICES: &[(&str, &[&str])] = &[
    ("train.optimizer", &["adam", "sgd"]),
    ("train.schedule", &["constant", "cosine", "step"]),
    ("train.watch", &["accuracy", "loss", "last", "false-accepts"]),
    ("quantize.weights", &["int8", "int4", "int2"]),
];

/// The documentation of a field: the `///` lines above it.
fn help(table: &str, field: &str) -> String {
    let Some((_, name, text)) = SOURCES.iter().find(|(known, ..)| *known == table) else { return String::new() };
    let body = text.split_once(&format!("pub struct {name} {{")).map_or("", |(_, rest)| rest);
    let body = body.split_once("\n}").map_or(body, |(body, _)| body);
    let mut lines: Vec<&str> = Vec::new();
    for line in body.lines().map(str::trim) {
        match line.strip_prefix("///") {
            Some(text) => lines.push(text.trim()),
            None if line.starts_with("#[") => {}
            None if line.strip_prefix("pub ").is_some_and(|rest| rest.split(':').next() == Some(field)) => {
                return lines.join(" ").replace('`', "");
            }
            None => lines.clear(),
        }
    }
    String::new()
}

fn kind_of(key: &str, value: &Value) -> &'static str {
    match value {
        _ if CHOICES.iter().any(|(known, _)| *known == key) => "choice",
        Value::Bool(_) => "bool",
        Value::Number(n) if n.is_f64() => "float",
        Value::Number(_) => "int",
        Value::Array(_) => "list",
        Value::Object(_) => "table",
        Value::String(_) | Value::Null => "text",
    }
}

/// Adds the values of a table, and of the tables in it that have documentation of their own.
fn collect(table: &str, values: &Value, defaults: &Value, keys: &mut Vec<Key>) {
    for (field, value) in values.as_object().into_iter().flatten() {
        let key = if table.is_empty() { field.clone() } else { format!("{table}.{field}") };
        let default = defaults.get(field).cloned().unwrap_or(Value::Null);
        if SOURCES.iter().any(|(known, ..)| *known == key) {
            collect(&key, value, &default, keys);
            continue;
        }
        let choices = CHOICES.iter().find(|(known, _)| *known == key).map(|(_, choices)| *choices);
        let (help, kind) = (help(table, field), kind_of(&key, value));
        keys.push(Key { key, help, kind, value: value.clone(), default, choices });
    }
}

/// Every value of a recipe with its help and its default.
///
/// # Errors
/// Where it cannot be written as JSON.
pub fn keys(recipe: &Recipe) -> Result<Vec<Key>, Fault> {
    // Tables that a recipe may leave out have defaults of their own.
    let (stream, data) =
        (recipe.stream.as_ref().map(|_| Default::default()), recipe.data.as_ref().map(|_| Default::default()));
    let defaults = Recipe { stream, data, ..Recipe::default() };
    let [values, defaults] =
        [recipe, &defaults].map(|recipe| serde_json::to_value(recipe).map_err(anyhow::Error::from));
    let mut keys = Vec::new();
    collect("", &values?, &defaults?, &mut keys);
    Ok(keys)
}

/// The comment at the head of a recipe.
fn comment(text: &str) -> String {
    let lines = text.lines().take_while(|line| line.starts_with('#'));
    lines.map(|line| line.trim_start_matches('#').trim()).collect::<Vec<_>>().join(" ")
}

fn preset(name: &str, title: &str, help: String, text: &str, seconds: Option<u32>) -> Option<Preset> {
    let recipe = Recipe::parse(text).ok()?;
    let kind = if recipe.data.is_some() { Kind::Tables } else { Kind::Clips };
    let stream = recipe.stream.is_some();
    Some(Preset { name: name.to_owned(), title: title.to_owned(), help, kind, stream, own: seconds.is_none(), seconds })
}

/// Names of the project's own recipes, with their text.
fn own(project: &Project) -> Vec<(String, String)> {
    let Ok(folder) = project.inside(Path::new("recipes")) else { return Vec::new() };
    let names = std::fs::read_dir(folder).into_iter().flatten().flatten().filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        let stem = name.strip_suffix(".toml")?.to_owned();
        let text = elman_data::files::text(&project.inside(&Path::new("recipes").join(name)).ok()?).ok()?;
        part(&stem).is_ok().then_some((stem, text))
    });
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

/// The recipes to begin with: the project's own first.
pub fn presets(project: &Project) -> Vec<Preset> {
    let own = own(project).into_iter().filter_map(|(name, text)| preset(&name, &name, comment(&text), &text, None));
    let of = |b: &Builtin| preset(b.name, b.title, b.help.to_owned(), b.text, Some(b.seconds));
    own.chain(BUILTIN.iter().filter_map(of)).collect()
}

/// The text of a preset.
///
/// # Errors
/// Where there is none of this name.
pub fn text(project: &Project, name: &str) -> Result<String, Fault> {
    let mine = own(project).into_iter().find(|(known, _)| known == name).map(|(_, text)| text);
    let built_in = || BUILTIN.iter().find(|b| b.name == name).map(|b| b.text.to_owned());
    mine.or_else(built_in)
        .ok_or_else(|| Fault::not_found(format!("there is no preset {name:?}; choose one of the list")))
}

/// Changes as the command line has them: `train.epochs=20`.
pub fn changes(set: &serde_json::Map<String, Value>) -> Vec<String> {
    let text = |value: &Value| match value {
        Value::String(text) => toml::Value::String(text.clone()).to_string(),
        other => inline(other),
    };
    set.iter().map(|(key, value)| format!("{key}={}", text(value))).collect()
}

/// A JSON value as an inline value of TOML.
fn inline(value: &Value) -> String {
    match value {
        Value::String(text) => toml::Value::String(text.clone()).to_string(),
        Value::Array(values) => format!("[{}]", values.iter().map(inline).collect::<Vec<_>>().join(", ")),
        Value::Object(table) => {
            let fields = table.iter().filter(|(_, v)| !v.is_null());
            let fields = fields.map(|(k, v)| format!("{} = {}", toml::Value::String(k.clone()), inline(v)));
            format!("{{ {} }}", fields.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_has_its_help() {
        for built in BUILTIN {
            let recipe = Recipe::parse(built.text).unwrap();
            let keys = keys(&recipe).unwrap();
            let without: Vec<&str> = keys.iter().filter(|k| k.help.is_empty()).map(|k| &k.key[..]).collect();
            assert_eq!(without, [""; 0], "{}", built.name);
            assert!(keys.len() > 40 && !comment(built.text).is_empty(), "{}", built.name);
        }
        let keys = keys(&Recipe::default()).unwrap();
        let epochs = keys.iter().find(|k| k.key == "train.epochs").unwrap();
        assert_eq!((&epochs.help[..], epochs.kind), ("Passes over the training data, at most.", "int"));
        assert_eq!((epochs.value.clone(), epochs.default.clone()), (30.into(), 30.into()));
    }

    #[test]
    fn choices_and_changes_are_read_by_the_recipe() {
        for (key, choices) in CHOICES {
            for choice in *choices {
                let set = serde_json::Map::from_iter([((*key).to_owned(), (*choice).into())]);
                Recipe::default().changed(&changes(&set)).unwrap();
            }
        }
        let set = serde_json::json!({
            "train.epochs": 3, "name": "a \"b\" = 1", "augment.noise_snr_db": [1.5, 20.0],
            "network.layers": [{ "layer": "cell", "variant": "gru", "units": 8 }]
        });
        let recipe = Recipe::default().changed(&changes(set.as_object().unwrap())).unwrap();
        assert_eq!((recipe.train.epochs, &recipe.name[..]), (3, "a \"b\" = 1"));
        assert_eq!((recipe.augment.noise_snr_db, recipe.network.layers.len()), ((1.5, 20.0), 1));
        let wrong = serde_json::json!({ "train.epoch": 3 });
        let error = Recipe::default().changed(&changes(wrong.as_object().unwrap())).unwrap_err().to_string();
        assert!(error.contains("did you mean"), "{error}");
    }
}
