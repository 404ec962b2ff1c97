//! Any bytes: loading gives a model or an error, and what it says of the model holds together.
#![cfg_attr(feature = "libfuzzer", no_main)]

elman_fuzz::target!(elman_fuzz::load::run);
