//! Any network in integers that the writer takes is loaded with the same numbers, and not with one bit changed.
#![cfg_attr(feature = "libfuzzer", no_main)]

elman_fuzz::target!(elman_fuzz::round_trip::run);
