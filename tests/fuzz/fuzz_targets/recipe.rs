//! Any text as a recipe: an error, or a recipe that is the same once written and read again.
#![cfg_attr(feature = "libfuzzer", no_main)]

elman_fuzz::target!(elman_fuzz::recipe::run);
