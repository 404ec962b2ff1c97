//! The command `elman`: trains, quantizes, evaluates and verifies recurrent networks for microcontrollers.
fn main() {}
