//! The hash of everything that a blob of another version could get wrong.

use crate::cell::{CELLS, CarriedState, CellSpec, Operands, OutRange, StageKind, StageSpec, VariantSpec, WidthRule};
use crate::descriptor;
use crate::layer::LAYERS;
use crate::record::{hash_byte, hash_text};

/// Cells and layers that the tables had when version 6 of the format was fixed. Those that came later stand after them and
/// are not in its hash, so that blobs and firmware from before them stay valid: firmware that does not know a layer of a
/// blob rejects it by its tag, [`LoadError::UnknownLayer`](super::LoadError::UnknownLayer).
const VERSION_6: (usize, usize) = (5, 7);

/// Hash of the tables and of the descriptor's fields (FNV-1a): a blob written for other tables is rejected by it.
pub const fn schema_hash() -> u32 {
    const HASH: u32 = {
        let (cells, layers) = (CELLS.split_at(VERSION_6.0).0, LAYERS.split_at(VERSION_6.1).0);
        specs(specs(hash_byte(descriptor::schema(0x811C_9DC5), 0), cells), layers)
    };
    HASH
}

const fn name(h: u32, s: &str) -> u32 {
    hash_byte(hash_text(h, s), 0)
}

const fn names(mut h: u32, names: &[&str]) -> u32 {
    let mut k = 0;
    while k < names.len() {
        h = name(h, names[k]);
        k += 1;
    }
    hash_byte(h, k as u8)
}

const fn specs(mut h: u32, specs: &[CellSpec]) -> u32 {
    let mut k = 0;
    while k < specs.len() {
        h = hash_byte(h, specs[k].tag);
        let mut v = 0;
        while v < specs[k].variants.len() {
            h = variant(h, specs[k].variants[v]);
            v += 1;
        }
        k += 1;
    }
    h
}

const fn variant(mut h: u32, variant: &VariantSpec) -> u32 {
    h = name(h, variant.name);
    let [carried, out, widths] = rules(variant);
    h = hash_byte(hash_byte(hash_byte(h, carried), out), widths);
    h = names(names(h, variant.params), variant.peephole);
    let mut s = 0;
    while s < variant.stages.len() {
        h = stage(h, &variant.stages[s]);
        s += 1;
    }
    h
}

/// Numbers for a variant's carried state, the range of its output, and its widths.
pub(crate) const fn rules(variant: &VariantSpec) -> [u8; 3] {
    let carried = match variant.carried {
        CarriedState::None => 0,
        CarriedState::Hidden => 1,
        CarriedState::Cell => 2,
        CarriedState::Mean => 3,
        CarriedState::Wide => 4,
        CarriedState::Sum => 5,
        CarriedState::Line => 6,
        CarriedState::Max => 7,
        CarriedState::Pair => 8,
    };
    let out = match variant.out {
        OutRange::Bounded => 0,
        OutRange::Calibrated => 1,
        OutRange::Input => 2,
        OutRange::OneHot => 3,
    };
    let widths = match variant.widths {
        WidthRule::Free => 0,
        WidthRule::Same => 1,
        WidthRule::Symbol => 2,
        WidthRule::DelayTaps => 3,
    };
    [carried, out, widths]
}

const fn stage(mut h: u32, stage: &StageSpec) -> u32 {
    let kind = match stage.kind {
        StageKind::Rows => 0,
        StageKind::Split => 1,
        StageKind::Pointwise => 2,
        StageKind::Table => 3,
        StageKind::Projection => 4,
    };
    h = hash_byte(h, kind);
    let mut g = 0;
    while g < stage.gates.len() {
        let operands = match stage.gates[g].operands {
            Operands::InputAndHidden => 0,
            Operands::Input => 1,
            Operands::Hidden => 2,
        };
        let pre = stage.gates[g].pre.frac();
        h = hash_byte(hash_byte(name(h, stage.gates[g].name), operands), pre);
        g += 1;
    }
    h
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Blobs of format version 6 have this hash. It changes with the tables and the fields, and with it the version.
    #[test]
    fn the_hash_is_that_of_the_format() {
        assert_eq!(schema_hash(), HASH_OF_VERSION_6);
    }

    const HASH_OF_VERSION_6: u32 = 0xa1fc_b6dd;
}
