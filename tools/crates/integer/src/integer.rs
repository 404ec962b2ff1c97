//! A network in integers, and the blob made of it.

use anyhow::{Context, Result, bail, ensure};
use elman::blob::{
    Blob, Descriptor, Direction, FRAME_WORDS, Frame, LayerDescriptor, MAX_CHAINS, MAX_LAYERS, Model, Readout,
    Structure, crc32c, memory_words, scaling_entry, schema_hash,
};
use elman::cell::{GateShape, GateSpec, Recurrence, StageKind, StageSpec, VariantSpec};
use elman::kernel::layout::padded;
use elman::kernel::{Layout, Packing, RowBlock, WeightFormat};
use elman::scaling::Channel;
use elman::text::{Text, TextUnit};
use elman::{audio, detect};

use super::cores::layout_of;
use super::row_block::{self, Row};

/// The rows of one gate, a row a unit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IntegerGate {
    /// W, `[rows, inputs]`, in the range of the layer's weight format; empty for a gate without input columns.
    pub w: Vec<i8>,
    /// U, `[rows, hidden]`, in the same range; empty for a gate without recurrent columns. [`VariantSpec::shapes`] has the widths.
    pub u: Vec<i8>,
    /// b, `[rows]`, in units of the accumulator.
    pub bias: Vec<i32>,
    /// Requantization, `[rows]`: pre-activation (Q15.16) = (accumulator·m + 2^31) >> 32.
    pub multiplier: Vec<i32>,
}

/// One layer. The default is a forward layer without numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IntegerLayer {
    /// Variant, as in the tables of `elman`.
    pub variant: String,
    /// How its weights are stored.
    pub weights: WeightFormat,
    /// Elements of the input vector.
    pub inputs: usize,
    /// Elements of the output vector.
    pub units: usize,
    /// Fraction bits of the input vector.
    pub in_frac: u8,
    /// Fraction bits of the output vector.
    pub out_frac: u8,
    /// Fraction bits of the long state, or the shift of a scale layer.
    pub carried_frac: u8,
    /// Gates over all stages, in the table's order.
    pub gates: Vec<IntegerGate>,
    /// Offset and multiplier of each channel of a scale layer.
    pub scale: Vec<(i16, i16)>,
    /// In which order it takes the steps of a sequence.
    pub direction: Direction,
    /// Its own numbers, as the table names them; 0 where it has none.
    pub params: [u16; 4],
    /// Peephole weights V·2^(48 - carried_frac), `[gates with a peephole * units]`: gate after gate.
    pub diagonal: Vec<i32>,
    /// Rows of an embedding, `[rows, units]`, in the range of the weight format.
    pub table: Vec<i8>,
    /// Multiplier of each row of the table, below 2^24: element = (row·m + 2^15) >> 16.
    pub row_multiplier: Vec<i32>,
}

impl IntegerLayer {
    /// Fraction bits of input, output, carried state, and of p, where the gates of a U of low rank read one.
    pub fn formats(&self) -> (u8, u8, u8, Option<u8>) {
        (self.in_frac, self.out_frac, self.carried_frac, self.p_frac())
    }

    /// Fraction bits of p, where the gates of a U of low rank read one.
    pub fn p_frac(&self) -> Option<u8> {
        let low_rank = elman::layer::named(&self.variant)?.2.recurrence == Recurrence::LowRank;
        low_rank.then_some(self.params[1] as u8)
    }
}

