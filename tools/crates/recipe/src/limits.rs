//! What the numbers of a recipe may be: one table for every key, checked where the recipe is read.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::RENAMED;
use elman_nn::LayerSpec;
use elman_train::limits::{
    self, MANY,
    Values::{self, Above, Below, Interval, Number, Numbers, Whole},
};

/// Most units of a layer, symbols of a table and outputs: the device's.
const WIDTH: u64 = elman::blob::MAX_WIDTH as u64;
/// Most steps, taps and nodes: the device counts them in 16 bits.
const STEPS: u64 = u16::MAX as u64;

/// Every key that is a number, by its table, with what it takes and in which unit; those of `train` are the trainer's. `network` has the keys of its layers,
/// wherever they stand in it.
const LIMITS: &[(&str, &str, Values, &str)] = &[
    ("features", "sample_rate", Whole(0, 768_000), "Hz; 0 takes that of the recordings"),
    ("features", "window_ms", Above(0.0, 4000.0), "ms"),
    ("features", "hop_ms", Above(0.0, 4000.0), "ms"),
    ("features", "channels", Whole(1, 255), "mel bands"),
    ("features", "low_hz", Whole(0, STEPS), "Hz"),
    ("features", "high_hz", Whole(0, STEPS), "Hz; 0 takes 0.475 of the sample rate"),
    ("features", "floor_log2", Whole(0, 63), ""),
    ("features", "cepstrum", Whole(0, 255), "coefficients; 0 for mel bands"),
    ("features", "pre_emphasis", Below(0.0, 1.0), ""),
    ("augment", "gain_db", Number(0.0, 120.0), "dB"),
    ("augment", "shift_ms", Number(0.0, 60_000.0), "ms"),
    ("augment", "noise_share", Number(0.0, 1.0), ""),
    ("augment", "noise_snr_db", Interval(-120.0, 120.0), "dB"),
    ("data", "steps", Whole(0, STEPS), "steps; 0 for what suits"),
    ("data", "count", Whole(1, MANY), "examples"),
    ("data", "valid_share", Below(0.0, 1.0), ""),
    ("data", "channels", Whole(0, WIDTH), "values; 0 for what suits"),
    ("data", "max_size", Whole(0, MANY), "; 0 takes all"),
    ("data", "max_leaves", Whole(0, MANY), "leaves; 0 takes all"),
    ("data", "fold", Whole(0, MANY), "; 0 for none"),
    ("vocabulary", "min_count", Whole(0, MANY), "occurrences"),
    ("vocabulary", "max_symbols", Whole(0, STEPS), "symbols; 0 for as many as there are"),
    ("sequences", "window", Whole(0, MANY), "steps; 0 leaves examples whole"),
    ("sequences", "hop", Whole(0, MANY), "steps; 0 takes the window's length"),
    ("sequences", "washout", Whole(0, MANY), "steps"),
    ("sequences", "skip", Whole(0, MANY), "steps"),
    ("sequences", "symbol_dropout", Number(0.0, 1.0), ""),
    ("sequences", "noise", Number(0.0, 1000.0), "deviations"),
    ("stream", "valid_share", Below(0.0, 1.0), ""),
    ("stream", "seconds", Number(0.1, 3600.0), "s"),
    ("stream", "streams", Whole(0, MANY), "streams; 0 for as many as use each clip about once"),
    ("stream", "gap_s", Interval(0.0, 3600.0), "s"),
    ("stream", "snr_db", Interval(-120.0, 120.0), "dB"),
    ("stream", "level_db", Interval(-120.0, 0.0), "dB below full scale"),
    ("stream", "jitter_db", Number(0.0, 60.0), "dB"),
    ("stream", "speed", Below(0.0, 1.0), ""),
    ("stream", "tilt_db", Number(0.0, 60.0), "dB"),
    ("stream", "fragments", Number(0.0, 1.0), ""),
    ("stream", "wordless", Number(0.0, 1.0), ""),
    ("stream", "trimmed", Number(0.0, 1.0), ""),
    ("stream", "lead_ms", Number(0.0, 60_000.0), "ms"),
    ("stream", "hold_ms", Number(0.0, 60_000.0), "ms"),
    ("stream", "reuse", Whole(1, MANY), "epochs"),
    ("stream", "hard_negatives_every", Whole(0, MANY), "epochs; 0 never"),
    ("stream", "hard_negatives_streams", Whole(0, MANY), "streams"),
    ("stream", "hard_negatives_threshold", Number(0.0, 1.0), ""),
    ("stream", "hard_negatives_share", Number(0.0, 1.0), ""),
    ("stream", "valid_hours", Number(0.0, 1000.0), "h"),
    ("stream", "valid_per_hour", Above(0.0, 36_000.0), "clips an hour"),
    ("stream", "valid_snr_db", Number(-120.0, 120.0), "dB"),
    ("stream", "false_accepts_per_hour", Number(0.0, 36_000.0), "an hour"),
    ("stream", "held_background", Below(0.0, 1.0), ""),
    ("stream", "warp", Below(0.0, 1.0), ""),
    ("stream", "balance_db", Number(0.0, 60.0), "dB"),
    ("stream", "masks", Whole(0, 255), "ranges"),
    ("stream", "mask_channels", Whole(0, 255), "channels"),
    ("stream", "gaps", Number(0.0, 1000.0), "a second"),
    ("stream", "gap_steps", Whole(0, STEPS), "steps"),
    ("network", "units", Whole(1, WIDTH), "units"),
    ("network.attention", "units", Whole(0, WIDTH), "units; 0 for scores that need none"),
    ("network", "outputs", Whole(1, WIDTH), "outputs"),
    ("network", "rows", Whole(0, STEPS), "symbols; 0 for as many as the data have"),
    ("network", "dropout", Below(0.0, 1.0), ""),
    ("network", "rate", Below(0.0, 1.0), ""),
    ("network", "taps", Whole(0, STEPS), "steps"),
    ("network", "stride", Whole(1, STEPS), "steps"),
    ("network", "tail", Whole(0, WIDTH), "values"),
    ("network", "tail_taps", Whole(0, STEPS), "steps"),
    ("network", "hidden", Whole(0, WIDTH), "units; 0 for none"),
    ("network", "input_taps", Whole(0, STEPS), "steps"),
    ("network", "output_taps", Whole(1, STEPS), "steps"),
    ("network", "warmup", Whole(0, MANY), "steps"),
    ("network", "by", Whole(1, STEPS), "steps"),
    ("network", "kernel", Whole(1, 256), "steps"),
    ("network", "dilation", Whole(1, STEPS), "steps"),
    ("network", "epsilon", Number(1e-12, 1.0), ""),
    ("network", "roots", Whole(1, 16), "nodes"),
    ("network", "rounds", Whole(1, 255), "rounds"),
    ("network", "margin", Number(1.0, 1000.0), "times the largest example"),
    ("network", "max_outputs", Whole(0, STEPS), "symbols; 0 for one more than the longest target"),
    ("network", "beams", Whole(1, 8), "hypotheses"),
    ("quantize", "calibration_clips", Whole(1, MANY), "examples"),
    ("quantize", "max_steps", Whole(0, STEPS), "steps; 0 takes the longest example"),
    ("quantize", "qat_epochs", Whole(0, MANY), "epochs; 0 rounds after training alone"),
    ("quantize", "qat_rate", Above(0.0, 1e3), ""),
];

