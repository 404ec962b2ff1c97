//! From the description of a network to its layers.

use super::cell;
use super::check::SpecError;
use super::float::Float;
use super::layer::{
    Affine, Bidirectional, Delay, Dense, Dropout, Embedding, Layer, Narx, OneHot, Place, Pool, Recurrent, StateDropout,
};
use super::spec::{DenseActivation, DropoutKind, LayerSpec, NetworkSpec};

/// The stream of random numbers of one purpose in layer `i`.
fn stream(i: usize, purpose: u64) -> u64 {
    i as u64 | (purpose << 32)
}

/// Layers, where those of each layer of the recipe begin, and which of them gives its output.
type Built<F> = (Vec<Layer<F>>, Vec<usize>, Vec<usize>);

/// The layers that run a network, and for every layer of the recipe the first of them and that whose output it is:
/// dropout of a recurrent layer is a layer of its own.
pub fn layers<F: Float>(spec: &NetworkSpec, places: Vec<[Place; 2]>) -> Result<Built<F>, SpecError> {
    let (mut layers, mut starts, mut outputs) = (Vec::new(), Vec::new(), Vec::new());
    for ((i, kind), ((inputs, width), [place, second])) in
        spec.layers.iter().enumerate().zip(spec.widths().into_iter().zip(places))
    {
        starts.push(layers.len());
        let layer = match kind {
            LayerSpec::Cell { variant, units, bidirectional, dropout, dropout_kind } => {
                let (cell, number, table) = cell::find::<F>(variant)
                    .ok_or_else(|| SpecError::UnknownCell { layer: i, variant: variant.clone() })?;
                let direction = |place, stream| {
                    let drop = StateDropout { rate: *dropout, kind: *dropout_kind, stream };
                    Recurrent::new(table, (cell.stages)(number), inputs, *units, place)
                        .with_dropout((*dropout > 0.0).then_some(drop))
                };
                if *dropout > 0.0 && *dropout_kind == DropoutKind::Variational {
                    let (rate, layer) = (*dropout, stream(i, 1));
                    layers.push(Layer::Dropout(Dropout { rate, width: inputs, layer, variational: true }));
                }
                let forward = direction(place, stream(i, 2));
                if *bidirectional {
                    let directions = [forward, direction(second, stream(i, 3))];
                    Layer::Bidirectional(Bidirectional { directions })
                } else {
                    Layer::Recurrent(forward)
                }
            }
            LayerSpec::Embedding { rows, units } => Layer::Embedding(Embedding { rows: *rows, units: *units, place }),
            LayerSpec::OneHot { rows } => Layer::OneHot(OneHot { rows: *rows }),
            LayerSpec::Dropout { rate, variational } => {
                Layer::Dropout(Dropout { rate: *rate, width, layer: stream(i, 0), variational: *variational })
            }
            LayerSpec::Delay { taps, stride, tail, tail_taps } => {
                Layer::Delay(Delay { inputs, taps: *taps, stride: *stride, tail: *tail, tail_taps: *tail_taps })
            }
            LayerSpec::Pool { over } => Layer::Pool(Pool { over: *over, width }),
            LayerSpec::Dense { activation, .. } => {
                let equation = F::dense((*activation).into());
                Layer::Dense(Dense(Affine::new(equation, [inputs, width], place.w, place.b)))
            }
            LayerSpec::Narx { hidden, outputs, input_taps, output_taps, activation, closed, warmup, residual } => {
                let (tail, tail_taps) = (*outputs, output_taps.saturating_sub(1));
                let delay = Delay { inputs, taps: *input_taps, stride: 1, tail, tail_taps };
                let affine = |f: DenseActivation, widths, place: Place| {
                    Affine::new(F::dense(f.into()), widths, place.w, place.b)
                };
                let seen = delay.width();
                let (hidden, output) = match *hidden {
                    0 => (None, affine(DenseActivation::Linear, [seen, width], place)),
                    hidden => {
                        let output = affine(DenseActivation::Linear, [hidden, width], second);
                        (Some(affine(*activation, [seen, hidden], place)), output)
                    }
                };
                Layer::Narx(Narx { delay, hidden, output, closed_from: closed.then_some(*warmup), residual: *residual })
            }
        };
        layers.push(layer);
        outputs.push(layers.len() - 1);
        if let LayerSpec::Cell { dropout: rate, dropout_kind, .. } = *kind
            && rate > 0.0
            && matches!(dropout_kind, DropoutKind::NonRecurrent | DropoutKind::Ordinary)
        {
            let layer = stream(i, 0);
            layers.push(Layer::Dropout(Dropout { rate, width, layer, variational: false }));
        }
    }
    Ok((layers, starts, outputs))
}
