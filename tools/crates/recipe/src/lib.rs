//! Recipes: everything that defines a training run, in TOML; every value has a default.
#![forbid(unsafe_code)]

mod limits;
mod network;
mod usage;

pub use network::{AttentionRecipe, GraphRecipe, NetworkRecipe, RequestedNetwork, Seq2seqRecipe, TreeRecipe};
pub use usage::Usage;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use elman::kernel::WeightFormat;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use elman_data::records::RecordOptions;
use elman_data::{Augment, VocabularyOptions};
use elman_listen::StreamRecipe;
use elman_train::TrainConfig;

/// A recipe, resolved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Recipe {
    /// Name of the model.
    pub name: String,
    /// Folder of its corpus among others, where `cargo xtask recipes` looks for it; by default its name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub corpus: String,
    /// How text, series and other data but sound are read; without this table the data is sound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<RecordOptions>,
    /// Whether files that cannot be read are left out and noted, instead of an error.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub skip_bad: bool,
    /// Whether the data are only evaluated or mixed, not trained on; no part of the file.
    #[serde(skip)]
    pub evaluate: bool,
    /// Which symbols of a text have a number of their own.
    pub vocabulary: VocabularyOptions,
    /// How examples but sound become sequences.
    pub sequences: SequenceRecipe,
    /// The audio front end.
    pub features: Features,
    /// Changes of the clips in training.
    pub augment: AugmentRecipe,
    /// Streams of clips in background noise instead of clips: for a network that listens without end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream: Option<StreamRecipe>,
    /// The network.
    pub network: NetworkRecipe,
    /// The training loop; its seed is the seed of everything random.
    pub train: TrainConfig,
    /// Quantization.
    pub quantize: Quantize,
}

impl Default for Recipe {
    fn default() -> Self {
        Recipe {
            name: "model".to_owned(),
            corpus: String::new(),
            data: None,
            skip_bad: false,
            evaluate: false,
            vocabulary: VocabularyOptions::default(),
            sequences: SequenceRecipe::default(),
            features: Features::default(),
            augment: AugmentRecipe::default(),
            stream: None,
            network: NetworkRecipe::default(),
            train: TrainConfig::default(),
            quantize: Quantize::default(),
        }
    }
}

/// The audio front end's parameters, in the units people use.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Features {
    /// Samples per second; 0 uses 8000 or 16000, as the recordings have.
    pub sample_rate: u32,
    /// Length of a frame in ms.
    pub window_ms: f64,
    /// From the start of a frame to the start of the next in ms.
    pub hop_ms: f64,
    /// Mel bands.
    pub channels: u8,
    /// Lower edge of the first band in Hz.
    pub low_hz: u16,
    /// Upper edge of the last band in Hz; 0 takes 0.475 of the sample rate.
    pub high_hz: u16,
    /// log2 of the energy below which a band counts as silent.
    pub floor_log2: u8,
    /// Whether an estimate of steady noise is subtracted from each band.
    #[serde(alias = "suppression")]
    pub spectral_subtraction: bool,
    /// Per-channel energy normalisation (PCEN) instead of the logarithm: each band is divided by its own smoothed energy.
    #[serde(alias = "gain")]
    pub pcen: bool,
    /// Cepstral coefficients (MFCC) instead of bands; 0 for bands.
    pub cepstrum: u8,
    /// a of `x[n] - a·x[n-1]`, 0 to below 1.
    pub pre_emphasis: f64,
}

impl Default for Features {
    fn default() -> Self {
        let base = elman::audio::Config::HZ_16000;
        Features {
            sample_rate: 0,
            window_ms: 32.0,
            hop_ms: 20.0,
            channels: base.channels,
            low_hz: base.low_hz,
            high_hz: 0,
            floor_log2: base.floor_log2,
            spectral_subtraction: false,
            pcen: false,
            cepstrum: 0,
            pre_emphasis: 0.0,
        }
    }
}

