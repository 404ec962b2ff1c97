//! A recurrent layer as a recipe has it: the cell's variant, one direction or both, and dropout.

use anyhow::Result;
use elman::blob::Direction;
use elman::cell::{Operands, VariantSpec};
use elman_integer::IntegerLayer;
use elman_integer::ptq::{FloatLayer, RangeStats, quantize_layer};
use serde::{Deserialize, Serialize};

use super::bidirectional::Bidirectional;
use super::dropout::{Dropout, Mask, check_rate};
use super::recurrent::{Recurrent, StateDropout, Tensors, sigmoid};
use super::{Built, Layer, LayerKind, LayerSpec, Place, Reads, Rounding, Site};
use crate::Float;
use crate::cell::{FloatCell, find, variant_names};
use crate::parameters::{Start, TensorSpec};
use crate::spec::variant;

/// A recurrent layer. Its output is the hidden state of every step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cell {
    /// Name of the variant, as in [`VariantSpec::name`].
    pub variant: String,
    /// Width of the hidden state, of each direction.
    pub units: usize,
    /// Also a second layer that reads the sequence from its end; the output is then `[forward; reverse]`.
    #[serde(default)]
    pub bidirectional: bool,
    /// Share of the connections that training cuts, by `dropout_kind`.
    #[serde(default)]
    pub dropout: f32,
    /// Which connections.
    #[serde(default)]
    pub dropout_kind: DropoutKind,
}

/// Which connections of a recurrent layer dropout cuts, and for how long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DropoutKind {
    /// What goes up to the next layer, drawn again for every step; the recurrent side sees all (Zaremba et al. 2014).
    #[default]
    NonRecurrent,
    /// That and the h_(t-1) that U reads, both drawn again for every step.
    Ordinary,
    /// x and the h_(t-1) that U reads, one mask for all steps of a sequence (Gal and Ghahramani 2016).
    Variational,
    /// Elements of W and U, one mask for all steps and sequences of a pass (Wan et al. 2013, Merity et al. 2018).
    Weights,
}

impl DropoutKind {
    /// All of them.
    pub const ALL: [DropoutKind; 4] = [Self::NonRecurrent, Self::Ordinary, Self::Variational, Self::Weights];
}

impl LayerSpec {
    /// A recurrent layer without dropout.
    pub fn cell(variant: &str, units: usize) -> Self {
        Cell::of(variant, units, false).into()
    }

    /// A recurrent layer that reads in both directions, without dropout.
    pub fn bidirectional(variant: &str, units: usize) -> Self {
        Cell::of(variant, units, true).into()
    }

    /// The layer with dropout, if it is a recurrent one.
    #[must_use]
    pub fn with_dropout(mut self, rate: f32, kind: DropoutKind) -> Self {
        if let Self::Cell(cell) = &mut self {
            (cell.dropout, cell.dropout_kind) = (rate, kind);
        }
        self
    }
}

impl Cell {
    fn of(variant: &str, units: usize, bidirectional: bool) -> Self {
        Cell { variant: variant.into(), units, bidirectional, dropout: 0.0, dropout_kind: DropoutKind::default() }
    }

    /// The cell's table.
    pub fn table(&self) -> Option<&'static VariantSpec> {
        variant(&self.variant)
    }

    /// Prefixes of the directions' tensors.
    fn directions(&self) -> &'static [&'static str] {
        if self.bidirectional { &["", "reverse."] } else { &[""] }
    }

    /// One direction.
    fn direction<F: Float>(&self, site: &Site<'_>, prefix: &str, purpose: u64) -> Recurrent<F> {
        let (cell, number, table) = find::<F>(&self.variant).expect("a cell that `check` has found");
        let dropout = StateDropout { rate: self.dropout, kind: self.dropout_kind, stream: site.stream(purpose) };
        let tensors = Tensors::of(|name| site.tensor(&format!("{prefix}{name}")));
        Recurrent::new(table, (cell.stages)(number), site.inputs, self.units, tensors)
            .with_dropout(self.drops().then_some(dropout))
    }

    /// Dropout as a layer of its own.
    fn mask<F: Float>(&self, site: &Site<'_>, purpose: u64, variational: bool) -> Box<dyn Layer<F>> {
        let dropout = Dropout { rate: self.dropout, variational };
        Box::new(Mask { dropout, stream: site.stream(purpose) })
    }
}

