//! A loaded model.

use super::operations::Feedback;
use super::{Frame, Operations};
use crate::audio::{self, FrontEnd};
use crate::cell::{LayerView, RunFn};
use crate::descriptor::{Descriptor, MAX_LAYERS, Readout, Structure};
use crate::detect;
use crate::plan::Chains;
use crate::text::Text;
use crate::wiring::Chain;

/// A model: views into a blob of which every byte is validated. [`Model::load`] alone makes one.
#[derive(Clone, Debug)]
pub struct Model<'b> {
    pub(crate) layers: heapless::Vec<LayerView<'b>, MAX_LAYERS>,
    pub(crate) memory_words: usize,
    /// Number of layers up to the last that carries state; the layers after it are the head.
    pub(crate) body: usize,
    /// Words of a stream's memory before the head's.
    pub(crate) body_words: usize,
    pub(crate) operations: &'static Operations,
    /// How a step runs the layers up to the last that carries state; `None` where none does.
    pub(crate) run: Option<RunFn>,
    /// A step of a model that reads its own output.
    pub(crate) feedback_step: Option<Feedback>,
    pub(super) inputs: u16,
    pub(super) outputs: u16,
    /// Words of the channels; empty without scaling.
    pub(super) input_scaling: &'b [u32],
    pub(super) output_scaling: &'b [u32],
    pub(super) frame: Frame,
    pub(super) crc: u32,
    pub(super) descriptor: Descriptor<'b>,
}

impl<'b> Model<'b> {
    /// Name of the model.
    pub fn name(&self) -> &'b str {
        self.descriptor.name
    }
    /// The frame.
    pub fn frame(&self) -> &Frame {
        &self.frame
    }
    /// CRC-32C of the blob; it marks the model's snapshots.
    pub fn crc(&self) -> u32 {
        self.crc
    }
    /// The descriptor.
    pub fn descriptor(&self) -> &Descriptor<'b> {
        &self.descriptor
    }
    /// The audio front end's parameters, where the input is sound.
    pub fn audio(&self) -> Option<&audio::Config> {
        self.descriptor.audio.as_ref()
    }
    /// The audio front end, with the operations that the model was loaded with; `None` where the input is no sound.
    /// `memory` needs [`Blob::audio_words`](crate::Blob::audio_words) words.
    ///
    /// # Errors
    /// [`audio::Error::Memory`].
    pub fn front_end<'m>(&self, memory: &'m mut [u32]) -> Option<Result<FrontEnd<'m>, audio::Error>> {
        let config = self.audio()?;
        Some(FrontEnd::with_operations(&self.operations.front_end, *config, memory))
    }
    /// The detector's parameters, where outputs become events.
    pub fn detect(&self) -> Option<&detect::Config> {
        self.descriptor.detect.as_ref()
    }
    /// Gives the model other parameters of the detector. They fit the model.
    pub(crate) fn set_detect(&mut self, config: detect::Config) {
        self.descriptor.detect = Some(config);
    }
    /// Which outputs of a sequence are the answer.
    pub fn readout(&self) -> Readout {
        self.descriptor.readout
    }
    /// The layers, from the input.
    #[doc(hidden)]
    pub fn layers(&self) -> &[LayerView<'b>] {
        &self.layers
    }
    /// How chains of layers are wired.
    pub fn structure(&self) -> Structure {
        self.descriptor.structure
    }
    /// The layers, cut into chains.
    pub(crate) fn chains(&self) -> Chains<'_, 'b> {
        Chains { layers: &self.layers, counts: &self.descriptor.chains }
    }
    /// How many chains there are; 0 for a sequence.
    pub fn chain_count(&self) -> usize {
        self.descriptor.chains.len()
    }
    /// The layers of chain number `k` of a model of several chains; [`crate::wiring`] has the numbers.
    #[doc(hidden)]
    pub fn chain(&self, k: usize) -> &[LayerView<'b>] {
        self.chains().at(k)
    }
    /// The role of chain number `k`.
    pub fn chain_role(&self, k: usize) -> Chain {
        self.structure().wiring().wire(k, self.chain_count()).chain
    }
    /// Elements of an input frame.
    pub fn inputs(&self) -> usize {
        self.inputs as usize
    }
    /// Elements of the output.
    pub fn outputs(&self) -> usize {
        self.outputs as usize
    }
    /// Elements of an input frame that the caller provides in closed loop: all but those fed back. See
    /// [`Stream::step_closed`](crate::Stream::step_closed).
    pub fn external_inputs(&self) -> usize {
        self.inputs().saturating_sub(self.feedback())
    }
    /// Fraction bits of an input frame: an element x stands for x / 2^in_frac, in deviations of its channel where there is
    /// [`Model::input_scaling`].
    pub fn in_frac(&self) -> u8 {
        self.layers.first().map_or(15, |l| l.in_frac)
    }
    /// Fraction bits of the output.
    pub fn out_frac(&self) -> u8 {
        self.layers.last().map_or(15, |l| l.q.out_frac)
    }
    /// Label of class `k`; `None` where there is no such class or the model has no labels.
    pub fn label(&self, k: u16) -> Option<&'b str> {
        let text = self.descriptor.labels;
        let (mut start, mut line) = (0, 0u16);
        for (at, _) in text.bytes().enumerate().filter(|(_, b)| *b == b'\n') {
            if line == k {
                return text.get(start..at);
            }
            line = line.wrapping_add(1);
            start = at.wrapping_add(1);
        }
        if line == k && !text.is_empty() { text.get(start..) } else { None }
    }
    /// The symbols, where the input is text.
    pub fn text(&self) -> Option<Text<'b>> {
        self.descriptor.text
    }
    /// The longest sequence of a model with a layer that reads backward; 0 where steps come without end.
    pub fn max_steps(&self) -> usize {
        self.descriptor.max_steps as usize
    }
    /// Last elements of the input that are the previous output in closed loop.
    pub fn feedback(&self) -> usize {
        self.descriptor.feedback as usize
    }
    /// Words of memory of a stream, or of a sequence where [`Model::max_steps`] is not 0.
    pub fn memory_words(&self) -> usize {
        self.memory_words
    }
}

/// Name, CRC and sizes.
#[cfg(feature = "defmt")]
impl defmt::Format for Model<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(
            f,
            "Model {{ name: {=str}, crc: {=u32:#010x}, inputs: {=u16}, outputs: {=u16}, memory_words: {=usize} }}",
            self.name(),
            self.crc,
            self.inputs,
            self.outputs,
            self.memory_words
        );
    }
}
