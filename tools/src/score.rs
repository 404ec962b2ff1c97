//! placeholder
pub fn segment_f1(_: &[(Vec<&str>, Vec<&str>)]) -> f64 { f64::NAN }
pub fn entity_f1(_: &[(Vec<&str>, Vec<&str>)]) -> f64 { f64::NAN }
