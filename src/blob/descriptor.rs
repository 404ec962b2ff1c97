//! What the blob says of the model, in postcard.

use serde::{Deserialize, Serialize};

use crate::audio;
use crate::cell::{CarriedState, Operands, OutRange, StageKind, WidthRule};
use crate::detect;
use crate::layer;

use super::structure::{MAX_CHAINS, Structure};

/// Most layers of a model: 8 recurrent ones, and what surrounds them.
pub const MAX_LAYERS: usize = 16;
/// Widest vector: room for the symbols of a character language model of Chinese.
pub const MAX_WIDTH: u16 = 8192;

/// Which outputs of a sequence are the model's answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Readout {
    /// The last: sequence to class.
    #[default]
    Last,
    /// Each: synchronous sequence to sequence.
    EveryStep,
}

/// In which order a layer takes the steps of a sequence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Direction {
    /// From the first to the last.
    #[default]
    Forward,
    /// From the last to the first. Such a layer stands directly behind a forward one with the same input; the
    /// next layer reads both outputs, `[h_forward; h_backward]`.
    Backward,
}

/// What a symbol of a text is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum TextUnit {
    /// A character, i.e. a Unicode scalar value.
    #[default]
    Characters,
    /// A word: what stands between white space.
    Words,
}

/// The symbols of a model that reads text. Symbol 0 is the unknown one, which is not listed; a symbol is given to
/// the model as a frame of one element, its index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Text<'b> {
    /// What a symbol is.
    pub unit: TextUnit,
    /// Symbols 1, 2, ... in ascending order, each once: characters side by side, words one a line.
    pub symbols: &'b str,
}

/// One layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerDescriptor {
    /// Tag in the tables.
    pub tag: u8,
    /// Variant in the tables.
    pub variant: u8,
    /// Elements of the input vector.
    pub inputs: u16,
    /// Elements of the output vector.
    pub units: u16,
    /// Fraction bits of the input vector.
    pub in_frac: u8,
    /// Fraction bits of the output vector.
    pub out_frac: u8,
    /// Fraction bits of the carried state; the shift of a scale layer; of a linear or relu layer the k by which its
    /// pre-activations are 2^k times smaller than their value; else 0.
    pub carried_frac: u8,
    /// In which order it takes the steps of a sequence.
    pub direction: Direction,
    /// Its own numbers, which the table of its variant names; 0 where it has none.
    pub params: [u16; 4],
}

/// All that is not weights.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Descriptor<'b> {
    /// Name of the model.
    pub name: &'b str,
    /// Labels of the outputs, one a line; empty for a model that is no classifier.
    pub labels: &'b str,
    /// Which outputs answer.
    pub readout: Readout,
    /// Hash of recipe, data and seed of the training run.
    pub fingerprint: u64,
    /// The audio front end, where the input is sound.
    pub audio: Option<audio::Config>,
    /// The detector, where outputs become events.
    pub detect: Option<detect::Config>,
    /// The symbols, where the input is text.
    #[serde(borrow)]
    pub text: Option<Text<'b>>,
    /// The longest sequence of a model with a layer that reads backward; 0 where steps come without end.
    pub max_steps: u16,
    /// Number of last elements of the input frame that are the model's own previous output in closed loop; 0 for
    /// none.
    pub feedback: u16,
    /// Whether the last layer gives what the output adds to the previous one, in a model with feedback.
    pub increments: bool,
    /// How chains of layers are joined.
    pub structure: Structure,
    /// Layers of each chain; empty where all of them are one.
    pub chains: heapless::Vec<u8, MAX_CHAINS>,
    /// The layers, from the input, chain after chain.
    pub layers: heapless::Vec<LayerDescriptor, MAX_LAYERS>,
}

/// Hash of all tables and of the descriptor's shape (FNV-1a): a blob of other tables is rejected by name.
pub const fn schema_hash() -> u32 {
    const TABLES: u32 = {
        let h = text(
            0x811C_9DC5,
            "name labels readout fingerprint audio[suppression(fall rise strength share) gain(smooth strength bias root) cepstrum] detect[smooth refractory release rest(output steps) thresholds] text[] steps feedback increments structure[sequence seq2seq(score outputs beams) tree(roots nodes slots) graph(rounds nodes edges degree)] chains layers[tag variant inputs units fracs direction params]",
        );
        specs(specs(h, crate::cell::ALL_CELLS), layer::ALL_LAYERS)
    };
    TABLES
}

const fn byte(h: u32, b: u8) -> u32 {
    (h ^ b as u32).wrapping_mul(0x0100_0193)
}

const fn text(mut h: u32, s: &str) -> u32 {
    let (s, mut k) = (s.as_bytes(), 0);
    while k < s.len() {
        h = byte(h, s[k]);
        k += 1;
    }
    byte(h, 0)
}

const fn texts(mut h: u32, names: &[&str]) -> u32 {
    let mut k = 0;
    while k < names.len() {
        h = text(h, names[k]);
        k += 1;
    }
    byte(h, k as u8)
}

const fn specs(mut h: u32, specs: &[crate::cell::CellSpec]) -> u32 {
    let mut k = 0;
    while k < specs.len() {
        h = byte(h, specs[k].tag);
        let mut v = 0;
        while v < specs[k].variants.len() {
            let variant = &specs[k].variants[v];
            h = text(h, variant.name);
            h = byte(
                h,
                match variant.carried {
                    CarriedState::None => 0,
                    CarriedState::Hidden => 1,
                    CarriedState::Cell => 2,
                    CarriedState::Mean => 3,
                    CarriedState::Wide => 4,
                    CarriedState::Sum => 5,
                    CarriedState::Line => 6,
                    CarriedState::Max => 7,
                    CarriedState::Pair => 8,
                },
            );
            h = byte(
                h,
                match variant.out {
                    OutRange::Q15 => 0,
                    OutRange::Calibrated => 1,
                    OutRange::Input => 2,
                    OutRange::OneHot => 3,
                },
            );
            h = byte(
                h,
                match variant.widths {
                    WidthRule::Free => 0,
                    WidthRule::Same => 1,
                    WidthRule::Symbol => 2,
                    WidthRule::DelayTaps => 3,
                },
            );
            h = texts(texts(h, variant.params), variant.peephole);
            let mut s = 0;
            while s < variant.stages.len() {
                let stage = &variant.stages[s];
                h = byte(
                    h,
                    match stage.kind {
                        StageKind::Rows => 0,
                        StageKind::Split => 1,
                        StageKind::Pointwise => 2,
                        StageKind::Table => 3,
                    },
                );
                let mut g = 0;
                while g < stage.gates.len() {
                    h = text(h, stage.gates[g].name);
                    h = byte(
                        h,
                        match stage.gates[g].operands {
                            Operands::InputAndHidden => 0,
                            Operands::Input => 1,
                            Operands::Hidden => 2,
                        },
                    );
                    g += 1;
                }
                s += 1;
            }
            v += 1;
        }
        k += 1;
    }
    h
}
