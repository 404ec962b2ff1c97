//! Loops, losses, optimizers.
