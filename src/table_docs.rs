//! The tables of numbers of docs/tables.md, printed from the code.
//!
//! `UPDATE_DOCS=1 cargo test -p elman --lib table_docs` writes them.

use std::format;
use std::string::String;
use std::vec::Vec;

use crate::arith::TABLE;
use crate::arith::log2::{EXP2_LINES, LOG2_LINES, ROOTS};
use crate::format_docs::{compare, replaced};
use crate::kernel::fft::SINES;

/// Lines of numbers in a block of code, so many on each, its first one's number before them.
fn block(numbers: &[i64], a_line: usize) -> String {
    let lines = numbers.chunks(a_line).enumerate().map(|(k, line)| {
        let numbers: Vec<String> = line.iter().map(i64::to_string).collect();
        format!("{}: {}\n", k * a_line, numbers.join(" "))
    });
    format!("```text\n{}```\n", lines.collect::<String>())
}

fn activation() -> String {
    let pieces = TABLE.iter().enumerate().map(|(k, [a, w])| format!("{k}: {a} {w}\n"));
    format!("```text\n{}```\n", pieces.collect::<String>())
}

fn lines(lines: &[[u16; 2]]) -> String {
    let lines = lines.iter().enumerate().map(|(k, [base, slope])| format!("{k}: {base} {slope}\n"));
    format!("```text\n{}```\n", lines.collect::<String>())
}

#[test]
fn the_numbers_are_those_of_the_code() {
    compare("docs/tables.md", |page| {
        let sines: Vec<i64> = SINES.iter().map(|s| (*s).into()).collect();
        let roots: Vec<String> = ROOTS.iter().enumerate().map(|(k, r)| format!("{}: {r}\n", k + 1)).collect();
        let page = replaced(page, "activation", &activation());
        let page = replaced(&page, "sine", &block(&sines, 8));
        let page = replaced(&page, "log2", &lines(&LOG2_LINES));
        let page = replaced(&page, "exp2", &lines(&EXP2_LINES));
        replaced(&page, "roots", &format!("```text\n{}```\n", roots.concat()))
    });
}
