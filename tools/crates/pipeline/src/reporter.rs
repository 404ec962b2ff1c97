//! Where remarks go while data is read.

/// Receives the remarks of a reader, apart from its result. The command line prints them; a library user may keep or drop them.
pub trait Reporter {
    /// A remark, one line.
    fn note(&self, remark: &str);
}
