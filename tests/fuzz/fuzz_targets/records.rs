//! Any bytes as files of each data format: an error that names a file, or examples.
#![cfg_attr(feature = "libfuzzer", no_main)]

elman_fuzz::target!(elman_fuzz::records::run);