/// What a key of a table takes, and its unit.
fn limit(table: &str, key: &str) -> Option<(Values, &'static str)> {
    let of_train = || limits::LIMITS.iter().find(|(name, ..)| table == "train" && *name == key).map(|l| (l.1, l.2));
    LIMITS.iter().find(|(of, name, ..)| *of == table && *name == key).map(|l| (l.2, l.3)).or_else(of_train)
}

/// Checks every number of a recipe that TOML can read.
///
/// # Errors
/// A sentence with line, key, value and what the key takes.
pub fn check(text: &str) -> Result<(), String> {
    // What is no TOML, serde says better.
    let (Ok(document), Ok(plain)) = (DeTable::parse(text), text.parse::<toml::Table>()) else { return Ok(()) };
    document.get_ref().iter().try_for_each(|(key, value)| {
        let table = key.get_ref().to_string();
        walk(text, &table, "", value, plain.get(table.as_str()))
    })
}

/// Checks `value`, which stands at `key` in `table`; `plain` is the same without places.
fn walk(
    text: &str,
    table: &str,
    key: &str,
    value: &Spanned<DeValue<'_>>,
    plain: Option<&toml::Value>,
) -> Result<(), String> {
    let key = RENAMED.iter().find(|(of, old, _)| *of == table && *old == key).map_or(key, |(.., new)| new);
    if let Some((values, unit)) = limit(table, key) {
        return match wrong(values, value.get_ref()) {
            None => Ok(()),
            Some(found) => {
                let (line, wanted) = (line(text, value.span().start), values.wanted(unit));
                Err(format!("line {line}: {table}.{key} is {found}; it must be {wanted}"))
            }
        };
    }
    match value.get_ref() {
        DeValue::Table(inner) => {
            inner.iter().try_for_each(|(key, value)| {
                let plain = plain.and_then(|p| p.get(key.get_ref().as_ref()));
                // Attention has units too, and may have none.
                let table =
                    if table == "network" && key.get_ref() == "attention" { "network.attention" } else { table };
                walk(text, table, key.get_ref(), value, plain)
            })?;
            match plain.and_then(toml::Value::as_table).and_then(wrong_in_layer) {
                Some((key, reason)) => {
                    let place = inner.iter().find(|(name, _)| name.get_ref().as_ref() == key);
                    let line = line(text, place.map_or(0, |(name, _)| name.span().start));
                    Err(format!("line {line}: {table}: `{key}` of a layer: {reason}"))
                }
                None => Ok(()),
            }
        }
        DeValue::Array(items) => items
            .iter()
            .enumerate()
            .try_for_each(|(k, item)| walk(text, table, "", item, plain.and_then(|p| p.as_array()?.get(k)))),
        _ => Ok(()),
    }
}

