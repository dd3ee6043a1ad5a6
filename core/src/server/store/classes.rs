//! The slab classes that are reported, computed as memcached does.
//!
//! Nothing is slabbed by them: they only group items in statistics, dumps and
//! watch lines, by the size that memcached would need for the same item.

/// Largest number of a class, exclusive.
pub(crate) const CLASSES: usize = 64;

/// Bytes of memcached's own item head.
const ITEM_HEAD: usize = 48;
/// Bytes of the page that memcached cuts into chunks.
pub(crate) const SLAB_PAGE: usize = 1 << 20;
const ALIGN: usize = 8;
/// Sizes up to here are looked up in a table.
const TABLE_LIMIT: usize = 2 << 10;

/// Sizes of the reported slab classes; class 0 means too large.
pub(crate) struct SlabClasses {
    /// Chunk size by class, from class 1 on.
    sizes: Vec<usize>,
    /// Class by size / 8 for small sizes.
    table: Box<[u8]>,
    largest_item: usize,
    with_cas: usize,
}

impl SlabClasses {
    pub(crate) fn new(factor: f64, chunk_size: u32, largest_item: u32, cas: bool) -> Self {
        let largest_item = largest_item as usize;
        let largest_chunk = SLAB_PAGE / 2;
        let mut sizes = Vec::new();
        let mut size = ITEM_HEAD + chunk_size as usize;
        while sizes.len() < CLASSES - 2 && (size as f64) < largest_chunk as f64 / factor {
            size = size.next_multiple_of(ALIGN);
            sizes.push(size);
            size = (size as f64 * factor) as usize;
        }
        sizes.push(largest_chunk);
        let class = |size| {
            let below = sizes.partition_point(|chunk| *chunk < size);
            (below.min(sizes.len() - 1) + 1) as u8
        };
        let table = (0..=TABLE_LIMIT / ALIGN)
            .map(|n| class(n * ALIGN))
            .collect();
        Self {
            sizes,
            table,
            largest_item,
            with_cas: if cas { 8 } else { 0 },
        }
    }

    /// Returns the bytes that memcached takes for an item.
    #[inline]
    pub(crate) const fn item_size(&self, key: usize, flags: u32, length: usize) -> usize {
        let flags = if flags == 0 { 0 } else { 4 };
        ITEM_HEAD + key + 1 + flags + length + 2 + self.with_cas
    }

    /// Returns the class for `size` bytes, 0 when no item may be so large.
    #[inline]
    pub(crate) fn class(&self, size: usize) -> usize {
        if size <= TABLE_LIMIT {
            return usize::from(self.table[size.div_ceil(ALIGN)]);
        }
        if size > self.largest_item {
            return 0;
        }
        let below = self.sizes.partition_point(|chunk| *chunk < size);
        below.min(self.sizes.len() - 1) + 1
    }

    /// Returns the chunk size of `class`, from 1 on.
    pub(crate) fn chunk(&self, class: usize) -> usize {
        self.sizes[class - 1]
    }

    /// Returns the number of the largest class.
    pub(crate) fn largest(&self) -> usize {
        self.sizes.len()
    }

    /// Returns the largest chunk; memcached chains several for larger items.
    pub(crate) fn largest_chunk(&self) -> usize {
        self.sizes[self.sizes.len() - 1]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_those_that_memcached_prints() {
        // `memcached -vv`: slab class 1: chunk size 96, 2: 120, 3: 152, 4: 192 …
        // 39: chunk size 524288.
        let classes = SlabClasses::new(1.25, 48, 1 << 20, true);
        let first: Vec<_> = (1..=8).map(|class| classes.chunk(class)).collect();
        assert_eq!(first, [96, 120, 152, 192, 240, 304, 384, 480]);
        assert_eq!((classes.largest(), classes.chunk(39)), (39, 524_288));
    }

    #[test]
    fn an_item_of_memcached_is_69_bytes_for_foo_bar_with_flags() {
        // `lru_crawler metadump` of 1.6.45 after `set foo 5 0 3`.
        let classes = SlabClasses::new(1.25, 48, 1 << 20, true);
        assert_eq!(classes.item_size(3, 5, 3), 69);
        assert_eq!(classes.class(69), 1);
    }

    #[test]
    fn table_and_search_agree() {
        let classes = SlabClasses::new(1.25, 48, 1 << 20, true);
        for size in 1..TABLE_LIMIT * 2 {
            let class = classes.class(size);
            assert!(classes.chunk(class) >= size);
            assert!(class == 1 || classes.chunk(class - 1) < size);
        }
        assert_eq!(classes.class(600_000), 39);
        assert_eq!(classes.class((1 << 20) + 1), 0);
    }
}
