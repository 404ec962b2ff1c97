//! `cargo xtask VERB`: what developers and CI run.
fn main() {}
