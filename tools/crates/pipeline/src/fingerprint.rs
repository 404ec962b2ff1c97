//! The identity of a run.

use std::hash::Hasher;

use anyhow::Result;

use crate::{Encoding, Example};
use elman_recipe::Recipe;

/// Hash of the recipe (but for the number of threads), labels and examples: the run's identity.
///
/// # Errors
/// Where the recipe or an example cannot be written out.
pub fn fingerprint<'e>(
    recipe: &Recipe,
    encoding: &Encoding,
    examples: impl Iterator<Item = &'e Example>,
) -> Result<u64> {
    let mut recipe = recipe.clone();
    recipe.train.threads = 0;
    let mut hash = Fnv(0xCBF2_9CE4_8422_2325);
    let text = ADDED.iter().fold(recipe.to_toml()?, |text, line| text.replace(line, ""));
    hash.write(text.as_bytes());
    hash.write(&serde_json::to_vec(encoding)?);
    for example in examples {
        // Postcard writes lengths, so that no two lists of examples have the same bytes.
        hash.write(&postcard::to_stdvec(example)?);
    }
    Ok(hash.finish())
}

/// Lines of a recipe that say what is so without them, of keys that were added: a run from before keeps its fingerprint.
const ADDED: &[&str] = &[
    "teacher = \"\"\n",
    "teacher_weight = 0.5\n",
    "temperature = 2.0\n",
    "weights = \"int8\"\n",
    "qat_epochs = 0\n",
    "qat_rate = 0.0005\n",
];

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn added_lines_are_those_of_the_defaults() {
        let text = Recipe::default().to_toml().unwrap();
        for line in ADDED {
            assert!(text.contains(&format!("\n{line}")), "{line}{text}");
        }
    }
}
