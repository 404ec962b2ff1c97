//! The error of rounded weights, those of the input and of the hidden state apart.

use elman_nn::{LayerSpec, Network};
use elman_quant::IntegerModel;
use elman_quant::ptq::dequantized;
use serde::{Deserialize, Serialize};

/// The rounding of a layer's weights. Each field is absent for a layer without such weights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct WeightError {
    /// Signal to rounding noise of all weights, in dB.
    pub weights_db: Option<f64>,
    /// The same of W, the weights of the input, in a layer that has a U.
    pub input_db: Option<f64>,
    /// The same of U, the weights of the hidden state.
    pub recurrent_db: Option<f64>,
    /// Median of the magnitudes of U as integers: how many of their steps the weights use.
    pub recurrent_median: Option<u32>,
}

/// Squares of weights and of their errors.
#[derive(Clone, Copy, Default)]
struct Squares {
    signal: f64,
    noise: f64,
}

impl Squares {
    fn of<'v>(integer: impl Iterator<Item = &'v f64>, float: impl Iterator<Item = f64>) -> Self {
        integer.zip(float).fold(Squares::default(), |s, (q, f)| Squares {
            signal: s.signal + f * f,
            noise: s.noise + (q - f) * (q - f),
        })
    }

    fn decibels(self) -> Option<f64> {
        (self.noise > 0.0 && self.signal > 0.0).then(|| 10.0 * (self.signal / self.noise).log10())
    }
}

/// Names of W and of U of a layer of the blob, the `k`-th with weights that layer `layer` of a recipe becomes.
fn tensors(layer: &LayerSpec, k: usize) -> [String; 2] {
    let prefix = if matches!(layer, LayerSpec::Cell(_)) && k > 0 { "reverse." } else { "" };
    let w = if matches!(layer, LayerSpec::Narx(_)) && k > 0 { "v" } else { "w" };
    [format!("{prefix}{w}"), format!("{prefix}u")]
}

/// The error of each layer of the blob; `map` gives the first layer of each one of the recipe. The last layer's weights contain the
/// deviations of `folded`.
pub fn weight_errors(
    network: &Network<f32>,
    integer: &IntegerModel,
    map: &[Option<usize>],
    folded: &[(f64, f64)],
) -> Vec<WeightError> {
    let mut out = vec![WeightError::default(); integer.layers.len()];
    let layers = &network.spec().layers;
    for (n, (recipe, first)) in layers.iter().zip(map).enumerate() {
        let Some(first) = *first else { continue };
        let of_recipe = first..first + recipe.device().len();
        let with_weights = of_recipe.filter(|k| !integer.layers[*k].gates.is_empty());
        for (number, k) in with_weights.enumerate() {
            let gates = dequantized(&integer.layers[k]);
            let columns = integer.layers[k].inputs.max(1);
            let factor = |row: usize| match folded.get(row) {
                Some((_, deviation)) if k + 1 == integer.layers.len() => *deviation,
                _ => 1.0,
            };
            let float = |name: &str| network.tensor(&format!("layers.{n}.{name}")).map_or(&[][..], |(_, v)| v);
            let [w, u] = tensors(recipe, number);
            let scaled = float(&w).iter().enumerate().map(|(at, f)| f64::from(*f) * factor(at / columns));
            let of_w = Squares::of(gates.iter().flat_map(|g| &g.0), scaled);
            let of_u = Squares::of(gates.iter().flat_map(|g| &g.1), float(&u).iter().map(|f| f64::from(*f)));
            let all = Squares { signal: of_w.signal + of_u.signal, noise: of_w.noise + of_u.noise };
            let mut magnitudes: Vec<u32> =
                integer.layers[k].gates.iter().flat_map(|g| &g.u).map(|q| u32::from(q.unsigned_abs())).collect();
            magnitudes.sort_unstable();
            let recurrent = !magnitudes.is_empty();
            out[k] = WeightError {
                weights_db: all.decibels(),
                input_db: of_w.decibels().filter(|_| recurrent),
                recurrent_db: of_u.decibels(),
                recurrent_median: magnitudes.get(magnitudes.len() / 2).copied(),
            };
        }
    }
    out
}