/// The tensors of one direction: W has the rows of all gates that read x, U of all that read h, b of all, gate after gate
/// in the order of the cell's table; V, where gates see the cell state, has V_i, V_f, V_o, and of a FastGRNN v; s is what its ζ and ν
/// are the sigmoid of.
fn tensors(cell: &FloatCell<f32>, number: usize, prefix: &str, [inputs, units]: [usize; 2]) -> Vec<TensorSpec> {
    let table = &cell.spec.variants[number];
    let count = |without: Operands| table.gates().filter(|g| g.operands != without).count() * units;
    let (w, u, v) = (count(Operands::Hidden), count(Operands::Input), table.peephole.len() * units);
    let bias: Vec<f64> = table.gates().map(|gate| (cell.initial_bias)(number, gate.name)).collect();
    let name = |letter: &str| format!("{prefix}{letter}");
    let recurrent = cell.initial_loop.map_or(Start::Orthogonal, Start::Identity);
    let all = vec![
        TensorSpec::glorot(name("w"), [w, inputs], units),
        TensorSpec::new(name("u"), vec![u, units], recurrent),
        TensorSpec::new(name("b"), vec![bias.len() * units], Start::Values(bias)),
        TensorSpec::zeros(name("v"), v),
        TensorSpec::new(name("s"), vec![cell.scalars.len()], Start::Values(cell.scalars.to_vec())),
    ];
    all.into_iter().filter(|t| t.shape[0] > 0 || t.name.ends_with('w')).collect()
}

impl LayerKind for Cell {
    fn reads(&self) -> Reads {
        Reads::Steps
    }

    fn width(&self, _: usize) -> usize {
        self.units * self.directions().len()
    }

    fn check(&self, _: Place) -> Result<(), String> {
        if self.table().is_none() {
            let known = variant_names().collect::<Vec<_>>().join(", ");
            return Err(format!("no `variant` of a cell is called '{}'; there are {known}", self.variant));
        }
        check_rate(self.dropout)
    }

    fn tensors(&self, inputs: usize) -> Vec<TensorSpec> {
        let Some((cell, number, _)) = find::<f32>(&self.variant) else { return Vec::new() };
        let sizes = [inputs, self.units];
        self.directions().iter().flat_map(|prefix| tensors(&cell, number, prefix, sizes)).collect()
    }

    fn build<F: Float>(&self, site: &Site<'_>) -> Built<F> {
        let mut layers = Vec::new();
        if self.drops() && self.dropout_kind == DropoutKind::Variational {
            layers.push(self.mask(site, 1, true));
        }
        let output = layers.len();
        let forward = self.direction(site, "", 2);
        layers.push(match self.bidirectional {
            false => Box::new(forward),
            true => Box::new(Bidirectional { directions: [forward, self.direction(site, "reverse.", 3)] }),
        });
        if self.drops() && matches!(self.dropout_kind, DropoutKind::NonRecurrent | DropoutKind::Ordinary) {
            layers.push(self.mask(site, 0, false));
        }
        Built { layers, output }
    }

    fn device(&self) -> Vec<&str> {
        vec![&self.variant; self.directions().len()]
    }

    fn quantize(&self, layer: &Rounding<'_>) -> Result<Vec<IntegerLayer>> {
        let round = |prefix: &str, ranges: &RangeStats| {
            let [w, u, b, v] = ["w", "u", "b", "v"].map(|name| layer.tensor(&format!("{prefix}{name}")));
            let (variant, inputs, units, weights) = (&self.variant, layer.inputs, self.units, layer.weights);
            let mut rounded =
                quantize_layer(&FloatLayer { variant, inputs, units, w, u, b, v, weights }, layer.in_frac, ranges)?;
            for (to, s) in rounded.params.iter_mut().zip(layer.tensor(&format!("{prefix}s"))) {
                *to = (sigmoid(f64::from(*s)) * 65_536.0).round().min(65_535.0) as u16;
            }
            Ok::<_, anyhow::Error>(rounded)
        };
        let forward = round("", layer.ranges)?;
        let Some(reverse) = layer.ranges.reverse.as_deref().filter(|_| self.bidirectional) else {
            return Ok(vec![forward]);
        };
        // Both halves of the output have one format: the one that is given, or the coarser.
        let alone = round("reverse.", reverse)?;
        let out_frac = layer.ranges.out_frac.or(Some(forward.out_frac.min(alone.out_frac)));
        let both = [("", layer.ranges, Direction::Forward), ("reverse.", reverse, Direction::Backward)];
        let shared = |(prefix, ranges, direction): (&str, &RangeStats, Direction)| {
            let ranges = RangeStats { out_frac, ..ranges.clone() };
            Ok(IntegerLayer { direction, ..round(prefix, &ranges)? })
        };
        both.into_iter().map(shared).collect()
    }

    fn samples() -> Vec<Self> {
        variant_names().flat_map(|name| [false, true].map(|both| Cell::of(name, 7, both))).collect()
    }

    fn drops(&self) -> bool {
        self.dropout > 0.0
    }
}
