//! Bytes become trusted here, and only here.

use postcard::ser_flavors::Flavor;

use super::{Blob, Descriptor, Error, FRAME_WORDS, Frame, LayerDescriptor, MAX_LAYERS, MAX_WIDTH, Readout};
use super::{crc32c, schema_hash};
use crate::arith::Q;
use crate::audio;
use crate::cell::{LongState, OutRange, Pass, StageSpec, StageView, View};
use crate::kernel::layout::{ROWS_PARAMS, SPLIT_PARAMS, unpack_bias, unpack_pair, vector_words};
use crate::layer;

/// A model: views into a blob in which nothing is left unchecked. [`Model::load`] alone makes one.
#[derive(Clone, Debug)]
pub struct Model<'b> {
    pub(crate) layers: heapless::Vec<View<'b>, MAX_LAYERS>,
    pub(crate) memory_words: usize,
    /// Number of layers up to the last that carries state; the rest is the head.
    pub(crate) body: usize,
    frame: Frame,
    crc: u32,
    descriptor: Descriptor<'b>,
}

impl<'b> Model<'b> {
    /// Judges a blob, every byte of it: frame, CRC, canonical descriptor, sizes, formats, weights, and for
    /// each row that no input can overflow its accumulator.
    ///
    /// # Errors
    /// The first thing that is wrong, with its numbers. A hostile blob gets an error; it cannot cause a panic,
    /// a read outside or work beyond its own length.
    pub fn load(blob: Blob<'b>) -> Result<Self, Error> {
        let words = blob.words();
        let frame = Frame::read(words, schema_hash())?;
        let Some((&crc, body)) = words.split_last() else { return Err(Error::TooShort { bytes: 0 }) };
        let computed = if cfg!(fuzzing) { crc } else { crc32c(body) };
        if crc != computed {
            return Err(Error::Crc { found: crc, computed });
        }
        let middle = body.get(FRAME_WORDS..).unwrap_or_default();
        let descriptor_words = (frame.descriptor_bytes as usize).div_ceil(4);
        let (head, mut weights) = middle.split_at_checked(descriptor_words).unwrap_or_default();
        let descriptor = decode(head, frame.descriptor_bytes as usize)?;
        if let Some(config) = &descriptor.audio {
            config.check().map_err(Error::Audio)?;
        }
        let audio_words = descriptor.audio.as_ref().map_or(0, audio::Config::memory_words);
        if frame.audio_words as usize != audio_words {
            return Err(Error::MemorySaid { said: frame.audio_words, need: audio_words });
        }

        let mut layers = heapless::Vec::new();
        let have = weights.len();
        let (mut need, mut memory_words) = (0, 0);
        let mut given = descriptor.audio.as_ref().map(|a| (a.channels as u16, audio::FEATURE_FRAC as u8));
        for (number, l) in (0u8..).zip(&descriptor.layers) {
            let view = sizes(number, l, given)?;
            given = Some((l.units, l.out_frac));
            memory_words += view.memory_words();
            let (view, words) = take(view, &mut weights);
            need += words;
            if layers.push(view).is_err() {
                return Err(Error::Descriptor);
            }
        }
        let Some(outputs) = descriptor.layers.last().map(|l| l.units) else { return Err(Error::NoLayers) };
        if need != have {
            return Err(Error::WeightsLength { need, have });
        }
        memory_words += vector_words(outputs as usize);
        if frame.memory_words as usize != memory_words {
            return Err(Error::MemorySaid { said: frame.memory_words, need: memory_words });
        }
        let labels = count_labels(descriptor.labels);
        if labels != 0 && labels != outputs as usize {
            return Err(Error::Labels { labels, outputs });
        }
        for (number, view) in (0u8..).zip(&layers) {
            judge(number, view)?;
        }
        let body = layers.iter().rposition(|l: &View<'_>| l.spec.stateful()).map_or(0, |k| k + 1);
        Ok(Model { layers, memory_words, body, frame, crc, descriptor })
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
    /// Which outputs of a sequence answer.
    pub fn readout(&self) -> Readout {
        self.descriptor.readout
    }
    /// The layers, from the input.
    pub fn layers(&self) -> &[View<'b>] {
        &self.layers
    }
    /// Elements of an input frame.
    pub fn inputs(&self) -> usize {
        self.layers.first().map_or(0, View::inputs)
    }
    /// Elements of the output.
    pub fn outputs(&self) -> usize {
        self.layers.last().map_or(0, View::units)
    }
    /// Fraction bits of the output.
    pub fn out_frac(&self) -> u8 {
        self.layers.last().map_or(15, |l| l.q.out_frac)
    }
    /// Label of output `k`.
    pub fn label(&self, k: usize) -> Option<&'b str> {
        let text = self.descriptor.labels;
        let (mut start, mut line) = (0, 0usize);
        for (at, _) in text.bytes().enumerate().filter(|(_, b)| *b == b'\n') {
            if line == k {
                return text.get(start..at);
            }
            line = line.wrapping_add(1);
            start = at.wrapping_add(1);
        }
        if line == k && !text.is_empty() { text.get(start..) } else { None }
    }
    /// Words of memory of a stream.
    pub fn memory_words(&self) -> usize {
        self.memory_words
    }
}

/// Lines. `str::lines` would do, but the compiler cannot see that it does not panic.
fn count_labels(labels: &str) -> usize {
    labels.bytes().filter(|b| *b == b'\n').count() + !labels.is_empty() as usize
}

/// Compares what postcard would write with what the blob has: the encoding must be canonical.
struct Same<'a> {
    rest: &'a [u8],
}

