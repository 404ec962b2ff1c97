//! Float layers: forward and backward.
