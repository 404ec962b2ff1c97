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

/// Moves all elements of a vector but the first `by` to its front. An odd last element is the front half of its word.
#[inline(always)]
pub fn slide(vector: &mut [u32], by: usize) {
    #[cfg(elman_dsp)]
    {
        let to = vector.as_mut_ptr();
        let n = vector.len().wrapping_mul(2).saturating_sub(by);
        // SAFETY: `elements` reads and writes n elements, which the vector has from `by` and from 0 on. It goes upwards and
        // reads what it writes next, at most eight words, before that, so that what is not yet read stands.
        unsafe {
            core::arch::asm!(
                "bl {elements}",
                elements = sym elements,
                inlateout("r0") to => _, inlateout("r1") to.cast::<i16>().wrapping_add(by) => _, inlateout("r2") n => _,
                out("r3") _, out("r12") _, out("lr") _,
            );
        }
    }
    #[cfg(not(elman_dsp))]
    if by.is_multiple_of(2) {
        move_down(vector, by / 2);
    } else {
        move_down(halves_mut(vector), by);
    }
}

#[cfg(not(elman_dsp))]
fn move_down<T: Copy>(vector: &mut [T], by: usize) {
    let cells = core::cell::Cell::from_mut(vector).as_slice_of_cells();
    for (to, from) in cells.iter().zip(cells.iter().skip(by)) {
        to.set(from.get());
    }
}

/// Copies r2 elements from r1 to r0, eight at a time, sixteen where a frame is aligned to words.
///
/// # Safety
/// Only [`copy_elements`] and [`slide`] may call it, as reasoned there.
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
    fn slides_by_any_number() {
        for by in 0..70 {
            let mut vector: Vec<u32> = (0..32).map(|k| (2 * k) | (2 * k + 1) << 16).collect();
            slide(&mut vector, by);
            let kept = 64usize.saturating_sub(by);
            let moved: Vec<i16> = crate::kernel::word::halves(&vector)[..kept].to_vec();
            assert_eq!(moved, (by as i16..).take(kept).collect::<Vec<i16>>(), "{by}");
        }
    }

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
