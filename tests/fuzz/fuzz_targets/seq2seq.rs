//! Any blob of an encoder-decoder that loads, over any frames: it writes no more than its limit, the same again, and of
//! symbols that it has; a step reads any symbol.
#![cfg_attr(feature = "libfuzzer", no_main)]

elman_fuzz::target!(elman_fuzz::seq2seq::run);
