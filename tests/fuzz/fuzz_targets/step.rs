//! Any blob that loads: steps on any frames are total, and a restored state gives the same bits again; so does a
//! sequence that is run again, draws from the same seed, and text that is read.
#![cfg_attr(feature = "libfuzzer", no_main)]

elman_fuzz::target!(elman_fuzz::step::run);
