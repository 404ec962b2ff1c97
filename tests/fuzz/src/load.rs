//! Any bytes: loading gives a model or an error, and what it says of the model holds together.

use crate::sealed;
use elman::Model;
use elman::blob::Blob;

/// Runs it on some bytes.
pub fn run(data: &[u8]) {
    check(&sealed::lengths(data));
    check(&sealed::words(data));
}

fn check(words: &[u32]) {
    let model = match Model::load(Blob::new(words)) {
        Ok(model) => model,
        Err(e) => return assert!(!e.to_string().is_empty(), "{e:?}"),
    };
    assert_eq!(Blob::new(words).memory_words(), model.memory_words());
    let labels = (0..).map_while(|k| model.label(k)).count();
    assert!(labels == 0 || labels == model.outputs());
    assert!(model.inputs() > 0 && model.outputs() > 0 && model.out_frac() <= 15);
}
