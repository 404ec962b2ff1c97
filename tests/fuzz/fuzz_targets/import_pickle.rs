//! Any bytes as the pickle of a file of torch.save, with two storages: an error, or a network whose weights are finite.
#![cfg_attr(feature = "libfuzzer", no_main)]

elman_fuzz::target!(elman_fuzz::import_pickle::run);
