//! Errors from loading a blob.

use core::fmt;

use crate::cell::MAX_LINE_WORDS;
use crate::descriptor::{MAX_BEAMS, MAX_CHAINS, MAX_WIDTH};
use crate::kernel::weights::missing_feature;
use crate::kernel::{Layout, WeightFormat};
use crate::layer;
use crate::operation::Operation;
use crate::{audio, detect};

/// What [`Model::load`](crate::Model::load) found wrong with a blob. Loading stops at the first mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum LoadError {
    /// Fewer bytes than the frame has.
    TooShort {
        /// Bytes of the blob.
        bytes: usize,
    },
    /// Not an elman blob.
    Magic {
        /// Its first word.
        found: u32,
    },
    /// A format of another version.
    Version {
        /// Version of the blob.
        found: u16,
        /// Version that this crate reads.
        supported: u16,
    },
    /// Weights packed for another kind of core.
    Layout {
        /// Number of the blob's layout, [`Layout::of`].
        found: u16,
        /// Layout that this build's kernels read; `None` where they read every one.
        reads: Option<Layout>,
    },
    /// A truncated or extended blob.
    Length {
        /// Bytes that the frame declares.
        declared: u32,
        /// Bytes of the blob.
        actual: usize,
    },
    /// Tables of cells and layers other than this crate's.
    Schema {
        /// Hash in the blob.
        found: u32,
        /// Hash of this crate's tables, [`schema_hash`](super::schema_hash).
        supported: u32,
    },
    /// Frame, descriptor, weights and CRC do not fill the blob exactly.
    SectionBounds {
        /// Bytes of the descriptor.
        descriptor: u32,
        /// Offset of the weights in bytes.
        offset: u32,
        /// Bytes of the weights.
        weights: u32,
        /// Bytes of the blob.
        total: u32,
    },
    /// A damaged blob.
    Crc {
        /// CRC at the end of the blob.
        found: u32,
        /// CRC-32C computed over the blob.
        computed: u32,
    },
    /// The descriptor is not canonical postcard of this shape.
    Descriptor {
        /// Byte of the descriptor at which decoding stopped.
        offset: usize,
    },
    /// The model has no layer, or none with an output.
    NoLayers,
    /// A layer that is not among the [`Operations`](super::Operations) that the model was loaded with.
    UnknownLayer {
        /// Number of the layer.
        layer: u8,
        /// Its tag.
        tag: u8,
        /// Its variant.
        variant: u8,
    },
    /// A width of 0, one above [`MAX_WIDTH`], or one that the kind of layer cannot have.
    Width {
        /// Number of the layer.
        layer: u8,
        /// Elements of its input.
        inputs: u16,
        /// Elements of its output.
        units: u16,
    },
    /// A layer's input is not what the layer before it gives (or the front end, for layer 0).
    ShapeMismatch {
        /// Number of the layer.
        layer: u8,
        /// Elements that it reads.
        inputs: u16,
        /// Elements that it is given.
        given: u16,
        /// Fraction bits that it reads.
        frac: u8,
        /// Fraction bits that it is given.
        given_frac: u8,
    },
    /// A number format that the layer cannot have.
    Format {
        /// Number of the layer.
        layer: u8,
        /// Fraction bits of the output.
        out_frac: u8,
        /// Fraction bits of the carried state, or the layer's shift.
        carried_frac: u8,
    },
    /// A layer's own numbers are out of range for its variant, or one that the variant does not use is not 0.
    Parameters {
        /// Number of the layer.
        layer: u8,
        /// Its numbers.
        params: [u16; 4],
        /// Elements of its input.
        inputs: u16,
        /// Elements of its output.
        units: u16,
    },
    /// A delay line longer than [`MAX_LINE_WORDS`].
    DelayLine {
        /// Number of the layer.
        layer: u8,
        /// Words that it requires.
        required: usize,
        /// Most words.
        most: usize,
    },
    /// A backward layer without state, or one that does not follow a forward layer with the same input and output format.
    Direction {
        /// Number of the layer.
        layer: u8,
    },
    /// A longest sequence is declared without a layer that reads backward, or the other way round.
    MaxSteps {
        /// The longest sequence declared.
        max_steps: u16,
        /// Whether a layer reads backward.
        backward: bool,
    },
    /// Feedback does not fit the model: it must be the whole output, fit into the input, and go to a plain input frame (no
    /// sound, no symbols, no backward layer). A model whose output adds to the previous one must have it.
    Feedback {
        /// Elements fed back.
        feedback: u16,
        /// Elements of the input.
        inputs: u16,
        /// Elements of the output.
        outputs: u16,
    },
    /// The structure cannot have so many chains, or the chains' layers are not all layers.
    ChainCount {
        /// Chains.
        chains: usize,
        /// Layers of all chains.
        layers: usize,
    },
    /// A chain's layers do not fit its place in the structure.
    ChainShape {
        /// Number of the chain.
        chain: u8,
    },
    /// The model needs an operation that is not among the [`Operations`](super::Operations) that it was loaded with.
    OperationMissing {
        /// The operation.
        operation: Operation,
    },
    /// The symbols of a text are not in ascending order, or one is empty.
    TextOrder {
        /// Number of the symbol in the wrong place.
        symbol: usize,
    },
    /// The first layer has not as many symbols as the text, or reads none.
    TextSymbols {
        /// Symbols of the text, the unknown one included.
        symbols: usize,
        /// Symbols of the layer; 0 where it reads none.
        layer: usize,
    },
    /// The layers need another number of words of weights.
    WeightsLength {
        /// Words that the layers require.
        required: usize,
        /// Words in the blob.
        provided: usize,
    },
    /// A weight out of its format's range, or weights or biases that are not packed as the kernels read them.
    InvalidWeight {
        /// Number of the layer.
        layer: u8,
        /// Number of the row block.
        block: u16,
    },
    /// A negative multiplier, or one of an embedding that is too large.
    Multiplier {
        /// Number of the layer.
        layer: u8,
        /// Number of the row block.
        block: u16,
    },
    /// Σ|w|·32768 + |b| of a row reaches 2^31: an input could overflow the accumulator.
    AccumulatorOverflow {
        /// Number of the layer.
        layer: u8,
        /// Number of the row block.
        block: u16,
        /// Σ|w|
        weights: u32,
        /// b
        bias: i32,
    },
    /// The frame declares other memory than a part requires, or memory for a detector of a model that is no stream.
    MemoryWords {
        /// The part.
        part: MemoryPart,
        /// Words that the frame declares.
        declared: u32,
        /// Words that are required.
        required: usize,
    },
    /// Labels and outputs differ in number.
    Labels {
        /// Labels.
        labels: usize,
        /// Outputs of the last layer.
        outputs: u16,
    },
    /// The audio front end's parameters are invalid.
    Audio(audio::Error),
    /// The detector's parameters are invalid.
    Detect(detect::Error),
    /// A channel of the scaling of inputs or outputs has a number out of range, or there is none for each element of a frame of
    /// values, or for each output, in their format.
    Scaling {
        /// Whether it scales the outputs.
        output: bool,
        /// Number of the first channel that is wrong, missing or superfluous.
        channel: u16,
    },
}

