//! Size classes of slots: by 8 bytes up to 256, then eight to each doubling.

/// Returns the class whose slots hold an item of `size` bytes.
#[inline]
pub(super) const fn class_of(size: usize) -> u8 {
    if size <= 256 {
        // Steps of 8 from 32 on; smaller items share the first class.
        return if size <= 32 {
            0
        } else {
            ((size - 25) / 8) as u8
        };
    }
    // Eight steps for each doubling.
    let power = usize::BITS - 1 - (size - 1).leading_zeros();
    let step = (size - 1) >> (power - 3);
    (28 + (power as usize - 8) * 8 + (step - 8) + 1) as u8
}

/// Returns the bytes of a slot of `class`.
#[inline]
pub(super) const fn slot_size(class: u8) -> usize {
    let class = class as usize;
    if class <= 28 {
        32 + class * 8
    } else {
        let (power, step) = ((class - 29) / 8, (class - 29) % 8);
        (step + 9) << (power + 5)
    }
}
