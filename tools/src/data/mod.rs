//! Readers for data on disk: one file per format.
