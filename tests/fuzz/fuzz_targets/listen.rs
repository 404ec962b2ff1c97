//! Any blob that listens and any samples: events are the same however the samples are cut, and after a reset.
#![cfg_attr(feature = "libfuzzer", no_main)]

elman_fuzz::target!(elman_fuzz::listen::run);
