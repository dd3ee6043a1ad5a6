//! Where items live: pages of equal slots for small ones, a buffer each for
//! large ones.
//!
//! A page belongs to one size class at a time and goes back when its last slot
//! is freed. Slot sizes rise in steps of at most an eighth, so little is lost in
//! a slot. A handle of 32 bits names an item. Each page and each large item
//! remembers the tick at which it was last used; the store's eviction works from
//! that. The arena knows nothing of time, keys or limits.

mod choose;
mod handle;
mod sizes;

pub(crate) use self::choose::Victim;
pub(crate) use self::handle::Handle;
use self::handle::{LARGE, MAX_PAGES, UNIT};
use self::sizes::{class_of, slot_size};
use super::item::{self, Item};

/// Bytes of a page.
pub(crate) const PAGE: usize = 64 << 10;
/// Largest item that lives in a page.
pub(crate) const LARGEST_SLOT: usize = 8 << 10;

const NONE: u16 = u16::MAX;
const NOWHERE: u32 = u32::MAX;
/// Bookkeeping of a large item, roughly: its entry and the allocator's header.
const LARGE_OVERHEAD: usize = 64;

struct Page {
    data: Box<[u8]>,
    /// Tick of the last use of any item here.
    touched: u32,
    /// Where this page stands in its class's list of pages with room.
    roomy_at: u32,
    /// Where this page stands in its class's list of pages.
    at: u32,
    /// Slots in use.
    used: u16,
    /// First slot of the free chain, in units.
    free: u16,
    /// Slots that were used at least once.
    opened: u16,
    class: u8,
}

#[derive(Default)]
struct Class {
    pages: Vec<u32>,
    /// Pages with a free slot.
    roomy: Vec<u32>,
    /// The eviction hand: place in `pages`, slot.
    hand: (usize, usize),
    items: usize,
    /// Evictions until memory is looked for elsewhere again.
    wait: usize,
    /// The last such wait.
    last_wait: usize,
}

struct Large {
    bytes: Vec<u8>,
    touched: u32,
}

/// Where a walk over all items stands.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cursor {
    page: usize,
    slot: usize,
    large: usize,
}

/// See the [module docs](self).
pub(crate) struct Arena {
    pages: Vec<Page>,
    vacant_pages: Vec<u32>,
    classes: Vec<Class>,
    large: Vec<Option<Large>>,
    vacant_large: Vec<u32>,
    large_bytes: usize,
    live_pages: usize,
    tick: u32,
    random: u64,
}

