//! Any bytes as a manifest or an archive of recordings: an error, or clips.
#![cfg_attr(feature = "libfuzzer", no_main)]

elman_fuzz::target!(elman_fuzz::corpus::run);