impl Flavor for Same<'_> {
    type Output = bool;

    fn try_push(&mut self, data: u8) -> postcard::Result<()> {
        match self.rest.split_first() {
            Some((b, rest)) if *b == data => {
                self.rest = rest;
                Ok(())
            }
            _ => Err(postcard::Error::SerializeBufferFull),
        }
    }

    fn finalize(self) -> postcard::Result<bool> {
        Ok(self.rest.is_empty())
    }
}

fn decode(words: &[u32], bytes: usize) -> Result<Descriptor<'_>, Error> {
    let all = crate::kernel::word::bytes(words);
    let (text, padding) = all.split_at_checked(bytes).ok_or(Error::Descriptor)?;
    let (descriptor, rest) = postcard::take_from_bytes::<Descriptor<'_>>(text).map_err(|_| Error::Descriptor)?;
    let canonical = postcard::serialize_with_flavor(&descriptor, Same { rest: text }).unwrap_or(false);
    let plain = !descriptor.labels.bytes().any(|b| b == b'\r') && !descriptor.labels.ends_with('\n');
    if !rest.is_empty() || !canonical || !plain || padding.iter().any(|b| *b != 0) {
        return Err(Error::Descriptor);
    }
    Ok(descriptor)
}

/// A layer's sizes and formats, and that it takes what it is given.
fn sizes<'b>(number: u8, l: &LayerDescriptor, given: Option<(u16, u8)>) -> Result<View<'b>, Error> {
    let &LayerDescriptor { tag, variant, inputs, units, in_frac, out_frac, long_frac } = l;
    let spec = layer::find(tag, variant).ok_or(Error::UnknownLayer { layer: number, tag, variant })?;
    if inputs == 0 || units == 0 || inputs > MAX_WIDTH || units > MAX_WIDTH {
        return Err(Error::Width { layer: number, inputs, units });
    }
    let (given, given_frac) = given.unwrap_or((inputs, in_frac));
    if inputs != given || in_frac != given_frac || in_frac > 15 {
        return Err(Error::Joint { layer: number, inputs, given, frac: in_frac, given_frac });
    }
    let pointwise = spec.stages.iter().any(|s| s.pass == Pass::Pointwise);
    let keeps_width = spec.stages.is_empty() || pointwise;
    if keeps_width && units != inputs {
        return Err(Error::Width { layer: number, inputs, units });
    }
    let out_fits = match spec.out {
        OutRange::Unit => out_frac == 15,
        OutRange::Calibrated => out_frac <= 15,
    };
    let long_fits = match spec.long {
        LongState::Cell => (17..=27).contains(&long_frac),
        LongState::Hidden => long_frac == Q::HIDDEN_FRAC,
        LongState::Sum => long_frac == 0 && out_frac == in_frac,
        LongState::None => long_frac == 0 || (pointwise && long_frac <= 30),
    };
    if !out_fits || !long_fits {
        return Err(Error::Format { layer: number, out_frac, long_frac });
    }
    // Both are below 2^16: widths are at most MAX_WIDTH, and no layer takes more than four words a unit.
    let vector_words = spec.vector_words(inputs as usize, units as usize) as u16;
    let memory_words = spec.memory_words(inputs as usize, units as usize) as u16;
    let (q, stages) = (Q { long_frac, out_frac }, Default::default());
    Ok(View { spec, inputs, units, in_frac, q, stages, vector_words, memory_words })
}

/// Words of parameters and of weights of a stage.
pub(super) fn stage_words(view: &View<'_>, stage: &StageSpec) -> (usize, usize) {
    let vector = view.vector_words();
    match stage.pass {
        Pass::Rows => {
            let passes = (view.units() * stage.gates.len()).div_ceil(4);
            (passes * ROWS_PARAMS, passes * vector * 2)
        }
        Pass::Split => (view.units() * SPLIT_PARAMS, view.units() * vector / 2 * 3),
        Pass::Pointwise => (view.units(), 0),
    }
}