/// A part of a model that has memory of its own, by a word of the frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum MemoryPart {
    /// The layers: `memory_words`.
    Layers,
    /// The audio front end: `audio_words`.
    FrontEnd,
    /// The detector: `detect_words`.
    Detector,
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fmt_bytes(f)
    }
}

impl LoadError {
    /// What is wrong with the bytes.
    fn fmt_bytes(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let export = "export the model again with the `elman` of this crate's version";
        match *self {
            LoadError::TooShort { bytes } => {
                write!(
                    f,
                    "a blob of {bytes} bytes is shorter than its frame of {}: it is truncated",
                    super::FRAME_WORDS * 4
                )
            }
            LoadError::Magic { found } => {
                write!(f, "not an elman blob: its first word is {found:#010x}, not {:#010x}", super::MAGIC)
            }
            LoadError::Version { found, supported } => {
                write!(f, "the blob has format version {found}, this build reads {supported}: {export}")
            }
            LoadError::Layout { found, reads } => {
                match Layout::of(found) {
                    Some(layout) => write!(f, "the weights are packed as {}", Cores(layout))?,
                    None => write!(f, "the weights are packed in a layout {found} that this version does not know")?,
                }
                match reads {
                    Some(layout) => write!(f, "; these kernels read {}", Cores(layout))?,
                    None => f.write_str("; these kernels read every layout that there is")?,
                }
                f.write_str(": export the model for this core")
            }
            LoadError::Length { declared, actual } => {
                write!(
                    f,
                    "the frame declares {declared} bytes, the blob has {actual}: copy the whole file and nothing else"
                )
            }
            LoadError::Schema { found, supported } => write!(
                f,
                "the blob was written for layer tables {found:#010x}, this build has {supported:#010x}: {export}"
            ),
            LoadError::SectionBounds { descriptor, offset, weights, total } => write!(
                f,
                "the sections do not fill the blob of {total} bytes: a descriptor of {descriptor} bytes, {weights} bytes of \
                 weights at {offset}: {export}"
            ),
            LoadError::Crc { found, computed } => write!(
                f,
                "the blob is damaged: its CRC is {found:#010x}, computed is {computed:#010x}: copy or flash it again"
            ),
            LoadError::Descriptor { offset } => {
                write!(f, "the descriptor is not canonical postcard: decoding stopped at byte {offset}: {export}")
            }
            _ => self.fmt_model(f),
        }
    }