impl Features {
    /// The front end at `rate` samples per second.
    ///
    /// # Errors
    /// Where the parameters are invalid.
    pub fn config(&self, rate: u32) -> Result<elman::audio::Config> {
        let samples = |ms: f64| (ms * rate as f64 / 1000.0).round().clamp(0.0, 65_535.0) as u16;
        let window = samples(self.window_ms);
        let config = elman::audio::Config {
            sample_rate: rate,
            window,
            hop: samples(self.hop_ms),
            fft_log2: (window.max(1) as u32).next_power_of_two().trailing_zeros().clamp(7, 10) as u8,
            channels: self.channels,
            low_hz: self.low_hz,
            high_hz: if self.high_hz == 0 { (rate as f64 * 0.475) as u16 } else { self.high_hz },
            floor_log2: self.floor_log2,
            spectral_subtraction: self.spectral_subtraction.then_some(elman::audio::SpectralSubtraction::SPEECH),
            pcen: self.pcen.then_some(elman::audio::Pcen::SPEECH),
            cepstrum: self.cepstrum,
            pre_emphasis: (self.pre_emphasis * 32_768.0).round().clamp(0.0, 65_535.0) as u16,
            ..elman::audio::Config::HZ_16000
        };
        config.check().map_err(|e| {
            let Features { window_ms, hop_ms, channels, low_hz, high_hz, cepstrum, .. } = self;
            Usage(format!(
                "[features] {e}; they follow from sample_rate = {rate}, window_ms = {window_ms:?}, hop_ms = {hop_ms:?}, channels = \
                 {channels}, low_hz = {low_hz}, high_hz = {high_hz}, cepstrum = {cepstrum}"
            ))
        })?;
        Ok(config)
    }
}

/// How clips are varied while the network is trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AugmentRecipe {
    /// Gain, uniform in ± this, in dB.
    pub gain_db: f32,
    /// Shift in time, uniform in ± this, in ms.
    pub shift_ms: f32,
    /// Share of the clips that get noise added: the corpus' own background, or white.
    pub noise_share: f32,
    /// Lowest and highest ratio of the clip's power to that of the noise, in dB.
    pub noise_snr_db: (f32, f32),
}

impl Default for AugmentRecipe {
    fn default() -> Self {
        AugmentRecipe { gain_db: 6.0, shift_ms: 60.0, noise_share: 0.5, noise_snr_db: (5.0, 30.0) }
    }
}

impl AugmentRecipe {
    /// The same in samples, at `rate` samples per second.
    pub fn at(&self, rate: u32) -> Augment {
        Augment {
            gain_db: self.gain_db,
            shift: (self.shift_ms.max(0.0) * rate as f32 / 1000.0) as usize,
            noise_share: self.noise_share,
            noise_snr_db: self.noise_snr_db,
        }
    }
}

/// How examples become sequences.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SequenceRecipe {
    /// Steps of the windows into which long examples are cut for training; 0 leaves them whole.
    pub window: usize,
    /// Steps from window to window; 0 takes the window's length.
    pub hop: usize,
    /// First steps of a window that have no target, as the network has not read what came before.
    pub washout: usize,
    /// Whether the first steps of a whole example have no target either.
    pub washout_at_start: bool,
    /// First steps of an example that are not evaluated, as system identification leaves out transients.
    pub skip: usize,
    /// Share of the symbols that training replaces by the unknown symbol.
    pub symbol_dropout: f32,
    /// Symbols that are interchangeable, as names of variables: training permutes them in each example.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub interchangeable: Vec<String>,
    /// Deviation of normal noise that training adds to values, in units of a channel's own deviation.
    pub noise: f32,
}

impl Default for SequenceRecipe {
    fn default() -> Self {
        SequenceRecipe {
            window: 0,
            hop: 0,
            washout: 0,
            washout_at_start: false,
            skip: 0,
            symbol_dropout: 0.0,
            interchangeable: Vec::new(),
            noise: 0.0,
        }
    }
}

impl SequenceRecipe {
    /// Steps from window to window, at least 1.
    pub fn hop(&self) -> usize {
        if self.hop == 0 { self.window.max(1) } else { self.hop }
    }
}

/// Quantization after training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Quantize {
    /// Clips of the training set that calibrate formats and errors.
    pub calibration_clips: usize,
    /// Longest sequence of a network with a layer that reads backward; 0 takes the longest example.
    pub max_steps: u16,
    /// Format of the weights: int8, int4 or int2.
    pub weights: Weights,
    /// Formats of single layers, by their numbers in the network, from 0: `layers = { 1 = "int8" }`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub layers: BTreeMap<String, Weights>,
    /// Epochs of quantization-aware training (QAT) after those of `[train]`: the forward pass is the device's own code. 0 for none.
    pub qat_epochs: usize,
    /// Highest learning rate of these epochs; it falls along half a cosine.
    pub qat_rate: f64,
}

impl Default for Quantize {
    fn default() -> Self {
        Quantize {
            calibration_clips: 200,
            max_steps: 0,
            weights: Weights::default(),
            layers: BTreeMap::new(),
            qat_epochs: 0,
            qat_rate: 5e-4,
        }
    }
}

/// A format of weights by its name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weights(pub WeightFormat);

impl Serialize for Weights {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.0.name())
    }
}

