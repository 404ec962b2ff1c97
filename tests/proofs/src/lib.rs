//! Proofs of the core's arithmetic. A proof runs a check over all inputs, or hands its claim to an SMT solver; its control is the same
//! check of a variant with a planted fault, which must fail. `cargo xtask prove` runs them; the tests run a part of each domain.
#![forbid(unsafe_code)]

pub mod activations;
pub mod domain;
pub mod kernels;
pub mod packing;
pub mod rounding;
pub mod smt;
pub mod softmax;

use domain::Effort;

/// What a check found: how much it checked and with what figures, or the first input for which the claim does not hold.
pub type Outcome = Result<String, String>;

/// A claim, its check, and the check of a variant with a planted fault.
#[derive(Clone, Copy, Debug)]
pub struct Proof {
    /// Name for `--only`.
    pub name: &'static str,
    /// What holds.
    pub claim: &'static str,
    /// Checks it.
    pub check: fn(Effort) -> Outcome,
    /// Checks a variant for which it does not hold.
    pub control: fn(Effort) -> Outcome,
}

/// All proofs over enumerated inputs.
pub const PROOFS: &[&[Proof]] =
    &[activations::PROOFS, rounding::PROOFS, softmax::PROOFS, packing::PROOFS, kernels::PROOFS];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_each_domain_holds_and_each_planted_fault_is_found() {
        for proof in PROOFS.iter().copied().flatten() {
            assert!((proof.check)(Effort::Short).is_ok(), "{}: {:?}", proof.name, (proof.check)(Effort::Short));
            let planted = (proof.control)(Effort::Short);
            assert!(planted.is_err(), "{}: the planted fault is not found: {planted:?}", proof.name);
        }
    }
}
