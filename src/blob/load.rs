//! Bytes become trusted here, and only here.

use super::{
    Blob, Chains, Descriptor, FRAME_WORDS, Frame, LoadError, MAX_CHAINS, MAX_LAYERS, Readout, Structure, Text, crc32c,
    decode, memory_words, schema_hash, shape, structure, validate,
};
use crate::cell::{LayerView, StageKind, StageSpec, StageView};
use crate::kernel::layout::padded;
use crate::{audio, detect};

/// A model: views into a blob in which nothing is left unchecked. [`Model::load`] alone makes one.
#[derive(Clone, Debug)]
pub struct Model<'b> {
    pub(crate) layers: heapless::Vec<LayerView<'b>, MAX_LAYERS>,
    pub(crate) memory_words: usize,
    /// Number of layers up to the last that carries state; the rest is the head.
    pub(crate) body: usize,
    /// Words of a stream's memory in front of the head's.
    pub(crate) body_words: usize,
    inputs: u16,
    outputs: u16,
    frame: Frame,
    crc: u32,
    descriptor: Descriptor<'b>,
}

impl<'b> Model<'b> {
    /// Validates a blob, every byte of it: frame, CRC, canonical descriptor, sizes, formats, weights, and for
    /// each row that no input can overflow its accumulator.
    ///
    /// # Errors
    /// The first thing that is wrong, with its numbers. A hostile blob gets an error; it cannot cause a panic,
    /// a read outside or work beyond its own length.
    pub fn load(blob: Blob<'b>) -> Result<Self, LoadError> {
        let words = blob.words();
        let frame = Frame::read(words, schema_hash())?;
        let Some((&crc, body)) = words.split_last() else { return Err(LoadError::TooShort { bytes: 0 }) };
        let computed = if cfg!(fuzzing) { crc } else { crc32c(body) };
        if crc != computed {
            return Err(LoadError::Crc { found: crc, computed });
        }
        let middle = body.get(FRAME_WORDS..).unwrap_or_default();
        let descriptor_words = (frame.descriptor_bytes as usize).div_ceil(4);
        let (head, weights) = middle.split_at_checked(descriptor_words).unwrap_or_default();
        let mut encoded = decode::Encoded::new(head, frame.descriptor_bytes as usize);
        let descriptor = encoded.descriptor();
        let layers = heapless::Vec::new();
        let mut model =
            Model { layers, memory_words: 0, body: 0, body_words: 0, inputs: 0, outputs: 0, frame, crc, descriptor };
        encoded.end()?;
        model.validate(weights)?;
        Ok(model)
    }