    /// What is wrong with the model as a whole.
    fn fmt_model(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            LoadError::NoLayers => f.write_str("the model has no layers: give it at least one"),
            LoadError::MaxSteps { max_steps, backward: true } => {
                write!(
                    f,
                    "a layer reads backward, but the longest sequence is declared as {max_steps} steps: declare it"
                )
            }
            LoadError::MaxSteps { max_steps, backward: false } => write!(
                f,
                "a longest sequence of {max_steps} steps is declared: an encoder-decoder needs one above 0, a model without \
                 a backward layer 0"
            ),
            LoadError::Feedback { feedback, inputs, outputs } => write!(
                f,
                "feedback of {feedback} elements with {inputs} inputs and {outputs} outputs: it must be the whole output, fit \
                 into a plain input frame, and be there where outputs are increments"
            ),
            LoadError::ChainCount { chains, layers } => write!(
                f,
                "{chains} chains with {layers} layers do not fit the structure: at most {MAX_CHAINS} chains, as many as it \
                 asks for, with all layers in them"
            ),
            LoadError::ChainShape { chain } => write!(
                f,
                "the layers of chain {chain} do not fit its place in the structure (at most {MAX_BEAMS} beams): see \
                 docs/format.md"
            ),
            LoadError::OperationMissing { operation } => write!(
                f,
                "the model needs the operation `{0}`: name it by `Operations::with_{0}`, or load with `Model::load`",
                operation.name()
            ),
            LoadError::TextOrder { symbol } => {
                write!(
                    f,
                    "symbol {symbol} of the text is empty or not above the one before: list symbols in byte order"
                )
            }
            LoadError::TextSymbols { symbols, layer } => {
                write!(
                    f,
                    "the text has {symbols} symbols, the first layer reads {layer} (`rows`): both must be the same"
                )
            }
            LoadError::WeightsLength { required, provided } => {
                write!(
                    f,
                    "the layers require {required} words of weights, the blob has {provided}: export the model again"
                )
            }
            LoadError::MemoryWords { part, declared, required } => write!(
                f,
                "the frame declares {declared} words for the {}, {required} are required: export the model again",
                match part {
                    MemoryPart::Layers => "layers",
                    MemoryPart::FrontEnd => "front end",
                    MemoryPart::Detector => "detector",
                }
            ),
            LoadError::Labels { labels, outputs } => {
                write!(f, "{labels} labels for {outputs} outputs: give each output a label, or none")
            }
            LoadError::Audio(error) => write!(f, "audio front end: {error}"),
            LoadError::Detect(error) => write!(f, "detector: {error}"),
            LoadError::Scaling { output, channel } => write!(
                f,
                "the scaling of the {} is wrong at channel {channel}: export the model again",
                if output { "outputs" } else { "inputs" }
            ),
            _ => self.fmt_layer(f),
        }
    }

    /// What is wrong with a layer.
    fn fmt_layer(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            LoadError::UnknownLayer { layer, tag, variant } => match (name(tag, variant), feature(tag)) {
                (Some(name), Some(feature)) => write!(
                    f,
                    "layer {layer}, `{name}`, has {feature} weights, which this firmware is built without: give the dependency on elman \
                     the feature `{feature}`"
                ),
                (Some(name), None) => write!(
                    f,
                    "layer {layer} is `{name}` (tag {tag}, variant {variant}), which is not among the operations: name it in \
                     `Operations::of`, or load with `Model::load`"
                ),
                (None, _) => write!(
                    f,
                    "layer {layer} has tag {tag} and variant {variant}, which this version does not know: export the model \
                     again"
                ),
            },
            LoadError::Width { layer, inputs, units } => write!(
                f,
                "layer {layer} has {inputs} inputs and {units} outputs: 1 to {MAX_WIDTH} are possible, and as many outputs as inputs where \
                 it works element by element"
            ),
            LoadError::ShapeMismatch { layer, inputs, given, frac, given_frac } => write!(
                f,
                "layer {layer} reads {inputs} elements with {frac} fraction bits, but is given {given} with {given_frac}: both must be the \
                 same"
            ),
            LoadError::Format { layer, out_frac, carried_frac } => write!(
                f,
                "layer {layer} cannot have {out_frac} fraction bits in its output with {carried_frac} in its carried state: quantize the \
                 model again"
            ),
            LoadError::Parameters { layer, params, inputs, units } => write!(
                f,
                "layer {layer} has the numbers {params:?} with {inputs} inputs and {units} outputs: its variant cannot have these"
            ),
            LoadError::DelayLine { layer, required, most } => {
                write!(
                    f,
                    "layer {layer} requires a delay line of {required} words, at most {MAX_LINE_WORDS} ({most}) are possible: use fewer taps"
                )
            }
            LoadError::Direction { layer } => write!(
                f,
                "layer {layer} reads backward: it must have a state and follow a forward layer with the same input and output \
                 format"
            ),
            LoadError::InvalidWeight { layer, block } => {
                write!(
                    f,
                    "layer {layer} has an invalid weight or bias in row block {block}: out of range, or not packed as the kernels read it; export the model again"
                )
            }
            LoadError::Multiplier { layer, block } => {
                write!(f, "layer {layer} has a multiplier out of range in row block {block}: export the model again")
            }
            LoadError::AccumulatorOverflow { layer, block, weights, bias } => write!(
                f,
                "layer {layer} could overflow its accumulator in row block {block}: Σ|w| = {weights} and b = {bias}, but Σ|w|·32768 + |b| \
                 must stay below 2^31; use fewer inputs or smaller weights"
            ),
            _ => Ok(()),
        }
    }
}

/// The feature of the format of a layer's weights, where this build is without it.
fn feature(tag: u8) -> Option<&'static str> {
    missing_feature(WeightFormat::parts_of_tag(tag).0)
}

/// Name of a layer, known or not to the loader.
fn name(tag: u8, variant: u8) -> Option<&'static str> {
    let (format, cell) = WeightFormat::parts_of_tag(tag);
    WeightFormat::of(format).map(WeightFormat::name).or(missing_feature(format))?;
    layer::name(cell, variant)
}

/// A layout, and the cores that read it.
struct Cores(Layout);

impl fmt::Display for Cores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`, the layout of {}", self.0.name(), self.0.cores())
    }
}

impl core::error::Error for LoadError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            LoadError::Audio(error) => Some(error),
            LoadError::Detect(error) => Some(error),
            _ => None,
        }
    }
}

impl From<audio::Error> for LoadError {
    fn from(error: audio::Error) -> Self {
        LoadError::Audio(error)
    }
}

impl From<detect::Error> for LoadError {
    fn from(error: detect::Error) -> Self {
        LoadError::Detect(error)
    }
}
