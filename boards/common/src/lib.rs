//! What firmware does on any board.
#![no_std]
#![forbid(unsafe_code)]
