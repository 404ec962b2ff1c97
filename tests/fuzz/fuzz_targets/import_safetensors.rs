//! Any bytes as a state_dict as safetensors: an error, or a network whose weights are finite.
#![cfg_attr(feature = "libfuzzer", no_main)]

elman_fuzz::target!(elman_fuzz::imported::read);