/// A whole model in integers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IntegerModel {
    /// Name of the model.
    pub name: String,
    /// Labels of the outputs; empty for a model that is no classifier.
    pub labels: Vec<String>,
    /// Which outputs answer.
    pub readout: Readout,
    /// Hash of recipe, data and seed.
    pub fingerprint: u64,
    /// Monotonic counter of updates.
    pub counter: u32,
    /// Audio front end.
    pub audio: Option<audio::Config>,
    /// The detector, where outputs become events.
    pub detect: Option<detect::Config>,
    /// What a symbol of the text is that the model reads, and the symbols from index 1 on, ascending: characters by
    /// code point, words bytewise. Index 0 is the unknown symbol.
    pub text: Option<(TextUnit, Vec<String>)>,
    /// Longest sequence of a model with a layer that reads backward; 0 for a stream without end.
    pub max_steps: u16,
    /// Last elements of the input that are the previous output in closed loop.
    pub feedback: u16,
    /// Whether the last layer gives what the output adds to the previous one.
    pub increments: bool,
    /// How chains of layers are joined.
    pub structure: Structure,
    /// Layers of each chain; empty where all of them are one.
    pub chains: Vec<u8>,
    /// Layers, from the input.
    pub layers: Vec<IntegerLayer>,
    /// How readings become the elements of a frame; empty where frames are no readings.
    pub input: Vec<Channel>,
    /// How outputs become readings; empty where they are logits.
    pub output: Vec<Channel>,
}

/// Bytes of a blob as the words that [`Blob`] takes.
///
/// # Errors
/// Where the length is not a multiple of four.
pub fn words_of(bytes: &[u8]) -> Result<Vec<u32>> {
    let (words, rest) = bytes.as_chunks::<4>();
    ensure!(
        rest.is_empty() && !words.is_empty(),
        "a blob's length is a multiple of 4, but this has {} bytes: the file is truncated or not a blob",
        bytes.len()
    );
    Ok(words.iter().map(|w| u32::from_le_bytes(*w)).collect())
}

impl IntegerModel {
    /// The blob for cores with the DSP extension. It is loaded once as a check, so a model that a device could not load is an error here.
    ///
    /// # Errors
    /// Where shapes do not fit the tables, or the loader's own error.
    pub fn to_blob(&self) -> Result<Vec<u8>> {
        self.to_blob_in(Layout::Pairs)
    }

    /// The blob for a core, in the layout that its kernels read.
    ///
    /// # Errors
    /// As of [`IntegerModel::to_blob`], and where there is no such core.
    pub fn to_blob_for(&self, core: &str) -> Result<Vec<u8>> {
        self.to_blob_in(layout_of(core)?)
    }

    /// The blob with weights in `layout`.
    ///
    /// # Errors
    /// As of [`IntegerModel::to_blob`].
    pub fn to_blob_in(&self, layout: Layout) -> Result<Vec<u8>> {
        let mut layers = heapless::Vec::<LayerDescriptor, MAX_LAYERS>::new();
        let mut weights = Vec::new();
        let ends = [
            (&self.input, self.layers.first().map(|l| l.in_frac)),
            (&self.output, self.layers.last().map(|l| l.out_frac)),
        ];
        for (output, (channels, frac)) in [false, true].into_iter().zip(ends) {
            let count = u16::try_from(channels.len()).context("too many channels")?;
            if let (1.., Some(frac)) = (count, frac) {
                weights.extend(channels.iter().flat_map(Channel::to_words));
                // As many as there is space for: two of all.
                let _ = layers.push(scaling_entry(output, count, frac));
            }
        }
        for (number, l) in self.layers.iter().enumerate() {
            let (tag, variant, spec) = elman::layer::named(&l.variant)
                .with_context(|| format!("layer {number}: there is no cell or layer `{}`", l.variant))?;
            let descriptor = LayerDescriptor {
                tag: l.weights.tag(tag),
                variant,
                inputs: u16::try_from(l.inputs).context("too many inputs")?,
                units: u16::try_from(l.units).context("too many units")?,
                in_frac: l.in_frac,
                out_frac: l.out_frac,
                carried_frac: l.carried_frac,
                direction: l.direction,
                params: l.params,
            };
            if layers.push(descriptor).is_err() {
                bail!("{} layers: a model has at most {MAX_LAYERS}", self.layers.len());
            }
            l.pack(spec, layout, &mut weights).with_context(|| format!("layer {number} ({})", l.variant))?;
        }
        for label in &self.labels {
            ensure!(!label.is_empty() && !label.contains(['\n', '\r']), "label {label:?} is empty or has a line break");
        }
        let labels = self.labels.join("\n");
        let symbols = self.symbols()?;
        let descriptor = Descriptor {
            name: &self.name,
            labels: &labels,
            readout: self.readout,
            fingerprint: self.fingerprint,
            audio: self.audio,
            detect: self.detect.clone(),
            text: self.text.as_ref().map(|(unit, _)| Text { unit: *unit, symbols: &symbols }),
            max_steps: self.max_steps,
            feedback: self.feedback,
            increments: self.increments,
            structure: self.structure,
            chains: heapless::Vec::from_slice(&self.chains)
                .map_err(|_| anyhow::anyhow!("{} chains: a model has at most {MAX_CHAINS}", self.chains.len()))?,
        };
        let memory_words = memory_words(&descriptor, &layers);
        let mut text = postcard::to_stdvec(&(&descriptor, &layers))?;
        let descriptor_bytes = text.len();
        text.resize(descriptor_bytes.next_multiple_of(4), 0);
        let weights_offset = FRAME_WORDS * 4 + text.len();
        let total = weights_offset + weights.len() * 4 + 4;
        let frame = Frame {
            layout,
            total_bytes: u32::try_from(total).context("the blob is larger than 4 GB")?,
            memory_words: memory_words as u32,
            audio_words: self.audio.as_ref().map_or(0, audio::Config::memory_words) as u32,
            descriptor_bytes: descriptor_bytes as u32,
            weights_offset: weights_offset as u32,
            weights_bytes: (weights.len() * 4) as u32,
            counter: self.counter,
            schema: schema_hash(),
            detect_words: self.detect.as_ref().map_or(0, detect::Config::memory_words) as u32,
        };
        let mut words = frame.to_words().to_vec();
        words.extend(words_of(&text)?);
        words.extend(weights);
        words.push(crc32c(&words));
        Model::load(Blob::new(&words)).map_err(|e| anyhow::anyhow!("a device could not load this model: {e}"))?;
        Ok(words.iter().flat_map(|w| w.to_le_bytes()).collect())
    }