/// The key of a layer without which the layer could be read, and what is wrong with its value: serde knows the layer's line alone.
fn wrong_in_layer(layer: &toml::Table) -> Option<(String, String)> {
    let read = |layer: &toml::Table| layer.clone().try_into::<LayerSpec>().map(drop);
    let error = layer.get("layer").and_then(|_| read(layer).err())?;
    let without = |key: &str| {
        let rest: toml::Table =
            layer.iter().filter(|(name, _)| *name != key).map(|(k, v)| (k.clone(), v.clone())).collect();
        read(&rest).err().is_none_or(|e| e.message().starts_with("missing field"))
    };
    // An unknown key or a missing one has a message of its own.
    let known = error.message().starts_with("unknown field") || error.message().starts_with("missing field");
    let key = layer.keys().find(|key| *key != "layer" && !known && without(key))?;
    Some((key.clone(), format!("{} is wrong: {}", layer[key], error.message().trim_end())))
}

fn line(text: &str, at: usize) -> usize {
    text.get(..at).unwrap_or_default().matches('\n').count() + 1
}

/// A number as it is written, or nothing where it is none.
fn number(value: &DeValue<'_>) -> Option<f64> {
    match value {
        DeValue::Integer(i) => {
            let digits = i.as_str().replace('_', "");
            i64::from_str_radix(&digits, i.radix()).map(|n| n as f64).ok().or_else(|| digits.parse().ok())
        }
        DeValue::Float(f) => f.as_str().replace('_', "").parse().ok(),
        _ => None,
    }
}

/// A value in some words.
fn shown(value: &DeValue<'_>) -> String {
    match value {
        DeValue::Integer(i) => i.as_str().to_owned(),
        DeValue::Float(f) => f.as_str().to_owned(),
        DeValue::Array(items) => {
            let items: Vec<String> = items.iter().take(8).map(|item| shown(item.get_ref())).collect();
            format!("[{}]", items.join(", "))
        }
        _ => String::from("no number"),
    }
}