impl<'de> Deserialize<'de> for Weights {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let name = String::deserialize(d)?;
        let known = WeightFormat::named(&name).map(Weights);
        known.ok_or_else(|| de::Error::unknown_variant(&name, &["int8", "int4", "int2"]))
    }
}

impl Quantize {
    /// The formats of single layers by number.
    pub fn of_layers(&self) -> impl Iterator<Item = (usize, WeightFormat)> {
        self.layers.iter().filter_map(|(number, weights)| Some((number.parse().ok()?, weights.0)))
    }

    fn check(&self) -> Result<(), String> {
        match self.layers.keys().find(|number| number.parse::<u8>().is_err()) {
            Some(number) => Err(format!(
                "quantize.layers has the key {number:?}; keys are numbers of layers, from 0: layers = {{ 0 = \"int4\" }}"
            )),
            None => Ok(()),
        }
    }
}

impl Recipe {
    /// Reads a recipe and applies `changes` of the form `train.epochs=3`.
    ///
    /// # Errors
    /// Where the file cannot be read; [`Usage`] where a key or value is wrong, with line, column and a
    /// suggestion.
    pub fn read(path: &Path, changes: &[String]) -> Result<Self> {
        let text = elman_data::files::text(path).with_context(|| {
            format!("cannot read the recipe {}; recipes that come with elman are in tools/recipes", path.display())
        })?;
        let recipe = Self::parse(&text).map_err(|e| Usage(format!("{}: {e}", path.display())))?;
        recipe.changed(changes)
    }

    /// The recipe with some values changed: `train.epochs=3`, `name="kitchen"`. A word needs no quotes, as shells take them away,
    /// and an empty one gives the key its default.
    ///
    /// # Errors
    /// [`Usage`] where a change is not of this form or its key or value is wrong.
    pub fn changed(self, changes: &[String]) -> Result<Self> {
        self.changed_in("", changes)
    }

    /// As [`Recipe::changed`], where a key alone is one of table `table`: `unit=words` of `data`.
    ///
    /// # Errors
    /// As [`Recipe::changed`], with the change as it was typed.
    pub fn changed_in(self, table_of_keys: &str, changes: &[String]) -> Result<Self> {
        if changes.is_empty() {
            return Ok(self);
        }
        let mut table: toml::Table = self.to_toml()?.parse()?;
        for change in changes {
            let usage = |reason: String| Usage(format!("--set {change}: {reason}"));
            let key = change.split('=').next().unwrap_or_default();
            let full = match table_of_keys {
                table if !table.is_empty() && !key.contains('.') && key.trim() != table => format!("{table}.{change}"),
                _ => change.clone(),
            };
            let parsed = assignment(&full).map_err(|e| usage(e.message().to_owned()))?;
            overlay(&mut table, with_new_names(parsed), "").map_err(&usage)?;
            let text = toml::to_string(&table)?;
            // The line is that of the text made here.
            let said = |e: String| {
                let last = e.lines().last().unwrap_or_default();
                let said =
                    last.strip_prefix("line ").and_then(|rest| rest.split_once(": ")).map_or(last, |(_, said)| said);
                said.to_owned()
            };
            Self::parse(&text).map_err(|e| usage(said(e)))?;
        }
        Ok(Self::parse(&toml::to_string(&table)?).map_err(Usage)?)
    }

    /// Parses a recipe.
    ///
    /// # Errors
    /// A sentence with line and column, and a suggestion.
    pub fn parse(text: &str) -> Result<Self, String> {
        limits::check(text)?;
        let mut recipe: Recipe = toml::from_str(text).map_err(|e| {
            let mut message = e.to_string().trim_end().to_owned();
            if let Some(meant) = suggestion(e.message()) {
                message.push_str(&format!("\ndid you mean `{meant}`?"));
            }
            message
        })?;
        recipe.network.settle()?;
        recipe.check_name()?;
        recipe.quantize.check()?;
        Ok(recipe)
    }

    /// The name is that of a folder and of files.
    fn check_name(&self) -> Result<(), String> {
        let Recipe { name, .. } = self;
        let wrong = name.is_empty()
            || name.starts_with('.')
            || name.len() > 200
            || name.contains(|c: char| matches!(c, '/' | '\\' | ':') || c.is_control());
        match wrong {
            true => Err(format!(
                "name is {name:?}; it names a folder, so it must have 1 to 200 bytes, none of them / \\ or :, and not begin with a dot"
            )),
            false => Ok(()),
        }
    }

    /// The recipe as TOML, with every value.
    pub fn to_toml(&self) -> Result<String> {
        Ok(toml::to_string(self)?)
    }
}