impl Arena {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            pages: Vec::new(),
            vacant_pages: Vec::new(),
            classes: (0..=usize::from(class_of(LARGEST_SLOT)))
                .map(|_| Class::default())
                .collect(),
            large: Vec::new(),
            vacant_large: Vec::new(),
            large_bytes: 0,
            live_pages: 0,
            tick: 0,
            random: seed | 1,
        }
    }

    /// Returns the item's bytes; they may go on behind it.
    #[inline]
    pub(crate) fn bytes(&self, handle: Handle) -> &[u8] {
        match handle.large() {
            None => &self.pages[handle.page()].data[handle.offset()..],
            Some(at) => &self.large_entry(at).bytes,
        }
    }

    /// Returns the item.
    #[inline]
    pub(crate) fn item(&self, handle: Handle) -> Item<'_> {
        Item::new(self.bytes(handle))
    }

    /// Returns the item's bytes for writing and notes the use.
    #[inline]
    pub(crate) fn bytes_mut(&mut self, handle: Handle) -> &mut [u8] {
        match handle.large() {
            None => {
                let page = &mut self.pages[handle.page()];
                page.touched = self.tick;
                &mut page.data[handle.offset()..]
            }
            Some(at) => {
                let large = self.large[at]
                    .as_mut()
                    .expect("a handle in use names an item");
                large.touched = self.tick;
                &mut large.bytes
            }
        }
    }

    fn large_entry(&self, at: usize) -> &Large {
        self.large[at]
            .as_ref()
            .expect("a handle in use names an item")
    }

    /// Bytes taken from the system for items.
    pub(crate) fn footprint(&self) -> usize {
        self.live_pages * PAGE + self.large_bytes
    }

    /// Bytes that an item of `size` would take if nothing were free.
    pub(crate) fn cost(size: usize) -> usize {
        if size > LARGEST_SLOT {
            size + LARGE_OVERHEAD
        } else {
            PAGE
        }
    }

    /// Whether an item of `size` bytes fits in the very slot of `handle`.
    #[inline]
    pub(crate) fn fits_same_slot(&self, handle: Handle, size: usize) -> bool {
        handle.large().is_none()
            && size <= LARGEST_SLOT
            && class_of(size) == self.pages[handle.page()].class
    }

    /// Takes a free slot for an item of `size` bytes, which must be at most
    /// [`LARGEST_SLOT`]; `None` when the class has none.
    #[inline]
    pub(crate) fn take_slot(&mut self, size: usize) -> Option<Handle> {
        self.tick = self.tick.wrapping_add(1);
        let class_number = class_of(size);
        let class = &mut self.classes[usize::from(class_number)];
        let number = *class.roomy.last()? as usize;
        let page = &mut self.pages[number];
        let slot_size = slot_size(class_number);
        let offset = if page.free == NONE {
            let offset = usize::from(page.opened) * slot_size;
            page.opened += 1;
            offset
        } else {
            let offset = usize::from(page.free) * UNIT;
            page.free = u16::from_le_bytes([page.data[offset], page.data[offset + 1]]);
            offset
        };
        page.used += 1;
        page.touched = self.tick;
        class.items += 1;
        if page.free == NONE && usize::from(page.opened) == PAGE / slot_size {
            page.roomy_at = NOWHERE;
            class.roomy.pop();
        }
        Some(Handle::in_page(number, offset))
    }

    /// Adds a page to the class of `size`; false when handles cannot name more.
    pub(crate) fn add_page(&mut self, size: usize) -> bool {
        let class_number = class_of(size);
        let number = match self.vacant_pages.pop() {
            Some(number) => number as usize,
            None if self.pages.len() < MAX_PAGES => self.pages.len(),
            None => return false,
        };
        let class = &mut self.classes[usize::from(class_number)];
        let page = Page {
            data: vec![0; PAGE].into_boxed_slice(),
            touched: self.tick,
            roomy_at: class.roomy.len() as u32,
            at: class.pages.len() as u32,
            used: 0,
            free: NONE,
            opened: 0,
            class: class_number,
        };
        class.roomy.push(number as u32);
        class.pages.push(number as u32);
        if number == self.pages.len() {
            self.pages.push(page);
        } else {
            self.pages[number] = page;
        }
        self.live_pages += 1;
        true
    }

    /// Keeps a large item, built elsewhere.
    pub(crate) fn add_large(&mut self, bytes: Vec<u8>) -> Handle {
        self.tick = self.tick.wrapping_add(1);
        self.large_bytes += bytes.capacity() + LARGE_OVERHEAD;
        let entry = Some(Large {
            bytes,
            touched: self.tick,
        });
        let at = if let Some(at) = self.vacant_large.pop() {
            self.large[at as usize] = entry;
            at
        } else {
            self.large.push(entry);
            (self.large.len() - 1) as u32
        };
        Handle(LARGE | at)
    }

    /// Frees the item's room.
    pub(crate) fn release(&mut self, handle: Handle) {
        if let Some(at) = handle.large() {
            let gone = self.large[at]
                .take()
                .expect("a handle in use names an item");
            self.large_bytes -= gone.bytes.capacity() + LARGE_OVERHEAD;
            self.vacant_large.push(at as u32);
            return;
        }
        let number = handle.page();
        let offset = handle.offset();
        let page = &mut self.pages[number];
        let class = &mut self.classes[usize::from(page.class)];
        item::set_free(&mut page.data[offset..]);
        page.data[offset..offset + 2].copy_from_slice(&page.free.to_le_bytes());
        page.free = (offset / UNIT) as u16;
        page.used -= 1;
        class.items -= 1;
        if page.roomy_at == NOWHERE {
            page.roomy_at = class.roomy.len() as u32;
            class.roomy.push(number as u32);
        }
        if page.used == 0 && class.roomy.len() > 1 {
            self.drop_page(number);
        }
    }

    /// Gives back an empty page.
    fn drop_page(&mut self, number: usize) {
        let page = &mut self.pages[number];
        page.data = Box::default();
        let (class, roomy_at, at) = (usize::from(page.class), page.roomy_at, page.at);
        let class = &mut self.classes[class];
        class.roomy.swap_remove(roomy_at as usize);
        class.pages.swap_remove(at as usize);
        if let Some(&moved) = class.roomy.get(roomy_at as usize) {
            self.pages[moved as usize].roomy_at = roomy_at;
        }
        if let Some(&moved) = class.pages.get(at as usize) {
            self.pages[moved as usize].at = at;
        }
        self.vacant_pages.push(number as u32);
        self.live_pages -= 1;
    }

    /// Gives back `number` if it is empty although its class keeps one in hand.
    pub(crate) fn drop_if_empty(&mut self, number: usize) {
        let page = &self.pages[number];
        if page.used == 0 && !page.data.is_empty() {
            self.drop_page(number);
        }
    }

    /// Clears marks of a small item without counting that as a use.
    pub(crate) fn clear_marks(&mut self, handle: Handle, marks: u8) {
        let bytes = &mut self.pages[handle.page()].data[handle.offset()..];
        let left = Item::new(bytes).marks() & !marks;
        item::set_marks(bytes, left);
    }

    /// Returns the items in use of a page.
    pub(crate) fn page_items(&self, number: usize) -> Vec<Handle> {
        let page = &self.pages[number];
        let size = slot_size(page.class);
        (0..usize::from(page.opened))
            .map(|slot| slot * size)
            .filter(|offset| !Item::new(&page.data[*offset..]).is_free())
            .map(|offset| Handle::in_page(number, offset))
            .collect()
    }

    /// Returns the next item of a walk; items stored or moved meanwhile may be
    /// missed or, if they moved, met again.
    pub(crate) fn next(&self, cursor: &mut Cursor) -> Option<Handle> {
        while let Some(page) = self.pages.get(cursor.page) {
            let size = slot_size(page.class);
            while !page.data.is_empty() && cursor.slot < usize::from(page.opened) {
                let offset = cursor.slot * size;
                cursor.slot += 1;
                if !Item::new(&page.data[offset..]).is_free() {
                    return Some(Handle::in_page(cursor.page, offset));
                }
            }
            cursor.page += 1;
            cursor.slot = 0;
        }
        while let Some(large) = self.large.get(cursor.large) {
            let handle = Handle(LARGE | cursor.large as u32);
            cursor.large += 1;
            if large.is_some() {
                return Some(handle);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests;