    /// The symbols as the descriptor has them.
    fn symbols(&self) -> Result<String> {
        let Some((unit, symbols)) = &self.text else { return Ok(String::new()) };
        for (k, s) in symbols.iter().enumerate() {
            let fits = match unit {
                TextUnit::Characters => s.chars().count() == 1,
                TextUnit::Words => !s.is_empty() && !s.contains(char::is_whitespace),
            };
            ensure!(fits, "symbol {} of the text, {s:?}, is not one of its {unit:?}", k + 1);
        }
        Ok(match unit {
            TextUnit::Characters => symbols.concat(),
            TextUnit::Words => symbols.join("\n"),
        })
    }
}

impl IntegerLayer {
    /// Name of the format of its weights; empty where it has none.
    pub fn format_name(&self) -> &'static str {
        if self.gates.is_empty() && self.table.is_empty() { "" } else { self.weights.name() }
    }

    /// The gates of its table, each with its shape.
    fn shapes(&self, spec: &VariantSpec) -> impl Iterator<Item = (&'static GateSpec, GateShape)> + use<> {
        spec.shapes(self.inputs, self.units, self.params)
    }

    /// Elements of what its recurrent products read, which rows with a W have in their second part.
    fn recurrent_width(&self, spec: &VariantSpec) -> usize {
        if spec.recurrent() { spec.recurrent_width(self.units, self.params) } else { 0 }
    }

    /// Appends parameters and weights, stage by stage.
    fn pack(&self, spec: &VariantSpec, layout: Layout, out: &mut Vec<u32>) -> Result<()> {
        ensure!(
            self.gates.len() == spec.gates().count(),
            "{} gates, the table has {}",
            self.gates.len(),
            spec.gates().count()
        );
        for (gate, (table, shape)) in self.gates.iter().zip(self.shapes(spec)) {
            let GateShape { rows, inputs, hidden } = shape;
            let have = [gate.w.len(), gate.u.len(), gate.bias.len(), gate.multiplier.len()];
            ensure!(
                have == [rows * inputs, rows * hidden, rows, rows],
                "gate {}: w, u, bias, multiplier have {have:?} elements",
                table.name
            );
        }
        let max = self.weights.max();
        let mut all = self.gates.iter().flat_map(|g| g.w.iter().chain(&g.u)).chain(&self.table);
        if let Some(w) = all.find(|w| !(-max..=max).contains(*w)) {
            bail!("a weight is {w}, but {} has weights of -{max} to {max}", self.weights.name());
        }
        let mut first = 0;
        let packing = Packing { format: self.weights, layout };
        for stage in spec.stages {
            let gates = &self.gates[first..first + stage.gates.len()];
            first += stage.gates.len();
            self.pack_stage(spec, stage, packing, gates, out)?;
        }
        let peepholes = spec.peephole.len();
        let have = self.diagonal.len();
        ensure!(have == peepholes * self.units, "V has {have} elements, not {peepholes} gates of {}", self.units);
        for unit in 0..self.units {
            out.extend((0..peepholes).map(|gate| self.diagonal[gate * self.units + unit] as u32));
        }
        Ok(())
    }

    fn pack_stage(
        &self,
        spec: &VariantSpec,
        stage: &StageSpec,
        packing: Packing,
        gates: &[IntegerGate],
        out: &mut Vec<u32>,
    ) -> Result<()> {
        let (x, h) = (padded(self.inputs), padded(self.recurrent_width(spec)));
        let cells = spec.cells(self.units, self.params);
        let row = |gate: usize, unit: usize| Row::of(&gates[gate], unit, x, h);
        let (mut params, mut weights) = (Vec::new(), Vec::new());
        match stage.kind {
            StageKind::Pointwise => {
                ensure!(self.scale.len() == self.units, "{} channels of {}", self.scale.len(), self.units);
                params.extend(self.scale.iter().map(|(o, m)| *o as u16 as u32 | (*m as u16 as u32) << 16));
            }
            StageKind::Table => {
                let rows = self.params[0] as usize;
                let have = (self.row_multiplier.len(), self.table.len());
                ensure!(
                    have == (rows, rows * self.units),
                    "multipliers and table have {have:?} elements of {rows} rows"
                );
                let block = RowBlock::Table { units: self.units };
                for (row, multiplier) in self.table.chunks(self.units.max(1)).zip(&self.row_multiplier) {
                    let row = Row { w: row.to_vec(), bias: 0, multiplier: *multiplier };
                    row_block::pack(packing, block, &[row], &mut params, &mut weights);
                }
            }
            StageKind::Rows => {
                let per_unit = stage.gates.len();
                let rows: Vec<Row> = (0..cells)
                    .flat_map(|unit| (0..per_unit).map(move |gate| (gate, unit)))
                    .map(|(g, u)| row(g, u))
                    .collect();
                for rows in rows.chunks(4) {
                    row_block::pack(packing, RowBlock::Rows { columns: x + h }, rows, &mut params, &mut weights);
                }
            }
            StageKind::Split => {
                for unit in 0..cells {
                    let rows: Vec<Row> = (0..4).map(|g| row(g, unit)).collect();
                    row_block::pack(packing, RowBlock::Split { x, h }, &rows, &mut params, &mut weights);
                }
            }
            StageKind::Projection => {
                let columns = padded(cells);
                let rows: Vec<Row> = (0..gates[0].bias.len()).map(|k| Row::of(&gates[0], k, 0, columns)).collect();
                for rows in rows.chunks(4) {
                    row_block::pack(packing, RowBlock::Rows { columns }, rows, &mut params, &mut weights);
                }
            }
        }
        out.extend(params);
        out.extend(weights);
        Ok(())
    }
}

impl Row {
    /// Row `k` of a gate, over x and then h, of so many columns each.
    fn of(gate: &IntegerGate, k: usize, x: usize, h: usize) -> Self {
        let mut row = Row { w: vec![0; x + h], bias: gate.bias[k], multiplier: gate.multiplier[k] };
        let rows = gate.bias.len();
        for (weights, at) in [(&gate.w, 0), (&gate.u, x)] {
            let width = weights.len() / rows;
            row.w[at..at + width].copy_from_slice(&weights[k * width..][..width]);
        }
        row
    }
}
