//! Claims in SMT-LIB, a file each in `smt/`: `(echo "claim")` stands before each claim, whose negation must have no model (`unsat`), and
//! `(echo "control")` before each planted fault, for which there must be one (`sat`).

use crate::Outcome;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The files, sorted.
///
/// # Errors
/// Where the folder cannot be read.
pub fn files() -> std::io::Result<Vec<PathBuf>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("smt");
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        files.push(entry?.path());
    }
    files.sort();
    Ok(files)
}

/// What the file claims: its first line.
pub fn claim(text: &str) -> &str {
    text.lines().next().unwrap_or_default().trim_start_matches(';').trim()
}

/// Runs the solver on a file.
///
/// # Errors
/// Where it does not run, or answers otherwise.
pub fn check(z3: &Path, file: &Path) -> Outcome {
    let output =
        Command::new(z3).args(["-smt2", "-T:600"]).arg(file).output().map_err(|e| format!("{}: {e}", z3.display()))?;
    verdict(&String::from_utf8_lossy(&output.stdout))
}

/// Reads the solver's answers.
fn verdict(printed: &str) -> Outcome {
    let lines: Vec<&str> = printed.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
    let (pairs, rest) = lines.as_chunks::<2>();
    let wrong = |pair: &&[&str; 2]| !matches!(**pair, ["claim", "unsat"] | ["control", "sat"]);
    if let Some(pair) = pairs.iter().find(wrong) {
        return Err(format!("the solver answers {pair:?}"));
    }
    let controls = pairs.iter().filter(|pair| pair[0] == "control").count();
    if !rest.is_empty() || controls == 0 || controls == pairs.len() {
        return Err(format!("not claims and controls: {printed:?}"));
    }
    Ok(format!("{} claims without a counterexample; {controls} planted faults found", pairs.len() - controls))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read() {
        assert!(verdict("claim\nunsat\ncontrol\nsat\n").is_ok());
        for bad in [
            "",
            "claim\nunsat\n",
            "claim\nsat\ncontrol\nsat\n",
            "claim\nunsat\ncontrol\nunsat\n",
            "claim\nunknown\ncontrol\nsat",
            "claim\nunsat\ncontrol",
        ] {
            assert!(verdict(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn each_file_has_claims_and_controls() {
        let files = files().unwrap();
        assert!(files.len() >= 7);
        for file in files {
            let text = std::fs::read_to_string(&file).unwrap();
            let count = |what: &str| text.matches(&format!("(echo \"{what}\")")).count();
            assert!(count("claim") > 0 && count("control") > 0 && claim(&text).len() > 20, "{}", file.display());
            assert_eq!(text.matches("(check-sat)").count(), count("claim") + count("control"), "{}", file.display());
        }
    }
}
