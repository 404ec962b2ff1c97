//! Any blob of a tree that loads, any nodes over any frames: they are refused, or run to the same answers again.
#![cfg_attr(feature = "libfuzzer", no_main)]

elman_fuzz::target!(elman_fuzz::tree::run);
