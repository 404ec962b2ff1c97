//! A model for C: the library of its core, the header, the model as an array with its sizes and labels, an example.
//!
//! ```text
//! Core -> library (a zip, or built here) -+
//! Model -> parts, header, array, test ----+-> a folder for make and CMake, Arduino, Zephyr or PlatformIO
//! ```
#![forbid(unsafe_code)]

pub mod arduino;
mod core;
mod folder;
pub mod library;
pub mod literal;
pub mod make;
mod model;
mod parts;
pub mod platformio;
pub mod zephyr;

pub use crate::core::{CORES, Core, Float};
pub use folder::Folder;
pub use library::Libraries;
pub use model::CModel;

/// The header of the library, as this version has it.
pub const HEADER: &str = include_str!("../../../../bindings/c/include/elman.h");