/// Gives the layer its words from the front of `weights`; the number of words that it needs.
fn take<'b>(mut view: View<'b>, weights: &mut &'b [u32]) -> (View<'b>, usize) {
    let mut need = 0;
    for (n, stage) in view.spec.stages.iter().enumerate() {
        let (params, products) = stage_words(&view, stage);
        need += params + products;
        let (p, rest) = weights.split_at_checked(params).unwrap_or_default();
        let (w, rest) = rest.split_at_checked(products).unwrap_or_default();
        *weights = rest;
        if let Some(s) = view.stages.get_mut(n) {
            *s = StageView { params: p, weights: w };
        }
    }
    (view, need)
}

/// Every parameter and weight of a layer.
fn judge(number: u8, view: &View<'_>) -> Result<(), Error> {
    for (stage, numbers) in view.spec.stages.iter().zip(&view.stages) {
        match stage.pass {
            Pass::Pointwise => {}
            Pass::Rows => {
                let passes = numbers.params.as_chunks::<ROWS_PARAMS>().0;
                let weights = numbers.weights.chunks_exact(match view.vector_words() {
                    0 => 1,
                    n => n * 2,
                });
                for (pass, (p, w)) in (0u16..).zip(passes.iter().zip(weights)) {
                    let at = Place { layer: number, pass };
                    let (b01, b23) = (at.biases([p[0], p[1], p[2]])?, at.biases([p[3], p[4], p[5]])?);
                    let (mut s01, mut s23) = ([0; 2], [0; 2]);
                    for [a, b] in w.as_chunks::<2>().0 {
                        at.add(&mut s01, *a)?;
                        at.add(&mut s23, *b)?;
                    }
                    at.bounds(&[s01[0], s01[1], s23[0], s23[1]], &[b01[0], b01[1], b23[0], b23[1]])?;
                    at.multipliers(&p[6..])?;
                }
            }
            Pass::Split => {
                let passes = numbers.params.as_chunks::<SPLIT_PARAMS>().0;
                let weights = numbers.weights.chunks_exact(match view.vector_words() / 2 {
                    0 => 1,
                    n => n * 3,
                });
                for (pass, (p, w)) in (0u16..).zip(passes.iter().zip(weights)) {
                    let at = Place { layer: number, pass };
                    let b01 = at.biases([p[0], p[1], p[2]])?;
                    let (mut s01, mut s23) = ([0; 2], [0; 2]);
                    for (block, [a, b, bytes]) in w.as_chunks::<3>().0.iter().enumerate() {
                        at.add(&mut s01, *a)?;
                        at.add(&mut s01, *b)?;
                        let of_h = block >= view.input_words() / 2;
                        at.add_bytes(if of_h { &mut s23[1] } else { &mut s23[0] }, *bytes)?;
                    }
                    at.bounds(&[s01[0], s01[1], s23[0], s23[1]], &[b01[0], b01[1], p[3] as i32, p[4] as i32])?;
                    at.multipliers(&p[5..])?;
                }
            }
        }
    }
    Ok(())
}

/// Where in the blob a number is.
#[derive(Clone, Copy)]
struct Place {
    layer: u8,
    pass: u16,
}

impl Place {
    fn packing(self) -> Error {
        Error::Packing { layer: self.layer, pass: self.pass }
    }

    fn biases(self, words: [u32; 3]) -> Result<[i32; 2], Error> {
        unpack_bias(words).map(|(a, b)| [a, b]).ok_or(self.packing())
    }

    /// Adds the magnitudes of a word of lanes.
    fn add(self, sums: &mut [u32; 2], word: u32) -> Result<(), Error> {
        for lane in [word as u16, (word >> 16) as u16] {
            let (lo, hi) = unpack_pair(lane).ok_or(self.packing())?;
            sums[0] = sums[0].saturating_add(lo.unsigned_abs() as u32);
            sums[1] = sums[1].saturating_add(hi.unsigned_abs() as u32);
        }
        Ok(())
    }

    fn add_bytes(self, sum: &mut u32, word: u32) -> Result<(), Error> {
        for w in word.to_le_bytes().map(|b| b as i8) {
            if w == i8::MIN {
                return Err(self.packing());
            }
            *sum = sum.saturating_add(w.unsigned_abs() as u32);
        }
        Ok(())
    }

    fn bounds(self, sums: &[u32; 4], biases: &[i32; 4]) -> Result<(), Error> {
        for (weights, bias) in sums.iter().zip(biases) {
            if *weights as u64 * 32768 + bias.unsigned_abs() as u64 >= 1 << 31 {
                let Place { layer, pass } = self;
                return Err(Error::Accumulator { layer, pass, weights: *weights, bias: *bias });
            }
        }
        Ok(())
    }

    fn multipliers(self, words: &[u32]) -> Result<(), Error> {
        if words.iter().any(|m| (*m as i32) < 0) {
            return Err(Error::Multiplier { layer: self.layer, pass: self.pass });
        }
        Ok(())
    }
}
