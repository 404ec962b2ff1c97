//! Cells with a U of low rank, and the LSTM with a projected state.

use elman::arith::Activation;
use elman::cell::low_rank::SPEC;

use super::{FloatCell, fast_grnn, gru, lstm};
use crate::float::Float;

/// The cell that a variant is without its rank, by name; the name itself of one that has none.
pub fn base(variant: &str) -> &str {
    variant.strip_suffix("-low-rank").or(variant.strip_suffix("-projected")).unwrap_or(variant)
}

/// The float side of the cell of variant number `variant`, whose variant 0 it is.
fn of<F: Float>(variant: usize) -> FloatCell<F> {
    match base(SPEC.variants[variant].name) {
        "gru" => gru::cell(),
        "fast-grnn" => fast_grnn::cell(),
        _ => lstm::cell(),
    }
}

pub fn cell<F: Float>() -> FloatCell<F> {
    FloatCell {
        spec: &SPEC,
        stages: |variant| {
            let mut stages = (of::<F>(variant).stages)(0);
            stages.push(F::dense(Activation::Linear));
            stages
        },
        initial_bias: |variant, gate| (of::<F>(variant).initial_bias)(0, gate),
        initial_loop: None,
        scalars: fast_grnn::cell::<F>().scalars,
    }
}