    /// Validates the descriptor and the words of all layers' numbers, and makes their views. Inlined: on its own it would work out
    /// the numbers of errors where the caller drops them.
    #[inline(always)]
    fn validate(&mut self, mut weights: &'b [u32]) -> Result<(), LoadError> {
        let Model { frame, descriptor, layers, .. } = self;
        if let Some(config) = &descriptor.audio {
            config.check().map_err(LoadError::Audio)?;
        }
        let audio_words = descriptor.audio.as_ref().map_or(0, audio::Config::memory_words);
        if frame.audio_words as usize != audio_words {
            return Err(LoadError::MemoryWords { declared: frame.audio_words, required: audio_words });
        }
        let detect_words = descriptor.detect.as_ref().map_or(0, detect::Config::memory_words);
        let streams = descriptor.structure == Structure::Sequence && descriptor.max_steps == 0;
        if frame.detect_words as usize != detect_words || (descriptor.detect.is_some() && !streams) {
            return Err(LoadError::DetectorWords { declared: frame.detect_words, required: detect_words });
        }

        let provided = weights.len();
        let mut required = 0;
        let mut joints = shape::Joints::new(descriptor.audio.as_ref());
        structure::counts(descriptor)?;
        let mut ends = heapless::Vec::<structure::Joint, MAX_CHAINS>::new();
        let mut list = (0u8..).zip(&descriptor.layers);
        // Without structures, `counts` has let no chains pass.
        let chains: &[u8] = if structure::STRUCTURES { &descriptor.chains } else { &[] };
        for (k, count) in chains.iter().copied().chain(chains.is_empty().then_some(u8::MAX)).enumerate() {
            if k > 0 {
                joints.chain(structure::given(descriptor, k, &ends)?);
            }
            for (number, l) in list.by_ref().take(count as usize) {
                let (spec, carried_words) = joints.next(number, l)?;
                let mut view = LayerView::new(spec, l, carried_words, frame.layout);
                required += take(&mut view, &mut weights);
                if layers.push(view).is_err() {
                    return Err(LoadError::ChainCount {
                        chains: descriptor.chains.len(),
                        layers: descriptor.layers.len(),
                    });
                }
            }
            if ends.push(joints.end()).is_err() {
                return Err(LoadError::ChainCount { chains: descriptor.chains.len(), layers: descriptor.layers.len() });
            }
        }
        structure::validate(descriptor, &ends)?;
        let outputs = ends.last().map_or(0, |end| end.0);
        if layers.is_empty() || outputs == 0 {
            return Err(LoadError::NoLayers);
        }
        shape::validate(descriptor, outputs)?;
        if let Some(config) = &descriptor.detect {
            config.check(outputs as usize).map_err(LoadError::Detect)?;
        }
        if required != provided {
            return Err(LoadError::WeightsLength { required, provided });
        }
        // A stream's follow from its views.
        self.memory_words = if streams || !shape::MORE_THAN_STREAMS {
            let out = layers.last().map_or(0, LayerView::out_words);
            layers.iter().map(LayerView::memory_words).fold(out, usize::saturating_add)
        } else {
            memory_words(descriptor)
        };
        if frame.memory_words as usize != self.memory_words {
            return Err(LoadError::MemoryWords { declared: frame.memory_words, required: self.memory_words });
        }
        let labels = count_labels(descriptor.labels);
        if labels != 0 && labels != outputs as usize {
            return Err(LoadError::Labels { labels, outputs });
        }
        let mut words = 0usize;
        for (number, view) in (0u8..).zip(layers.iter()) {
            validate::layer(number, view)?;
            words = words.wrapping_add(view.memory_words());
            // The next step reads the output of a model that is fed back, so that the head belongs to the step.
            if view.spec.stateful() || descriptor.feedback > 0 {
                (self.body, self.body_words) = (usize::from(number).wrapping_add(1), words);
            }
        }
        self.inputs = layers.first().map_or(0, |l| l.inputs);
        self.outputs = outputs;
        Ok(())
    }

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
    /// The detector's parameters, where outputs become events.
    pub fn detect(&self) -> Option<&detect::Config> {
        self.descriptor.detect.as_ref()
    }
    /// Gives the model other parameters of the detector. They fit the model.
    pub(crate) fn set_detect(&mut self, config: detect::Config) {
        self.descriptor.detect = Some(config);
    }
    /// Which outputs of a sequence answer.
    pub fn readout(&self) -> Readout {
        self.descriptor.readout
    }
    /// The layers, from the input.
    #[doc(hidden)]
    pub fn layers(&self) -> &[LayerView<'b>] {
        &self.layers
    }
    /// How chains of layers are joined.
    pub fn structure(&self) -> Structure {
        self.descriptor.structure
    }
    /// The layers of chain `k` of a model of several chains.
    #[doc(hidden)]
    pub fn chain(&self, k: usize) -> &[LayerView<'b>] {
        let (start, end) = Chains::range(&self.descriptor.chains, k);
        self.layers.get(start..end).unwrap_or_default()
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
    /// Fraction bits of an input frame: an element x stands for x / 2^in_frac.
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

/// Lines. `str::lines` would do, but the compiler cannot see that it does not panic.
fn count_labels(labels: &str) -> usize {
    labels.bytes().filter(|b| *b == b'\n').count() + !labels.is_empty() as usize
}

/// Words of parameters and of weights of a stage.
pub(super) fn stage_words(view: &LayerView<'_>, stage: &StageSpec) -> (usize, usize) {
    let vector = view.vector_words();
    match stage.kind {
        StageKind::Rows => {
            let blocks = (view.units() * stage.gates.len()).div_ceil(4);
            (blocks * view.layout().rows_params(), blocks * vector * 2)
        }
        StageKind::Split => (view.units() * view.layout().split_params(), view.units() * vector / 2 * 3),
        StageKind::Pointwise => (view.units(), 0),
        StageKind::Table => {
            let [rows, ..] = view.params;
            (rows as usize, rows as usize * (padded(view.units()) / 4))
        }
    }
}

/// Gives the layer its words from the front of `weights`; the number of words that it needs.
fn take<'b>(view: &mut LayerView<'b>, weights: &mut &'b [u32]) -> usize {
    let mut need = 0;
    for (n, stage) in view.spec.stages.iter().enumerate() {
        let (params, products) = stage_words(view, stage);
        need += params + products;
        let (p, rest) = weights.split_at_checked(params).unwrap_or_default();
        let (w, rest) = rest.split_at_checked(products).unwrap_or_default();
        *weights = rest;
        if let Some(s) = view.stages.get_mut(n) {
            *s = StageView { params: p, weights: w };
        }
    }
    let words = view.units() * view.spec.peephole.len();
    let (diagonal, rest) = weights.split_at_checked(words).unwrap_or_default();
    (view.diagonal, *weights) = (diagonal, rest);
    need + words
}
