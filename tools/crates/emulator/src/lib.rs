//! The emulated cores: the table of machines, toolchains and firmware for them, and QEMU.
//!
//! It knows no model, so that `cargo xtask` can use it without waiting for one.
#![forbid(unsafe_code)]

mod firmware;
mod machine;
mod qemu;

pub use elman_messages::BufferSizes;
pub use firmware::{Firmware, Toolchain, build_directory};
pub use machine::{Machine, Machines};
pub use qemu::{Qemu, Session};
