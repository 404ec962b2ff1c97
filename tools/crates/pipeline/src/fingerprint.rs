//! The identity of a run.

use std::hash::Hasher;

use anyhow::Result;

use crate::{Answer, Encoding, Example};
use elman_recipe::Recipe;

/// Hash of the recipe (but for the number of threads), labels and examples: the run's identity.
///
/// # Errors
/// Where the recipe cannot be written out.
pub fn fingerprint<'e>(
    recipe: &Recipe,
    encoding: &Encoding,
    examples: impl Iterator<Item = &'e Example>,
) -> Result<u64> {
    let mut recipe = recipe.clone();
    recipe.train.threads = 0;
    let mut hash = Fnv(0xCBF2_9CE4_8422_2325);
    hash.write(recipe.to_toml()?.as_bytes());
    hash.write(&serde_json::to_vec(encoding)?);
    for example in examples {
        hash.write(example.name.as_bytes());
        example.frames.iter().for_each(|s| hash.write(&s.to_le_bytes()));
        match &example.answer {
            Answer::Class(class) => hash.write(&class.to_le_bytes()),
            Answer::Steps(steps) | Answer::Symbols(steps) => steps.iter().for_each(|s| hash.write(&s.to_le_bytes())),
            Answer::Values(values) | Answer::Last(values) => values.iter().for_each(|v| hash.write(&v.to_le_bytes())),
            Answer::Next => {}
        }
    }
    Ok(hash.finish())
}

/// FNV-1a: a fixed hash, unlike the standard library's.
struct Fnv(u64);

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for b in bytes {
            self.0 = (self.0 ^ *b as u64).wrapping_mul(0x0100_0000_01B3);
        }
    }
    fn finish(&self) -> u64 {
        self.0
    }
}
