//! Frames, spectrum, log-mel in fixed point.
