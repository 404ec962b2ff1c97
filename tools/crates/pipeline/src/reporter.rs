//! Where remarks go while data is read.

/// Takes what a reader has to say beside its result. The command line prints it; a library user may keep or drop it.
pub trait Reporter {
    /// A remark, one line.
    fn note(&self, remark: &str);
}
