//! `no-mul64`: no 64-bit multiplication on the inference path of a core that has none: what can be called from a step, over all cells
//! and layers, in the firmware for the Cortex-M0.

use anyhow::{Context, Result, ensure};
use elman_emulator::{Firmware, Machines};
use object::{Object, ObjectSection, ObjectSymbol, SymbolKind};
use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;

const CORE: &str = "m0";
/// The compiler's 64-bit multiplication.
const CALLS: [&str; 2] = ["__aeabi_lmul", "__muldi3"];
/// Where a step begins, and what it calls by pointer: the steps of cells and layers.
const ROOTS: [&str; 5] = [
    "elman_board::task::stream::counted_step",
    "::SPEC::{closure",
    "elman::cell::drive::",
    "elman::layer::",
    "elman::net::chain::",
];

/// Walks the calls; failure where a step reaches a multiplication.
///
/// # Errors
/// Where the firmware cannot be built or read.
pub fn run() -> Result<ExitCode> {
    let firmware = Firmware::build(&Machines::find(None)?, CORE, "qemu-mps2", None, &[])?;
    let elf = std::fs::read(&firmware.elf).with_context(|| firmware.elf.display().to_string())?;
    let file = object::File::parse(elf.as_slice()).context("the firmware is no ELF file")?;
    let text = file.section_by_name(".text").context("the firmware has no code")?;
    let (start, code) = (text.address(), text.data()?);
    let mut functions = BTreeMap::new();
    for s in file.symbols().filter(|s| s.kind() == SymbolKind::Text && s.size() > 0) {
        let name = format!("{:#}", rustc_demangle::demangle(s.name().unwrap_or_default()));
        functions.insert(s.address() & !1, (s.size(), name));
    }
    let calls = |at: u64, size: u64| -> BTreeSet<u64> {
        let half = |k: u64| {
            let k = (at + k).checked_sub(start)? as usize;
            Some(u16::from_le_bytes([*code.get(k)?, *code.get(k + 1)?]))
        };
        (0..size).step_by(2).filter_map(|k| target(at + k, half(k)?, half(k + 2).unwrap_or(0))).collect()
    };
    let roots = functions.iter().filter(|(_, (_, name))| ROOTS.iter().any(|r| name.contains(r)));
    let mut open: Vec<u64> = roots.map(|(at, _)| *at).collect();
    ensure!(open.len() > 20, "only {} functions of steps were found", open.len());
    let mut reached: BTreeSet<u64> = open.iter().copied().collect();
    while let Some(at) = open.pop() {
        let (size, _) = &functions[&at];
        for to in calls(at, *size) {
            // A call into a function's middle is a jump inside it.
            if functions.contains_key(&to) && reached.insert(to) {
                open.push(to);
            }
        }
    }
    let wide = |at: &u64| CALLS.contains(&functions[at].1.as_str());
    let linked = functions.keys().filter(|at| wide(at)).count();
    let found: Vec<&str> = reached.iter().filter(|at| wide(at)).map(|at| functions[at].1.as_str()).collect();
    println!(
        "{} functions can be reached from a step; 64-bit multiplications among them: {}",
        reached.len(),
        found.len()
    );
    println!("{linked} in the whole firmware");
    for at in reached.iter().filter(|_| !found.is_empty()) {
        let (size, name) = &functions[at];
        if calls(*at, *size).iter().any(|to| functions.contains_key(to) && wide(to)) {
            println!("  called by {name}");
        }
    }
    Ok(if found.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Where a branch with link, or one without, goes: the encodings of Armv6-M.
fn target(at: u64, first: u16, second: u16) -> Option<u64> {
    let (first, second) = (u32::from(first), u32::from(second));
    let offset = if first >> 11 == 0b11110 && second >> 14 == 0b11 && second >> 12 & 1 == 1 {
        let sign = first >> 10 & 1;
        let (i1, i2) = ((second >> 13 & 1) ^ sign ^ 1, (second >> 11 & 1) ^ sign ^ 1);
        let imm = sign << 24 | i1 << 23 | i2 << 22 | (first & 0x3ff) << 12 | (second & 0x7ff) << 1;
        (imm << 7) as i32 >> 7
    } else if first >> 11 == 0b11100 {
        (first << 21) as i32 >> 20
    } else {
        return None;
    };
    Some((at + 4).wrapping_add_signed(i64::from(offset)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn branches_are_decoded() {
        // From the assembler: bl forward by 0x1000, bl back by 8, b back by 4.
        assert_eq!(target(0x100, 0xf001, 0xf800), Some(0x1104));
        assert_eq!(target(0x100, 0xf7ff, 0xfffc), Some(0xfc));
        assert_eq!(target(0x100, 0xe7fe, 0), Some(0x100));
        assert_eq!(target(0x100, 0x4770, 0), None);
    }
}
