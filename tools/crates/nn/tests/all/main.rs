//! Analytic gradients against central differences in `f64`: every cell, layer, kind of dropout and loss, relative error
//! <= 1e-6; and against PyTorch's. One program, as each would compile the networks for all vectors of the machine again.

mod activations;
mod cells;
mod check;
mod dropout;
mod graphs;
mod layers;
mod losses;
mod reach;
mod seq2seq;
mod seq2seq_torch;
mod torch;
mod trees;
