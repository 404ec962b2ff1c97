//! Static memory that exports change: the only place where a static becomes an exclusive reference.
//!
//! An instance of the module has one thread, which leaves an export before it enters the next one, and no export calls another. So
//! a reference that ends with the export that made it is the only one.

use core::cell::UnsafeCell;

/// A static that is changed.
pub(crate) struct Place<T>(UnsafeCell<T>);

// SAFETY: the module is built without threads (no shared memory), so nothing is ever used from two of them.
unsafe impl<T> Sync for Place<T> {}

impl<T> Place<T> {
    /// A place with its first value.
    pub(crate) const fn new(value: T) -> Self {
        Place(UnsafeCell::new(value))
    }

    /// What is in it.
    ///
    /// # Safety
    /// No reference to it from an earlier call is used any more.
    #[inline(always)]
    #[expect(clippy::mut_from_ref, reason = "the caller says that it is the only one")]
    pub(crate) unsafe fn get(&'static self) -> &'static mut T {
        // SAFETY: the pointer is a static's; the caller says that nobody else refers to it.
        unsafe { &mut *self.0.get() }
    }

    /// Its address, for the page.
    pub(crate) fn address(&'static self) -> *mut T {
        self.0.get()
    }
}
