//! From a blob to a board: keys and signatures ([`key`], [`sealed`]), files for boards ([`image`]), and a NOR flash whose supply
//! fails at any moment ([`nor`], [`cuts`]).
#![forbid(unsafe_code)]

pub mod board;
pub mod cuts;
pub mod image;
pub mod key;
pub mod nor;
pub mod sealed;
