//! The core by quantized models, against references and golden files. One program, as each would be linked with the tools again.

mod aware;
mod golden;
mod graphs;
mod integer_reference;
mod layers;
mod listening;
mod operations;
mod owned;
mod refusals;
mod scaling;
mod seq2seq;
mod sequences;
mod states;
mod trees;
mod vectors;