/// Keys that have another name now, by their table: a recipe may have either.
const RENAMED: [(&str, &str, &str); 6] = [
    ("features", "gain", "pcen"),
    ("features", "suppression", "spectral_subtraction"),
    ("stream", "mine_every", "hard_negatives_every"),
    ("stream", "mine_streams", "hard_negatives_streams"),
    ("stream", "mine_threshold", "hard_negatives_threshold"),
    ("stream", "mined_share", "hard_negatives_share"),
];

/// A change with the names that keys have now, so that it replaces the value that is there.
fn with_new_names(mut change: toml::Table) -> toml::Table {
    for (table, old, new) in RENAMED {
        if let Some(table) = change.get_mut(table).and_then(toml::Value::as_table_mut)
            && let Some(value) = table.remove(old)
        {
            table.insert(new.to_owned(), value);
        }
    }
    change
}

/// A change as TOML, or as TOML with quotes around its value where it is none without.
fn assignment(change: &str) -> Result<toml::Table, toml::de::Error> {
    change.parse().or_else(|e: toml::de::Error| match change.split_once('=') {
        Some((key, value)) if !value.contains(['"', '\'', '[', '{', '\n']) => {
            format!("{key} = {}", toml::Value::from(value.trim())).parse().map_err(|_| e)
        }
        _ => Err(e),
    })
}

