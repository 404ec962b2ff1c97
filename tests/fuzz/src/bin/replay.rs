//! `replay TARGET PATH...`: runs a target on files and on all files of folders.

use anyhow::{Context, Result};

fn main() -> Result<()> {
    let mut arguments = std::env::args_os().skip(1);
    let name = arguments.next().context("a target's name")?;
    let target = elman_fuzz::TARGETS.iter().find(|(target, _)| name == *target);
    let (_, run) = target.with_context(|| format!("there is no target {}", name.display()))?;
    let mut files = 0;
    for path in arguments {
        files += elman_fuzz::replay(path.as_ref(), *run).with_context(|| path.display().to_string())?;
    }
    println!("{files} files, nothing found");
    Ok(())
}
