//! Memory of the caller: the only place where pointers of C become references.
//!
//! What C must keep to, as the header says: a pointer is null or points to as many elements as its length says, aligned as its
//! type; what it points to stays, unmoved, as long as what was made from it is used; and one thread at a time uses an object
//! that is not `const`.

use core::ffi::c_char;
use core::fmt::Write;
use core::mem::MaybeUninit;

/// A value in memory of the caller, after a mark by which one that was never made is found.
#[repr(C)]
struct Slot<T> {
    mark: usize,
    value: MaybeUninit<T>,
}

/// A struct of the header whose fields are private: words in which a value of Rust is.
///
/// # Safety
/// The type is `#[repr(C)]` and has nothing but an array of words.
pub(crate) unsafe trait Opaque: Sized {
    /// What is in it.
    type Value;
    /// Another number for each type, which memory by chance does not hold.
    const MARK: usize;

    /// That the value fits: the compiler's error where it does not.
    const FITS: () = assert!(
        size_of::<Slot<Self::Value>>() <= size_of::<Self>() && align_of::<Slot<Self::Value>>() <= align_of::<Self>()
    );

    /// Makes the value of `slot` in place: nothing of it is on the stack if the compiler can help it.
    fn put(&mut self, value: Self::Value) {
        let () = Self::FITS;
        let slot = core::ptr::from_mut(self).cast::<Slot<Self::Value>>();
        // SAFETY: FITS says that size and alignment are enough, and the reference is to memory of nobody else.
        unsafe { slot.write(Slot { mark: Self::MARK, value: MaybeUninit::new(value) }) }
    }

    /// Makes the value of `slot` field by field: `fill` gets memory that holds anything, and initialises all of it.
    ///
    /// # Safety
    /// `fill` initialises every field.
    unsafe fn fill(&mut self, fill: impl FnOnce(*mut Self::Value)) -> &mut Self::Value {
        let () = Self::FITS;
        let slot = core::ptr::from_mut(self).cast::<Slot<Self::Value>>();
        // SAFETY: as in `put`; the value is initialised before the mark says so.
        unsafe {
            fill((&raw mut (*slot).value).cast());
            (*slot).mark = Self::MARK;
            (*slot).value.assume_init_mut()
        }
    }

    /// Takes the mark away: what is in it is no value any more.
    fn clear(&mut self) {
        let () = Self::FITS;
        // SAFETY: as in `put`; a mark is a number, and any number is one.
        unsafe { core::ptr::from_mut(self).cast::<usize>().write(0) }
    }

    /// The value; none where it was never made.
    #[inline(always)]
    fn get(&self) -> Option<&Self::Value> {
        let () = Self::FITS;
        // SAFETY: as in `put`; the memory is initialised, because C gives no other, and the value is only read after the mark.
        let slot = unsafe { &*core::ptr::from_ref(self).cast::<Slot<Self::Value>>() };
        // SAFETY: only `put` writes the mark, together with the value.
        (slot.mark == Self::MARK).then(|| unsafe { slot.value.assume_init_ref() })
    }

    /// The value, to change it.
    #[inline(always)]
    fn get_mut(&mut self) -> Option<&mut Self::Value> {
        let () = Self::FITS;
        // SAFETY: as in `get`, and the reference is exclusive.
        let slot = unsafe { &mut *core::ptr::from_mut(self).cast::<Slot<Self::Value>>() };
        // SAFETY: only `put` writes the mark, together with the value.
        (slot.mark == Self::MARK).then(|| unsafe { slot.value.assume_init_mut() })
    }
}

/// Elements of the caller; none where the pointer is null and there should be some, or it is not aligned.
///
/// # Safety
/// C keeps to what this module's head says.
#[inline(always)]
pub(crate) unsafe fn slice<T>(pointer: *const T, length: usize) -> Option<&'static [T]> {
    if length == 0 {
        return Some(&[]);
    }
    if pointer.is_null() || !pointer.is_aligned() {
        return None;
    }
    // SAFETY: neither null nor misaligned; that as many elements are there, and stay, is the caller's promise.
    Some(unsafe { core::slice::from_raw_parts(pointer, length) })
}

/// [`slice`], to write.
///
/// # Safety
/// As [`slice`], and nobody else uses the elements meanwhile.
#[inline(always)]
pub(crate) unsafe fn slice_mut<T>(pointer: *mut T, length: usize) -> Option<&'static mut [T]> {
    if length == 0 {
        return Some(&mut []);
    }
    if pointer.is_null() || !pointer.is_aligned() {
        return None;
    }
    // SAFETY: as in `slice`.
    Some(unsafe { core::slice::from_raw_parts_mut(pointer, length) })
}

/// The object for as long as it is used.
///
/// # Safety
/// C keeps it unmoved as long as what refers to it is used.
#[inline(always)]
pub(crate) unsafe fn stays<T: ?Sized>(object: &T) -> &'static T {
    // SAFETY: it stays, as the caller says.
    unsafe { &*core::ptr::from_ref(object) }
}

/// [`stays`], to change it.
///
/// # Safety
/// As [`stays`], and nobody else uses it meanwhile.
#[inline(always)]
pub(crate) unsafe fn stays_mut<T>(object: &mut T) -> &'static mut T {
    // SAFETY: it stays, as the caller says.
    unsafe { &mut *core::ptr::from_mut(object) }
}

/// Text that goes into memory of the caller as it is written; what does not fit is only counted.
pub(crate) struct Writer {
    to: &'static mut [u8],
    length: usize,
}

impl Writer {
    /// Into a buffer of `size` bytes.
    ///
    /// # Safety
    /// As [`slice_mut`].
    pub(crate) unsafe fn new(buffer: *mut c_char, size: usize) -> Self {
        // SAFETY: the caller's promise; characters and bytes are of one size.
        Writer { to: unsafe { slice_mut(buffer.cast::<u8>(), size) }.unwrap_or_default(), length: 0 }
    }

    /// Writes the last text and a NUL; the bytes of all text without the NUL.
    pub(crate) fn end(mut self, text: &str) -> usize {
        let _ = self.write_str(text);
        let last = self.length.min(self.to.len().saturating_sub(1));
        if let Some(end) = self.to.get_mut(last) {
            *end = 0;
        }
        self.length
    }
}

impl Write for Writer {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        let rest = self.to.get_mut(self.length..).unwrap_or_default();
        for (to, byte) in rest.iter_mut().zip(text.bytes()) {
            *to = byte;
        }
        self.length = self.length.wrapping_add(text.len());
        Ok(())
    }
}
