//! Any bytes on the line of a device: it answers with messages that a PC can read.
#![cfg_attr(feature = "libfuzzer", no_main)]

elman_fuzz::target!(elman_fuzz::protocol::run);
