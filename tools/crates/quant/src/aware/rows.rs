//! Where the rows of the device lie among a network's parameters.

use std::ops::Range;

use elman::cell::Operands;
use elman_nn::{LayerSpec, Network};

use super::{Place, directions};
use crate::IntegerModel;

/// A row: all weights that one pre-activation reads, with one scale.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    /// Layer of the recipe.
    pub layer: usize,
    /// Whether it belongs to the direction that reads from the end.
    pub reverse: bool,
    /// Layer of the blob.
    pub device: usize,
    /// Its number in that layer, gate after gate and unit after unit.
    pub row: usize,
    pub gate: usize,
    pub unit: usize,
    /// Its weights of x and of h, and its bias, among the parameters.
    pub w: Range<usize>,
    pub u: Range<usize>,
    pub bias: usize,
    /// What an element of 1 is where rows read x and h as Q0.15.
    pub x_unit: f64,
    pub h_unit: f64,
    /// What the multiplier is larger by than for a pre-activation of Q15.16.
    pub factor: f64,
    /// Offset and deviation that its bias and weights contain; 0 and 1 where they contain none.
    pub offset: f64,
    pub deviation: f64,
}

/// The rows of all cells and dense layers.
pub(super) fn rows(
    network: &Network<f32>,
    integer: &IntegerModel,
    map: &[Option<Place>],
    folded: &[(f64, f64)],
) -> Vec<Row> {
    let mut all = Vec::new();
    let last = network.spec().layers.len();
    for (layer, (kind, device)) in network.spec().layers.iter().zip(map).enumerate() {
        let Some(device) = *device else { continue };
        if !matches!(kind, LayerSpec::Cell(_) | LayerSpec::Dense(_) | LayerSpec::Conv(_)) {
            continue;
        }
        let prefixes = ["", "reverse."];
        let folded = if layer + 1 == last { folded } else { &[] };
        for (direction, prefix) in prefixes.iter().enumerate().take(directions(kind)) {
            let place = |name: &str| {
                let tensor = network.tensor(&format!("layers.{layer}.{prefix}{name}"));
                tensor.map_or(0..0, |(tensor, _)| tensor.range.clone())
            };
            let at = device.output + direction;
            of_layer(integer, [layer, at, direction], ["w", "u", "b"].map(place), folded, &mut all);
        }
    }
    all
}

/// The rows of one layer of the blob.
fn of_layer(
    integer: &IntegerModel,
    [layer, device, direction]: [usize; 3],
    [w, u, b]: [Range<usize>; 3],
    folded: &[(f64, f64)],
    all: &mut Vec<Row>,
) {
    let rounded = &integer.layers[device];
    let Some((_, _, spec)) = elman::layer::named(&rounded.variant) else { return };
    let (inputs, units) = (rounded.inputs, rounded.units);
    let (mut next_w, mut next_u, mut row) = (w.start, u.start, 0);
    for (gate, table) in spec.gates().enumerate() {
        for unit in 0..units {
            let take = |next: &mut usize, n: usize| {
                let from = *next;
                *next += n;
                from..*next
            };
            let w = if table.operands == Operands::Hidden { 0..0 } else { take(&mut next_w, inputs) };
            let u = if table.operands == Operands::Input { 0..0 } else { take(&mut next_u, units) };
            let (offset, deviation) = folded.get(unit).copied().unwrap_or((0.0, 1.0));
            all.push(Row {
                layer,
                reverse: direction > 0,
                device,
                row,
                gate,
                unit,
                w,
                u,
                bias: b.start + row,
                x_unit: 2f64.powi(15 - i32::from(rounded.in_frac)),
                h_unit: 2f64.powi(15 - i32::from(rounded.out_frac)),
                factor: 2f64.powi(i32::from(table.pre.frac()) - 16),
                offset,
                deviation,
            });
            row += 1;
        }
    }
}