/// Puts the values of `top` over those of `base`, table by table; an empty string takes the value of `base` away. A number is the place
/// in a list: `network.layers.0.units`.
///
/// # Errors
/// A sentence where a list has no such place.
fn overlay(base: &mut toml::Table, top: toml::Table, path: &str) -> Result<(), String> {
    for (key, value) in top {
        let full = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        match (base.get_mut(&key), value) {
            (Some(toml::Value::Table(below)), toml::Value::Table(above)) => overlay(below, above, &full)?,
            (Some(toml::Value::Array(below)), toml::Value::Table(above)) => overlay_list(below, above, &full)?,
            (_, toml::Value::String(text)) if text.is_empty() => {
                base.remove(&key);
            }
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
    Ok(())
}

/// Changes single values of a list.
fn overlay_list(base: &mut [toml::Value], top: toml::Table, path: &str) -> Result<(), String> {
    let count = base.len();
    for (key, value) in top {
        let place = key.parse::<usize>().ok().and_then(|place| base.get_mut(place));
        let Some(place) = place else {
            return Err(format!("{path} is a list of {count}, numbered from 0; there is no {key}"));
        };
        match (place, value) {
            (toml::Value::Table(below), toml::Value::Table(above)) => overlay(below, above, &format!("{path}.{key}"))?,
            (place, value) => *place = value,
        }
    }
    Ok(())
}

/// The known name nearest to the unknown one in serde's "unknown field `a`, expected one of `b`, `c`".
fn suggestion(message: &str) -> Option<String> {
    let rest = message.strip_prefix("unknown field ").or_else(|| message.strip_prefix("unknown variant "))?;
    let mut names = rest.split('`').skip(1).step_by(2);
    let unknown = names.next()?;
    names
        .map(|n| (strsim::jaro_winkler(unknown, n), n))
        .filter(|(likeness, _)| *likeness > 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, n)| n.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_recipe_has_every_value() {
        let recipe = Recipe::parse("").unwrap();
        assert_eq!(recipe, Recipe::default());
        let text = recipe.to_toml().unwrap();
        assert_eq!(Recipe::parse(&text).unwrap(), recipe, "{text}");
        assert!(text.contains("[train]") && text.contains("seed = 1"), "{text}");
    }

    /// A run folder has its recipe with every value written out.
    #[test]
    fn what_is_written_is_read_again() {
        let again = |text: &str, name: &str| {
            let recipe = Recipe::parse(text).unwrap_or_else(|e| panic!("{name}: {e}"));
            let written = recipe.to_toml().unwrap();
            assert_eq!(Recipe::parse(&written).as_ref(), Ok(&recipe), "{name}");
        };
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../recipes");
        for file in std::fs::read_dir(shipped).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_some_and(|e| e == "toml") {
                again(&std::fs::read_to_string(&path).unwrap(), &path.display().to_string());
            }
        }
        let plain = "encoder = [{ layer = \"cell\", variant = \"gru\", units = 4 }]\n\
                     decoder = [{ layer = \"embedding\", units = 4 }, { layer = \"cell\", variant = \"gru\", units = 4 }]\n";
        for attention in ["", "attention = { score = \"dot\" }\n", "attention = { score = \"none\", units = 0 }\n"] {
            again(&format!("[network.seq2seq]\n{plain}{attention}"), attention);
        }
        again("network.layers = []\n", "no layers");
    }

    #[test]
    fn typos_are_named_with_a_suggestion() {
        let error = Recipe::parse("name = \"x\"\n[features]\nchanels = 20\n").unwrap_err();
        assert!(error.contains("line 3") && error.contains("did you mean `channels`?"), "{error}");
        let error = Recipe::parse("[train]\nsed = 2\n").unwrap_err();
        assert!(error.contains("did you mean `seed`?"), "{error}");
        let error = Recipe::parse("train.seed = \"x\"\n").unwrap_err();
        assert!(error.contains("line 1"), "{error}");
    }

    #[test]
    fn single_values_can_be_changed() {
        let changed = |c: &str| Recipe::default().changed(&[c.to_owned()]);
        assert_eq!(changed("train.epochs=3").unwrap().train.epochs, 3);
        assert_eq!(changed("name = \"x\"").unwrap().name, "x");
        assert!(changed("train.epocs=3").unwrap_err().to_string().contains("did you mean `epochs`?"));
        assert!(changed("epochs").is_err());
        // Shells take quotes away; an empty string is the default.
        assert_eq!(changed("name=kitchen lamp").unwrap().name, "kitchen lamp");
        assert_eq!(changed("name=\"\"").unwrap().name, Recipe::default().name);
        assert_eq!(changed("name=").unwrap().name, Recipe::default().name);
        // What was typed is named, and a key alone is of the table that is asked for.
        let of_data = |c: &str| Recipe::default().changed_in("data", &[c.to_owned()]);
        for change in ["unit=words", "data.unit=words", "unit = \"words\"", "data.unit=\"words\""] {
            assert_eq!(of_data(change).unwrap().data.unwrap().unit, Some(elman_data::records::Unit::Words), "{change}");
        }
        let error = of_data("unti=words").unwrap_err().to_string();
        assert!(error.starts_with("--set unti=words: ") && error.contains("did you mean `unit`?"), "{error}");
        assert_eq!(of_data("train.epochs=3").unwrap().train.epochs, 3);
    }

    #[test]
    fn single_layers_can_be_changed() {
        let layers = "[network]\nlayers = [{ layer = \"cell\", variant = \"gru\", units = 8 }, { layer = \"pool\", over = \"last\" }]\n";
        let changed = |c: &str| Recipe::parse(layers).unwrap().changed(&[c.to_owned()]);
        let text = changed("network.layers.0.units=32").unwrap().to_toml().unwrap();
        assert!(
            text.contains("units = 32") && text.contains("variant = \"gru\"") && text.contains("over = \"last\""),
            "{text}"
        );
        let error = changed("network.layers.2.units=32").unwrap_err().to_string();
        assert!(error.contains("network.layers is a list of 2, numbered from 0; there is no 2"), "{error}");
        assert!(changed("network.layers.units=32").unwrap_err().to_string().contains("there is no units"));
    }

    #[test]
    fn old_names_of_keys_are_read() {
        let old = "[features]\ngain = true\nsuppression = true\n[stream]\nmine_every = 3\nmine_streams = 7\n\
                   mine_threshold = 0.25\nmined_share = 0.4\n";
        let recipe = Recipe::parse(old).unwrap();
        let text = recipe.to_toml().unwrap();
        assert!(recipe.features.pcen && recipe.features.spectral_subtraction);
        for (_, old, new) in RENAMED {
            assert!(text.contains(&format!("{new} = ")) && !text.contains(&format!("\n{old} = ")), "{text}");
        }
        let stream = recipe.stream.clone().unwrap();
        assert_eq!((stream.hard_negatives_every, stream.hard_negatives_streams), (3, 7));
        assert_eq!((stream.hard_negatives_threshold, stream.hard_negatives_share), (0.25, 0.4));
        // A change by either name replaces the value.
        for change in ["features.gain=false", "features.pcen=false"] {
            assert!(!recipe.clone().changed(&[change.to_owned()]).unwrap().features.pcen, "{change}");
        }
        let changed = recipe.changed(&["stream.mined_share=0.1".to_owned()]).unwrap();
        assert_eq!(changed.stream.unwrap().hard_negatives_share, 0.1);
    }

    #[test]
    fn the_default_features_are_the_core_s() {
        assert_eq!(Features::default().config(16_000).unwrap(), elman::audio::Config::HZ_16000);
        assert_eq!(Features::default().config(8000).unwrap(), elman::audio::Config::HZ_8000);
        let wide = Features { window_ms: 500.0, ..Features::default() };
        assert!(wide.config(16_000).unwrap_err().to_string().contains("[features]"));
    }
}
