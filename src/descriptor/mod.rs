//! What a blob says of its model, in postcard: a [`Descriptor`], then the number of layers and a [`LayerDescriptor`] each.

mod structure;

use crate::record::{Lines, choice, record};
use crate::text::Text;
use crate::{audio, detect};

pub use structure::{AttentionScore, MAX_BEAMS, MAX_CHAINS, Structure};

/// Most layers of a model: 8 recurrent ones, and what surrounds them.
pub const MAX_LAYERS: usize = 16;
/// Widest vector: enough for the symbols of a character language model of Chinese.
pub const MAX_WIDTH: u16 = 8192;

choice! {
    /// Which outputs of a sequence are the model's answer.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    #[cfg_attr(feature = "defmt", derive(defmt::Format))]
    pub enum Readout {
        /// The last: sequence to class.
        Last,
        /// Each: synchronous sequence to sequence.
        EveryStep,
    }
}

choice! {
    /// In which order a layer takes the steps of a sequence.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    #[cfg_attr(feature = "defmt", derive(defmt::Format))]
    pub enum Direction {
        /// From the first to the last.
        Forward,
        /// From the last to the first. Such a layer directly follows a forward one with the same input; the next layer
        /// reads both outputs, `[h_forward; h_backward]`.
        Backward,
    }
}

/// Elements and fraction bits of a vector.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct VectorFormat {
    pub width: u16,
    pub frac: u8,
}

record! {
    /// One layer.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct LayerDescriptor {
        /// Tag in the tables, in the lower six bits; the format of the weights in the upper two.
        tag: u8 ["tag "],
        /// Variant in the tables.
        variant: u8 ["variant "],
        /// Elements of the input vector.
        inputs: u16 ["inputs "],
        /// Elements of the output vector.
        units: u16 ["units "],
        /// Fraction bits of the input vector.
        in_frac: u8 ["fracs "],
        /// Fraction bits of the output vector.
        out_frac: u8,
        /// Fraction bits of the carried state; the shift of a scale layer; of a linear or relu layer the k by which its
        /// pre-activations are 2^k times smaller than their value; else 0.
        carried_frac: u8,
        /// In which order it takes the steps of a sequence.
        direction: Direction ["direction "],
        /// Its own numbers, which the table of its variant names; 0 where it has none.
        params: [u16; 4] ["params"],
    }
}

record! {
    /// All that is neither layers nor weights.
    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    pub struct Descriptor<'b> {
        /// Name of the model.
        name: &'b str ["name "],
        /// Labels of the outputs, one a line; empty for a model that is no classifier.
        labels: &'b str as Lines ["labels "],
        /// Which outputs are the answer.
        readout: Readout ["readout "],
        /// Hash of recipe, data and seed of the training run.
        fingerprint: u64 ["fingerprint "],
        /// The audio front end, where the input is sound.
        audio: Option<audio::Config> ["audio[" AudioConfig "] "],
        /// The detector, where outputs become events.
        detect: Option<detect::Config> ["detect[" DetectConfig "] "],
        /// The symbols, where the input is text.
        #[serde(borrow)]
        text: Option<Text<'b>> ["text[" Text "] "],
        /// The longest sequence of a model with a layer that reads backward; 0 where steps come without end.
        max_steps: u16 ["steps "],
        /// Number of last elements of the input frame that are the model's own previous output in closed loop; 0 for none.
        feedback: u16 ["feedback "],
        /// Whether the last layer gives what the output adds to the previous one, in a model with feedback.
        increments: bool ["increments "],
        /// How chains of layers are wired.
        structure: Structure ["structure[" Structure "] "],
        /// Layers of each chain; empty where all of them are one.
        chains: heapless::Vec<u8, MAX_CHAINS> ["chains "],
    }
}

use audio::Config as AudioConfig;
use detect::Config as DetectConfig;

/// Hashes the stable text of all fields.
pub(crate) const fn schema(h: u32) -> u32 {
    crate::record::hash_parts!(h; Descriptor "layers[" LayerDescriptor "]")
}

/// The text that [`schema`] hashes.
#[cfg(test)]
pub(crate) fn schema_text() -> std::string::String {
    let mut text = std::string::String::new();
    let out = &mut text;
    crate::record::text_parts!(out; Descriptor "layers[" LayerDescriptor "]");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text that the hash stands for, which no renaming may change.
    #[test]
    fn the_hashed_text_is_stable() {
        const TEXT: &str = "name labels readout fingerprint audio[suppression(fall rise strength share) gain(smooth \
            strength bias root) cepstrum] detect[smooth refractory release rest(output steps) thresholds] text[] steps \
            feedback increments structure[sequence seq2seq(score outputs beams) tree(roots nodes slots) graph(rounds nodes \
            edges degree)] chains layers[tag variant inputs units fracs direction params]";
        assert_eq!(schema(7), crate::record::hash_text(7, TEXT));
    }
}
