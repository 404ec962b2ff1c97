//! Any model that a writer makes, with a few changes: an error, or a model that runs in every way that its structure allows.
#![cfg_attr(feature = "libfuzzer", no_main)]

elman_fuzz::target!(elman_fuzz::models::run);
