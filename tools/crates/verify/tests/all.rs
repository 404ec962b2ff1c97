//! The tools with boards, emulated ones and lines to them. One program, as each would be linked with the tools again.

mod board;
mod line;

mod gestures_on_core;
#[path = "../../../../tests/messages.rs"]
mod messages;
mod pico;
mod pico_line;
mod port;
mod send;
mod tasks;
mod update_line;
