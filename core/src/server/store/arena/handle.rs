//! How 32 bits name an item: a place in a page, or a large item.

use super::PAGE;

/// Bits of a handle that name the place in the page, in units of 8 bytes.
const PLACE_BITS: u32 = (PAGE / UNIT).trailing_zeros();
pub(super) const UNIT: usize = 8;
pub(super) const LARGE: u32 = 1 << 31;
/// Pages that a handle can name.
pub(super) const MAX_PAGES: usize = 1 << (31 - PLACE_BITS);

/// Names an item.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Handle(pub(crate) u32);

impl Handle {
    #[inline]
    pub(super) const fn in_page(page: usize, offset: usize) -> Self {
        Self(((page as u32) << PLACE_BITS) | (offset / UNIT) as u32)
    }

    #[inline]
    pub(super) const fn page(self) -> usize {
        (self.0 >> PLACE_BITS) as usize
    }

    #[inline]
    pub(super) const fn offset(self) -> usize {
        (self.0 & ((1 << PLACE_BITS) - 1)) as usize * UNIT
    }

    #[inline]
    pub(super) const fn large(self) -> Option<usize> {
        if self.0 & LARGE == 0 {
            None
        } else {
            Some((self.0 & !LARGE) as usize)
        }
    }
}
