//! Analytic gradients against central differences in `f64`: every cell, layer, kind of dropout and loss, relative error
//! <= 1e-6.

mod cells;
mod check;
mod dropout;
mod graphs;
mod layers;
mod losses;
mod reach;
mod seq2seq;
mod trees;
