//! Models of other programs in, and elman's out.

mod cases;
mod exported;
mod hostile;
mod models;
