//! Dot products of int8 weights with int16 vectors, and the single instructions the compiler does not find.
//! The only place with unsafe code.
#![allow(unsafe_code)]

pub mod word;
