//! Turing machines as recurrent networks: the weights are written down, not trained.
//!
//! [`Machine`] reads a machine and runs it directly; [`Construction`] gives the integers of a simple recurrent network
//! that does the same on a finite tape; [`simulate()`] runs both side by side.

mod construction;
mod machine;
mod simulate;

pub use construction::Construction;
pub use machine::{Configuration, Machine, Move, Rule};
pub use simulate::{Simulation, inputs, simulate};

#[cfg(test)]
mod tests;
