//! Layers around the cells: dense layers, delay lines, pooling over time, the scaling of raw features, layer
//! normalisation, strides over time, both ends of a sequence, and embeddings and one-hot vectors of symbols.
//!
//! Adding a layer is a file here and a line in [`LAYERS`].
//!
//! They share the cells' tables and memory layout; a layer without gates has no stages of weights.

pub mod attention;
pub mod delay;
pub mod dense;
pub mod depthwise;
pub mod embedding;
pub mod ends;
pub mod mean;
pub mod norm;
pub mod one_hot;
pub mod scale;
pub mod stride;

use crate::cell::{CELLS, CellSpec, LayerOperation, LayerView, VariantSpec};

/// All layers that are not recurrent cells.
pub const LAYERS: &[CellSpec] = &[
    dense::SPEC,
    mean::SPEC,
    scale::SPEC,
    embedding::SPEC,
    one_hot::SPEC,
    delay::SPEC,
    norm::SPEC,
    stride::SPEC,
    ends::SPEC,
    depthwise::SPEC,
];

/// Variants of all cells and layers.
const COUNT: usize = count(CELLS) + count(LAYERS);

const fn count(specs: &[CellSpec]) -> usize {
    let (mut n, mut k) = (0, 0);
    while k < specs.len() {
        n += specs[k].variants.len();
        k += 1;
    }
    n
}

const fn fill(mut all: [LayerOperation; COUNT], mut n: usize, specs: &[CellSpec]) -> [LayerOperation; COUNT] {
    let mut k = 0;
    while k < specs.len() {
        let mut variant = 0;
        while variant < specs[k].variants.len() {
            all[n] = specs[k].operation(variant);
            (n, variant) = (n + 1, variant + 1);
        }
        k += 1;
    }
    all
}

/// Every variant of every cell and layer, for a loader that knows all.
pub(crate) const OPERATIONS: &[LayerOperation] = {
    const ALL: [LayerOperation; COUNT] = fill(fill([dense::DENSE; COUNT], 0, CELLS), count(CELLS), LAYERS);
    &ALL
};

/// Tag and variant of each, and how long its name in [`NAMES`] is: not linked to the tables.
const KNOWN: &[(u8, u8, u8)] = {
    const ALL: [(u8, u8, u8); COUNT] = {
        let (mut all, mut k) = ([(0, 0, 0); COUNT], 0);
        while k < COUNT {
            let LayerOperation { tag, variant, .. } = OPERATIONS[k];
            all[k] = (tag, variant, name_at(k).len() as u8);
            k += 1;
        }
        all
    };
    &ALL
};

/// The names of all of them, one after the other: less than a table of strings.
const NAMES: &str = {
    const BYTES: [u8; length()] = {
        let (mut all, mut at, mut k) = ([0; length()], 0, 0);
        while k < COUNT {
            let (name, mut n) = (name_at(k).as_bytes(), 0);
            while n < name.len() {
                all[at] = name[n];
                (at, n) = (at + 1, n + 1);
            }
            k += 1;
        }
        all
    };
    match core::str::from_utf8(&BYTES) {
        Ok(names) => names,
        Err(_) => "",
    }
};

/// Bytes of all names.
const fn length() -> usize {
    let (mut n, mut k) = (0, 0);
    while k < COUNT {
        n += name_at(k).len();
        k += 1;
    }
    n
}

/// The name of number `k` of [`OPERATIONS`].
const fn name_at(k: usize) -> &'static str {
    let (mut left, mut n) = (k, 0);
    while n < CELLS.len() + LAYERS.len() {
        let spec = if n < CELLS.len() { &CELLS[n] } else { &LAYERS[n - CELLS.len()] };
        if left < spec.variants.len() {
            return spec.variants[left].name;
        }
        (left, n) = (left - spec.variants.len(), n + 1);
    }
    ""
}

/// The name of a variant. It links the names of all, and nothing else of them.
pub(crate) fn name(tag: u8, variant: u8) -> Option<&'static str> {
    let mut at = 0usize;
    for (t, v, length) in KNOWN {
        let end = at.wrapping_add(*length as usize);
        if (*t, *v) == (tag, variant) {
            return NAMES.get(at..end);
        }
        at = end;
    }
    None
}

/// Cells and layers, by tag and variant.
pub fn find(tag: u8, variant: u8) -> Option<&'static VariantSpec> {
    all().find(|s| s.tag == tag)?.variants.get(variant as usize).copied()
}

/// Cells and layers, by the name of a variant: its tag, number and table.
pub fn named(name: &str) -> Option<(u8, u8, &'static VariantSpec)> {
    all().find_map(|s| {
        let number = s.variants.iter().position(|v| v.name == name)?;
        Some((s.tag, number as u8, *s.variants.get(number)?))
    })
}

impl LayerView<'_> {
    /// The table of its variant, with all names. A firmware that calls it links the tables of all layers.
    pub fn spec(&self) -> &'static VariantSpec {
        find(self.tag, self.variant).unwrap_or(&VariantSpec::BASE)
    }
}

/// Every cell and layer.
pub fn all() -> impl Iterator<Item = &'static CellSpec> {
    CELLS.iter().chain(LAYERS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_and_names_are_unique() {
        for (k, spec) in all().enumerate() {
            assert_eq!(all().position(|s| s.tag == spec.tag), Some(k));
            for (n, v) in spec.variants.iter().enumerate() {
                let (tag, number, found) = named(v.name).unwrap();
                assert_eq!((tag, number, found.name), (spec.tag, n as u8, v.name));
                assert_eq!(find(tag, number).unwrap().name, v.name);
                assert_eq!(v.recurrent(), v.gates().any(|g| g.operands != crate::cell::Operands::Input), "{}", v.name);
                assert_eq!(v.first_gate(), v.gates().next(), "{}", v.name);
                assert!(v.stages.len() <= 2 && v.params.len() <= 4 && v.peephole.len() <= 3);
            }
        }
        assert_eq!(OPERATIONS.len(), all().map(|s| s.variants.len()).sum::<usize>());
        for operation in OPERATIONS {
            let (tag, variant) = (operation.tag, operation.variant);
            assert_eq!(name(tag, variant), Some(find(tag, variant).unwrap().name));
        }
        assert_eq!((name(0, 0), name(1, 200)), (None, None));
        assert!(find(0, 0).is_none() && find(1, 200).is_none() && named("").is_none());
    }
}
