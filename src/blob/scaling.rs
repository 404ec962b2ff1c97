//! Loading the scaling of inputs and outputs: entries before the layers with a tag of their own, which no step runs.

use super::load::{ChainInput, Loader};
use super::{LoadError, Model};
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

/// Reads the entries at the front of `layers` layers: how many there are.
pub(super) fn load(loader: &mut Loader<'_, '_>, layers: usize) -> Result<usize, LoadError> {
    let mut count = 0usize;
    for output in [false, true] {
        let mut ahead = loader.encoded.clone();
        let l = ahead.layer();
        if count >= layers || ahead.check().is_err() || (l.tag, l.variant) != (TAG, output.into()) {
            continue;
        }
        *loader.encoded = ahead;
        count = count.saturating_add(1);
        let LayerDescriptor { inputs: channels, in_frac: frac, .. } = l;
        let shape = LoadError::ScalingShape { output, channels, frac, required: 0, required_frac: 0 };
        if l != scaling_entry(output, channels, frac) || channels == 0 || channels > MAX_WIDTH || frac > 15 {
            return Err(shape);
        }
        let required = usize::from(channels).saturating_mul(WORDS);
        let (words, rest) = loader.weights.split_at_checked(required).unwrap_or_default();
        loader.weights = rest;
        loader.required = loader.required.saturating_add(required);
        check_channels(output, words)?;
        let format = VectorFormat { width: channels, frac };
        if output {
            loader.model.output_scaling = words;
            loader.output = Some(format);
        } else {
            if loader.model.descriptor.audio.is_some() {
                return Err(shape);
            }
            loader.model.input_scaling = words;
            loader.input = ChainInput::Vector(format);
        }
    }
    Ok(count)
}

/// Checks that the numbers of every channel are in their ranges.
fn check_channels(output: bool, words: &[u32]) -> Result<(), LoadError> {
    for (number, words) in (0u16..).zip(words.as_chunks::<WORDS>().0) {
        let channel = Channel::of_words(words);
        if !channel.is_valid(output) || channel.to_words() != *words {
            let Channel { multiplier, shift, raw_frac, .. } = channel;
            return Err(LoadError::ScalingNumbers { output, channel: number, multiplier, shift, raw_frac });
        }
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
