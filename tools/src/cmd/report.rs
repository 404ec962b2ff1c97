//! The report of a run folder, from what its files hold.

use anyhow::Result;

use crate::files::write_atomically;
use crate::report::Report;
use crate::run::RunFolder;

/// Writes report.html from what the run folder holds so far.
///
/// # Errors
/// Where a file cannot be read or written.
pub fn write(folder: &RunFolder) -> Result<()> {
    write_atomically(&folder.report_path(), Report::of_run(folder)?.html().as_bytes())
}
