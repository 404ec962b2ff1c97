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

#[cfg(feature = "cells")]
use crate::cell::CELLS;
use crate::cell::{CellSpec, VariantSpec};

/// All layers that are not recurrent cells.
pub const LAYERS: &[CellSpec] = &[dense::SPEC, mean::SPEC, scale::SPEC, embedding::SPEC, one_hot::SPEC, delay::SPEC];

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

/// Cells and layers of keyword spotters: what a build without the feature `cells` loads.
#[cfg(not(feature = "cells"))]
const FEW: &[CellSpec] = &[crate::cell::gru::SPEC, dense::SPEC, scale::SPEC];

/// Every cell and layer that this build has.
pub fn all() -> impl Iterator<Item = &'static CellSpec> {
    #[cfg(feature = "cells")]
    return CELLS.iter().chain(LAYERS);
    #[cfg(not(feature = "cells"))]
    return FEW.iter();
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
                assert!(v.stages.len() <= 2 && v.params.len() <= 4 && v.peephole.len() <= 3);
            }
        }
        assert!(find(0, 0).is_none() && find(1, 200).is_none() && named("").is_none());
    }
}
