//! The fewest instructions that a core without DSP extension could take: each operation once, nothing for loops' ends, calls,
//! addresses kept in memory or frames.
//!
//! * A product is two instructions, the load of its weight (a byte) and a multiply-accumulate; an element of x is loaded once
//!   for the four rows of a row block.
//! * A row is three: the 64-bit product of its sum with the multiplier, and the rounding of its high half. Biases and
//!   multipliers of a row block are loaded by one instruction each.
//! * σ is 15, tanh 17: the table's lookup in [`elman::kernel::activation`], an instruction for each operation there.
//! * The rest of a unit's equations likewise: 15 for f ⊙ c + i ⊙ g with two saturating additions of four, 1 for the format of
//!   tanh(c), 5 for o ⊙ tanh(c); 8 for r ⊙ m + n, 8 for the GRU's mix, 5 for its h; 4 for rounding and saturating a linear
//!   output. State loaded and stored, output stored: an instruction each.

const ROW: f64 = 3.0;
const PASS: f64 = 2.0;
const SIGMA: f64 = 15.0;
const TANH: f64 = 17.0;

fn padded(n: usize) -> f64 {
    n.next_multiple_of(4) as f64
}

/// The floor of an LSTM, GRU or dense layer; `None` for others.
pub fn of(variant: &str, inputs: usize, units: usize) -> Option<f64> {
    let (x, h, units) = (padded(inputs), padded(units), units as f64);
    let unit = match variant {
        "lstm" => {
            let columns = x + h;
            let equations = 3.0 * SIGMA + 2.0 * TANH + 15.0 + 1.0 + 5.0 + 3.0;
            (4.0 * 2.0 + 1.0) * columns + PASS + 4.0 * ROW + equations
        }
        "gru" => {
            let columns = x + h;
            let equations = 2.0 * SIGMA + TANH + 8.0 + 8.0 + 5.0 + 3.0;
            (3.0 * 2.0 + 1.0) * columns + PASS + 4.0 * ROW + equations
        }
        // Four units a row block.
        "dense" => 2.0 * x + x / 4.0 + PASS / 4.0 + ROW + 4.0 + 1.0,
        _ => return None,
    };
    Some(unit * units)
}
