//! Where the rows of the device lie among a network's parameters.

use std::ops::Range;

use elman::cell::Recurrence;
use elman_nn::{LayerSpec, Network};

use super::{Place, directions};
use crate::IntegerModel;
use crate::ptq::recurrent_fracs;

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
    /// Its number in the gate.
    pub of_gate: usize,
    /// Its weights of x and of h, and its bias, where it has one, among the parameters.
    pub w: Range<usize>,
    pub u: Range<usize>,
    pub bias: Option<usize>,
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
            of_layer(integer, [layer, at, direction], ["w", "u", "b", "p"].map(place), folded, &mut all);
        }
    }
    all
}

/// The rows of one layer of the blob.
fn of_layer(
    integer: &IntegerModel,
    [layer, device, direction]: [usize; 3],
    [w, u, b, p]: [Range<usize>; 4],
    folded: &[(f64, f64)],
    all: &mut Vec<Row>,
) {
    let rounded = &integer.layers[device];
    let Some((_, _, spec)) = elman::layer::named(&rounded.variant) else { return };
    let fracs = recurrent_fracs(spec, rounded.out_frac, rounded.params);
    // A projection has no bias, and its rows are those of P.
    let last = if spec.recurrence == Recurrence::State { usize::MAX } else { spec.gates().count() - 1 };
    let (mut next_w, mut next_u, mut row) = (w.start, u.start, 0);
    for (gate, (table, shape)) in spec.shapes(rounded.inputs, rounded.units, rounded.params).enumerate() {
        let projection = gate == last;
        if projection {
            next_u = p.start;
        }
        for of_gate in 0..shape.rows {
            let take = |next: &mut usize, n: usize| {
                let from = *next;
                *next += n;
                from..*next
            };
            let (w, u) = (take(&mut next_w, shape.inputs), take(&mut next_u, shape.hidden));
            let (offset, deviation) = folded.get(of_gate).copied().unwrap_or((0.0, 1.0));
            all.push(Row {
                layer,
                reverse: direction > 0,
                device,
                row,
                gate,
                of_gate,
                w,
                u,
                bias: (!projection).then_some(b.start + row),
                x_unit: 2f64.powi(15 - i32::from(rounded.in_frac)),
                h_unit: 2f64.powi(15 - i32::from(fracs[usize::from(projection)])),
                factor: 2f64.powi(i32::from(table.pre.frac()) - 16),
                offset,
                deviation,
            });
            row += 1;
        }
    }
}
