//! Any blob of a graph network that loads, any rows over any frames: they are refused, or run to the same answers again.
#![cfg_attr(feature = "libfuzzer", no_main)]

elman_fuzz::target!(elman_fuzz::graph::run);
