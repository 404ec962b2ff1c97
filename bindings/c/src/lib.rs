//! elman for C: `include/elman.h` is written from this crate by cbindgen, so that its comments are Doxygen's.
//!
//! Each file here has the functions of one thing of the header. Pointers become references and slices, and values of the core
//! are put into memory of the caller, in `place` alone: it has the reasons why that is sound, and what C must keep to.
#![no_std]
#![allow(non_camel_case_types)]
#![deny(missing_docs, unsafe_op_in_unsafe_fn)]

mod error;
mod listener;
mod model;
mod parts;
mod place;
mod scaling;
mod sequence;
mod stream;

unsafe extern "C" {
    fn elman_a_panic_is_reachable() -> !;
}

/// Nothing calls it. A library in which something does refers to a function that nothing defines, and `elman export` and `cargo
/// xtask bindings` reject a library that refers to anything outside it.
#[cfg(not(test))]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    // SAFETY: nothing defines the function, so that a firmware that could call it does not link.
    unsafe { elman_a_panic_is_reachable() }
}