/// The value in some words where it cannot be; another type is serde's to name.
fn wrong(values: Values, value: &DeValue<'_>) -> Option<String> {
    let good = match (values, value) {
        (Interval(..) | Numbers(..), DeValue::Array(items)) => {
            let numbers: Vec<f64> = items.iter().map_while(|item| number(item.get_ref())).collect();
            let ordered = !matches!(values, Interval(..)) || numbers.windows(2).all(|w| w[0] <= w[1]);
            // A list with something else in it.
            numbers.len() < items.len() || (ordered && numbers.iter().all(|n| values.takes(*n)))
        }
        (_, value) => number(value).is_none_or(|n| values.takes(n)),
    };
    (!good).then(|| shown(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Recipe;

    #[test]
    fn line_key_value_and_way_out_are_named() {
        let wrong = |text: &str| Recipe::parse(text).unwrap_err();
        assert_eq!(
            wrong("name = \"x\"\n[train]\nepochs = 3\nrate = -1.5\n"),
            "line 4: train.rate is -1.5; it must be above 0 and at most 1000"
        );
        assert_eq!(
            wrong("[network]\nlayers = [\n  { layer = \"dense\", outputs = 9000 },\n]"),
            "line 3: network.outputs is 9000; it must be a whole number from 1 to 8192 outputs"
        );
        assert_eq!(
            wrong("[stream]\ngap_s = [2, 0.1]"),
            "line 2: stream.gap_s is [2, 0.1]; it must be two numbers from 0 to 3600 s, the lower one first"
        );
        assert_eq!(
            wrong(
                "[network]\nlayers = [\n  { layer = \"cell\", variant = \"gru\", units = 3,\n    bidirectional = 7 },\n]"
            ),
            "line 4: network: `bidirectional` of a layer: 7 is wrong: invalid type: integer `7`, expected a boolean"
        );
        let error =
            wrong("[network.tree]\nleaf = []\ncompose = { layer = \"dense\", outputs = 3, activation = \"x\" }");
        assert!(
            error.starts_with("line 3: network: `activation` of a layer: \"x\" is wrong: unknown variant"),
            "{error}"
        );
        for text in ["train.rate = nan", "train.rate = inf", "train.rate = 0", "train.batch = 0", "stream.speed = 5"] {
            let error = wrong(text);
            assert!(error.starts_with("line 1: ") && error.contains(text.split(" = ").nth(1).unwrap()), "{error}");
        }
        assert!(Recipe::parse("train.rate = 1_0.5\ntrain.epochs = 0x10\n").is_ok());
    }

    /// A key without a line in the table would take anything.
    #[test]
    fn every_number_of_a_recipe_has_its_limits() {
        let recipe = Recipe { stream: Some(Default::default()), data: Some(Default::default()), ..Recipe::default() };
        let mut tables: toml::Table = recipe.to_toml().unwrap().parse().unwrap();
        let layers: Vec<toml::Value> =
            LayerSpec::samples().iter().map(|layer| toml::Value::try_from(layer).unwrap()).collect();
        tables.insert("network".to_owned(), toml::Value::Array(layers));
        let mut missing = Vec::new();
        for (table, value) in &tables {
            numbers(table, "", value, &mut missing);
        }
        // Seeds are any number.
        missing.retain(|key| !key.ends_with("seed"));
        assert!(missing.is_empty(), "{missing:?}");
    }

    fn numbers(table: &str, key: &str, value: &toml::Value, missing: &mut Vec<String>) {
        let known = limit(table, key).is_some();
        match value {
            toml::Value::Integer(_) | toml::Value::Float(_) if !known => missing.push(format!("{table}.{key}")),
            toml::Value::Array(items) if !known => items.iter().for_each(|item| numbers(table, key, item, missing)),
            toml::Value::Table(inner) => inner.iter().for_each(|(name, v)| {
                numbers(table, name, v, missing);
            }),
            _ => {}
        }
    }
}
