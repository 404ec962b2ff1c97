//! Loading the scaling of inputs and outputs: entries before the layers with a tag of their own, which no step runs.

use super::load::{ChainInput, Loader};
use super::operations::Scaling;
use super::{LoadError, Model};
use crate::cell::WidthRule;
use crate::descriptor::{LayerDescriptor, MAX_WIDTH, VectorFormat};
use crate::scaling::{Channel, InputScaling, OutputScaling, WORDS};

/// Tag of the entries, above those of layers; variant 0 scales the input, 1 the output.
pub(super) const TAG: u8 = 32;

/// The entry that a writer puts before the layers for the scaling of so many inputs or outputs: what their first or last
/// layer has.
#[doc(hidden)]
pub fn scaling_entry(output: bool, channels: u16, frac: u8) -> LayerDescriptor {
    LayerDescriptor {
        tag: TAG,
        variant: output.into(),
        inputs: channels,
        units: channels,
        in_frac: frac,
        out_frac: frac,
        ..LayerDescriptor::default()
    }
}

/// What the operation needs.
pub(super) const OPERATION: Scaling = Scaling { load, check };

/// Reads the entries at the front of `layers` layers: how many there are.
fn load(loader: &mut Loader<'_, '_>, layers: usize) -> Result<usize, LoadError> {
    let mut count = 0usize;
    for output in [false, true] {
        let mut ahead = loader.encoded.clone();
        let l = ahead.layer();
        if count >= layers || (l.tag, l.variant) != (TAG, output.into()) {
            continue;
        }
        *loader.encoded = ahead;
        loader.encoded.check()?;
        count = count.wrapping_add(1);
        let LayerDescriptor { inputs: channels, in_frac: frac, .. } = l;
        if l != scaling_entry(output, channels, frac) || !(1..=MAX_WIDTH).contains(&channels) {
            return Err(LoadError::Scaling { output, channel: 0 });
        }
        let required = usize::from(channels).wrapping_mul(WORDS);
        let (words, rest) = loader.weights.split_at_checked(required).unwrap_or_default();
        loader.weights = rest;
        loader.required = loader.required.wrapping_add(required);
        check_channels(output, words)?;
        let format = VectorFormat { width: channels, frac };
        if output {
            loader.model.output_scaling = words;
            loader.output = format;
        } else {
            loader.model.input_scaling = words;
            loader.input = ChainInput::Vector(format);
        }
    }
    Ok(count)
}

/// Checks that the numbers of every channel are in their ranges.
fn check_channels(output: bool, words: &[u32]) -> Result<(), LoadError> {
    for (channel, words) in (0u16..).zip(words.as_chunks::<WORDS>().0) {
        let numbers = Channel::of_words(words);
        if !numbers.is_valid(output) || numbers.to_words() != *words {
            return Err(LoadError::Scaling { output, channel });
        }
    }
    Ok(())
}

/// Checks that inputs are no features or symbols, and that the outputs have a channel each. That the input has as many channels as
/// the first layer reads is checked where that is loaded.
fn check(loader: &Loader<'_, '_>, end: VectorFormat) -> Result<(), LoadError> {
    let Model { layers, descriptor, input_scaling, output_scaling, .. } = &*loader.model;
    let symbols = layers.first().is_some_and(|l| l.spec.widths == WidthRule::Symbol);
    if !input_scaling.is_empty() && (symbols || descriptor.audio.is_some()) {
        return Err(LoadError::Scaling { output: false, channel: 0 });
    }
    if !output_scaling.is_empty() && loader.output != end {
        return Err(LoadError::Scaling { output: true, channel: loader.output.width.min(end.width) });
    }
    Ok(())
}

impl<'b> Model<'b> {
    /// How readings of sensors become a frame; `None` for a model whose frames are features of sound, symbols, or numbers
    /// with [`Model::in_frac`] fraction bits.
    ///
    /// ```
    /// # fn run(model: &elman::Model<'_>, memory: &mut [u32]) -> Result<(), Box<dyn core::error::Error>> {
    /// let scaling = model.input_scaling().ok_or("reads no sensors")?;
    /// let mut net = model.stream(memory)?;
    /// let mut frame = [0; 2];
    /// let saturated = scaling.quantize_i32(&[101_312, -8_000_311], &mut frame); // pressure in Pa, a raw load cell
    /// let class = net.step(&frame).argmax();
    /// # Ok(()) }
    /// ```
    pub fn input_scaling(&self) -> Option<InputScaling<'b>> {
        (!self.input_scaling.is_empty()).then_some(InputScaling::new(self.input_scaling))
    }

    /// How outputs become readings in the unit that the model was trained on; `None` where they are logits, or numbers with
    /// [`Model::out_frac`] fraction bits.
    pub fn output_scaling(&self) -> Option<OutputScaling<'b>> {
        (!self.output_scaling.is_empty()).then_some(OutputScaling::new(self.output_scaling))
    }

    /// The entries that a writer puts before the layers, and the words before their weights, of input and output.
    #[doc(hidden)]
    pub fn scaling_entries(&self) -> impl Iterator<Item = (LayerDescriptor, &'b [u32])> {
        let tables = [(false, self.input_scaling, self.in_frac()), (true, self.output_scaling, self.out_frac())];
        let used = tables.into_iter().filter(|(_, words, _)| !words.is_empty());
        used.map(|(output, words, frac)| (scaling_entry(output, (words.len() / WORDS) as u16, frac), words))
    }
}
