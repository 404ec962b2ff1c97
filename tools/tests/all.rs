//! The command line and what crosses the tools' crates. One program, as each would be linked with the tools again.

mod alone;
mod aware;
#[path = "../../tests/board_logic.rs"]
mod board_logic;
#[path = "../../tests/cli.rs"]
mod cli;
mod commands;
mod few_bits;
mod field;
mod flash;
mod import;
mod interrupt;
#[path = "../../tests/kinds.rs"]
mod kinds;
mod memory;
mod operating;
mod probe;
mod resume;
mod sensors;
mod studio;
mod support;
mod sweep;
#[path = "../../tests/traces.rs"]
mod traces;
mod word;
