//! What surrounds cells: dense layers, delay lines, pooling over time, the scaling of raw features, and what makes
//! vectors of symbols.
//!
//! They share the cells' tables and memory layout; a layer without gates has no stages of weights.

pub mod attention;
pub mod delay;
pub mod dense;
pub mod embedding;
pub mod mean;
pub mod one_hot;
pub mod scale;

use crate::cell::{CELLS, CellSpec, VariantSpec};

/// All layers of this version that are not recurrent cells, as [`ALL_CELLS`](crate::cell::ALL_CELLS).
pub(crate) const ALL_LAYERS: &[CellSpec] =
    &[dense::SPEC, mean::SPEC, scale::SPEC, embedding::SPEC, one_hot::SPEC, delay::SPEC];

/// All layers that are not recurrent cells and that this build has.
pub const LAYERS: &[CellSpec] = &[
    dense::SPEC,
    #[cfg(feature = "pool")]
    mean::SPEC,
    scale::SPEC,
    #[cfg(feature = "symbols")]
    embedding::SPEC,
    #[cfg(feature = "symbols")]
    one_hot::SPEC,
    #[cfg(feature = "delay")]
    delay::SPEC,
];

/// Cells and layers, by tag and variant as a blob names them.
pub fn find(tag: u8, variant: u8) -> Option<&'static VariantSpec> {
    all().find(|s| s.tag == tag)?.variants.get(variant as usize)
}

/// Cells and layers, by the name of a variant: its tag, number and table.
pub fn named(name: &str) -> Option<(u8, u8, &'static VariantSpec)> {
    all().find_map(|s| {
        let number = s.variants.iter().position(|v| v.name == name)?;
        Some((s.tag, number as u8, s.variants.get(number)?))
    })
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
        assert!(find(0, 0).is_none() && find(1, 200).is_none() && named("").is_none());
    }
}
