//! Which layout the kernels of a core read, as boards/qemu-mps2/machines.toml says.

use anyhow::{Context, Result};
use elman::kernel::Layout;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// What the table says of a core; the rest of it is for the emulator.
#[derive(Deserialize)]
struct Core {
    layout: String,
}

static CORES: LazyLock<BTreeMap<String, Core>> =
    LazyLock::new(|| toml::from_str(include_str!("../../../../boards/qemu-mps2/machines.toml")).unwrap_or_default());

/// The layout that a core's kernels read.
///
/// # Errors
/// Where there is no such core; the message lists the cores.
pub fn layout_of(core: &str) -> Result<Layout> {
    let layout = CORES.get(core).and_then(|core| Layout::ALL.into_iter().find(|l| l.name() == core.layout));
    layout.with_context(|| {
        let all: Vec<&str> = CORES.keys().map(String::as_str).collect();
        format!("there is no core `{core}`: the cores are {}", all.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_core_has_a_layout_and_a_wrong_name_is_an_error_that_lists_them() {
        assert_eq!(CORES.len(), 7);
        for core in CORES.keys() {
            layout_of(core).unwrap();
        }
        assert_eq!(layout_of("m55").unwrap(), Layout::Rows);
        assert!(layout_of("m5").unwrap_err().to_string().contains("m0, m3, m33, m4, m55, m7, rv32"));
    }
}
