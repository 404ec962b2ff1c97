//! A recurrent layer as a recipe has it: the cell's variant, one direction or both, and dropout.

use anyhow::Result;
use elman::blob::Direction;
use elman::cell::{Operands, Recurrence, VariantSpec};
use elman_integer::IntegerLayer;
use elman_integer::ptq::{FloatLayer, RangeStats, quantize_layer};
use serde::{Deserialize, Serialize};

use super::bidirectional::Bidirectional;
use super::dropout::{Dropout, Mask, check_rate};
use super::projected::Projected;
use super::recurrent::{Recurrent, StateDropout, Tensors, sigmoid};
use super::{Built, Layer, LayerKind, LayerSpec, Place, Reads, Rounding, Site};
use crate::Float;
use crate::cell::{FloatCell, base, find, variant_names};
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
    /// Elements of p, which the recurrent products read in the place of h: of a cell with `low-rank` or `projected` in its name. 0
    /// for half of the units.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub rank: usize,
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

fn is_zero(n: &usize) -> bool {
    *n == 0
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

    /// The layer with a rank, if it is a recurrent one.
    #[must_use]
    pub fn with_rank(mut self, rank: usize) -> Self {
        if let Self::Cell(cell) = &mut self {
            cell.rank = rank;
        }
        self
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
        let dropout_kind = DropoutKind::default();
        Cell { variant: variant.into(), units, rank: 0, bidirectional, dropout: 0.0, dropout_kind }
    }

    /// The cell's table.
    pub fn table(&self) -> Option<&'static VariantSpec> {
        variant(&self.variant)
    }

    /// What its recurrent products read.
    fn recurrence(&self) -> Recurrence {
        self.table().map_or(Recurrence::State, |table| table.recurrence)
    }

    /// Whether its recurrent products read something else than its output or of fewer elements.
    pub fn factored(&self) -> bool {
        self.recurrence() != Recurrence::State
    }

    /// Whether its U is of low rank.
    pub fn low_rank(&self) -> bool {
        self.recurrence() == Recurrence::LowRank
    }

    /// Elements of what its recurrent products read.
    pub fn recurrent_width(&self) -> usize {
        match (self.recurrence(), self.rank) {
            (Recurrence::State, _) => self.units,
            (_, 0) => self.units.div_ceil(2),
            (_, rank) => rank,
        }
    }

    /// Width of the output of one direction.
    fn outputs(&self) -> usize {
        if self.recurrence() == Recurrence::Projected { self.recurrent_width() } else { self.units }
    }

    /// The device's numbers of it, but for those that rounding chooses.
    fn params(&self) -> [u16; 4] {
        let number = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
        match self.recurrence() {
            Recurrence::State => [0; 4],
            Recurrence::LowRank => [number(self.recurrent_width()), 0, 0, 0],
            Recurrence::Projected => [number(self.units), 0, 0, 0],
        }
    }

    /// Prefixes of the directions' tensors.
    fn directions(&self) -> &'static [&'static str] {
        if self.bidirectional { &["", "reverse."] } else { &[""] }
    }

    /// One direction.
    fn direction<F: Float>(&self, site: &Site<'_>, prefix: &str, purpose: u64) -> Recurrent<F> {
        let (cell, number, table) = find::<F>(base(&self.variant)).expect("a cell that `check` has found");
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
/// are the sigmoid of. Where gates read p, U is over its `rank` elements and P is what makes them of h.
fn tensors(
    (cell, number, _): &(FloatCell<f32>, usize, &VariantSpec),
    prefix: &str,
    [inputs, units, rank]: [usize; 3],
) -> Vec<TensorSpec> {
    let table = &cell.spec.variants[*number];
    let count = |without: Operands| table.gates().filter(|g| g.operands != without).count() * units;
    let (w, u, v) = (count(Operands::Hidden), count(Operands::Input), table.peephole.len() * units);
    let bias: Vec<f64> = table.gates().map(|gate| (cell.initial_bias)(*number, gate.name)).collect();
    let name = |letter: &str| format!("{prefix}{letter}");
    let recurrent = cell.initial_loop.map_or(Start::Orthogonal, Start::Identity);
    let (columns, recurrent) = if rank > 0 { (rank, Start::UnitRows) } else { (units, recurrent) };
    let all = vec![
        TensorSpec::glorot(name("w"), [w, inputs], units),
        TensorSpec::new(name("u"), vec![u, columns], recurrent),
        TensorSpec::new(name("b"), vec![bias.len() * units], Start::Values(bias)),
        TensorSpec::zeros(name("v"), v),
        TensorSpec::new(name("s"), vec![cell.scalars.len()], Start::Values(cell.scalars.to_vec())),
        TensorSpec::new(name("p"), vec![rank, units], Start::UnitRows),
    ];
    all.into_iter().filter(|t| t.shape[0] > 0 || t.name.ends_with('w')).collect()
}

impl LayerKind for Cell {
    fn reads(&self) -> Reads {
        Reads::Steps
    }

    fn width(&self, _: usize) -> usize {
        self.outputs() * self.directions().len()
    }

    fn check(&self, _: Place) -> Result<(), String> {
        if self.table().is_none() {
            let known = variant_names().collect::<Vec<_>>().join(", ");
            return Err(format!("no `variant` of a cell is called '{}'; there are {known}", self.variant));
        }
        let factored = self.factored();
        if !factored && self.rank > 0 {
            let known =
                || variant_names().filter(|name| variant(name).is_some_and(|v| v.recurrence != Recurrence::State));
            return Err(format!("`rank` belongs to {}", known().collect::<Vec<_>>().join(", ")));
        }
        if self.rank > self.units {
            return Err(format!("rank = {} is more than the {} units", self.rank, self.units));
        }
        if factored && self.drops() && self.dropout_kind == DropoutKind::Weights {
            return Err(format!("dropout of weights needs the whole U, which `{}` does not have", self.variant));
        }
        check_rate(self.dropout)
    }

    fn tensors(&self, inputs: usize) -> Vec<TensorSpec> {
        let Some(cell) = find::<f32>(base(&self.variant)) else { return Vec::new() };
        let rank = if self.factored() { self.recurrent_width() } else { 0 };
        let sizes = [inputs, self.units, rank];
        self.directions().iter().flat_map(|prefix| tensors(&cell, prefix, sizes)).collect()
    }

    fn build<F: Float>(&self, site: &Site<'_>) -> Built<F> {
        let mut layers = Vec::new();
        if self.drops() && self.dropout_kind == DropoutKind::Variational {
            layers.push(self.mask(site, 1, true));
        }
        let output = layers.len();
        let forward = self.direction(site, "", 2);
        let both = |forward| Bidirectional { directions: [forward, self.direction(site, "reverse.", 3)] };
        let widths = [self.units, self.outputs()];
        let maps = || self.directions().iter().map(|prefix| site.tensor(&format!("{prefix}p"))).collect();
        layers.push(match (self.recurrence() == Recurrence::Projected, self.bidirectional) {
            (false, false) => Box::new(forward),
            (false, true) => Box::new(both(forward)),
            (true, false) => Box::new(Projected::new(forward, widths, maps())),
            (true, true) => Box::new(Projected::new(both(forward), widths, maps())),
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
            let [w, u, b, v, p, s] =
                ["w", "u", "b", "v", "p", "s"].map(|name| layer.tensor(&format!("{prefix}{name}")));
            let (variant, inputs, units) = (&self.variant, layer.inputs, self.outputs());
            let (weights, params) = (layer.weights, self.params());
            let float = FloatLayer { variant, inputs, units, w, u, b, v, p, params, weights };
            let mut rounded = quantize_layer(&float, layer.in_frac, ranges)?;
            // The last of the layer's numbers.
            let names = self.table().map_or(0, |table| table.params.len());
            for (to, s) in rounded.params.iter_mut().skip(names.saturating_sub(s.len())).zip(s) {
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
