//! Any sequence of transfers, starts, changed bits and cuts of the supply: a model that was sealed runs at every start, and after
//! it was confirmed none with a lower counter.
#![cfg_attr(feature = "libfuzzer", no_main)]

elman_fuzz::target!(elman_fuzz::slots::run);
