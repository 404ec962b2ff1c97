//! Moves vectors: hidden states after a step, frames before it.

use super::word::halves;
#[cfg(not(elman_dsp))]
use super::word::halves_mut;

/// Copies `from` to the front of `to`, as far as both go, one after the other: small where it is rare.
#[inline(always)]
pub fn put<T: Copy>(to: &mut [T], from: &[T]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
}

/// Copies `from` to the front of `to`, as far as both go, fast.
#[inline(always)]
pub fn copy(to: &mut [u32], from: &[u32]) {
    copy_elements(to, halves(from));
}

/// Copies the elements of `from` to the front of a vector, as far as both go; how many.
#[inline(always)]
pub fn copy_elements(to: &mut [u32], from: &[i16]) -> usize {
    let from = from.get(..to.len().wrapping_mul(2)).unwrap_or(from);
    let n = from.len();
    #[cfg(not(elman_dsp))]
    put(halves_mut(to), from);
    // SAFETY: `elements` reads and writes n elements, which both slices have; they do not overlap, as one of them is borrowed
    // exclusively; it keeps all registers but those named.
    #[cfg(elman_dsp)]
    unsafe {
        core::arch::asm!(
            "bl {elements}",
            elements = sym elements,
            inlateout("r0") to.as_mut_ptr() => _, inlateout("r1") from.as_ptr() => _, inlateout("r2") n => _,
            out("r3") _, out("r12") _, out("lr") _,
        );
    }
    n
}

/// Copies r2 elements from r1 to r0, eight at a time, sixteen where a frame is aligned to words.
///
/// # Safety
/// Only [`copy_elements`] may call it, as reasoned there.
#[cfg(elman_dsp)]
#[unsafe(naked)]
unsafe extern "C" fn elements() {
    core::arch::naked_asm!(
        "push {{r4, r5, r6, r7, r8, r9, lr}}",
        "tst r1, #3",
        "bne 8f",
        "subs r2, #16",
        "blo 7f",
        "6:",
        "ldm r1!, {{r3, r4, r5, r6, r7, r8, r9, r12}}",
        "stm r0!, {{r3, r4, r5, r6, r7, r8, r9, r12}}",
        "subs r2, #16",
        "bhs 6b",
        "7:",
        "adds r2, #16",
        "beq 5f",
        "8:",
        "subs r2, #8",
        "blo 3f",
        "2:",
        "ldr r3, [r1], #4",
        "ldr r4, [r1], #4",
        "ldr r5, [r1], #4",
        "ldr r12, [r1], #4",
        "stm r0!, {{r3, r4, r5, r12}}",
        "subs r2, #8",
        "bhs 2b",
        "3:",
        "adds r2, #8",
        "beq 5f",
        "4:",
        "ldrh r3, [r1], #2",
        "subs r2, #1",
        "strh r3, [r0], #2",
        "bne 4b",
        "5:",
        "pop {{r4, r5, r6, r7, r8, r9, pc}}",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    #[test]
    fn every_length_and_alignment() {
        let source: Vec<i16> = (1..60).collect();
        for from in 0..3 {
            for n in 0..40 {
                for room in 0..20 {
                    let mut to = [u32::MAX; 20];
                    let frame = &source[from..from + n];
                    let copied = copy_elements(&mut to[..room], frame);
                    assert_eq!(copied, n.min(2 * room));
                    let to = crate::kernel::word::halves(&to);
                    assert_eq!(to[..copied], frame[..copied]);
                    assert!(to[copied..].iter().all(|x| *x == -1));
                }
            }
        }
    }
}
