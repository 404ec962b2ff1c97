//! Any bytes as a recording: an error, or samples.
#![cfg_attr(feature = "libfuzzer", no_main)]

elman_fuzz::target!(elman_fuzz::sound::run);
