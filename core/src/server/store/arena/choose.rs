//! What to give up: the hand of a class, and the oldest of a sample.

use super::handle::LARGE;
use super::sizes::{class_of, slot_size};
use super::{Arena, Handle, Item, PAGE};

/// What is cheapest to give up.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Victim {
    /// Every item of a page.
    Page(usize),
    /// One large item.
    Large(Handle),
}

impl Arena {
    /// Moves the hand of the class of `size` on to the next item in use; `None`
    /// when the class has none.
    pub(crate) fn advance_hand(&mut self, size: usize) -> Option<Handle> {
        let class_number = class_of(size);
        let slot_size = slot_size(class_number);
        let class = &mut self.classes[usize::from(class_number)];
        if class.items == 0 {
            return None;
        }
        loop {
            let (at, slot) = class.hand;
            let Some(&number) = class.pages.get(at) else {
                class.hand = (0, 0);
                continue;
            };
            let page = &self.pages[number as usize];
            if slot >= usize::from(page.opened) {
                class.hand = (at + 1, 0);
                continue;
            }
            class.hand.1 += 1;
            let offset = slot * slot_size;
            if !Item::new(&page.data[offset..]).is_free() {
                return Some(Handle::in_page(number as usize, offset));
            }
        }
    }

    /// Returns how many items the class of `size` has, and its slots per page.
    pub(crate) fn class_items(&self, size: usize) -> (usize, usize) {
        let class = class_of(size);
        (
            self.classes[usize::from(class)].items,
            PAGE / slot_size(class),
        )
    }

    /// Counts an eviction that the class of `size` has to make; true when it
    /// should look for memory elsewhere.
    pub(crate) fn is_time_to_look(&mut self, size: usize) -> bool {
        let class = &mut self.classes[usize::from(class_of(size))];
        class.wait = class.wait.saturating_sub(1);
        class.wait == 0
    }

    /// Says whether the class found memory elsewhere: then it looks again soon,
    /// else after twice the time, at most after `most` evictions.
    pub(crate) fn looked(&mut self, size: usize, found: bool, most: usize) {
        let class = &mut self.classes[usize::from(class_of(size))];
        class.last_wait = if found {
            1
        } else {
            (class.last_wait * 2).clamp(1, most)
        };
        class.wait = class.last_wait;
    }

    /// Whether the victim is a page of the class of `size`.
    pub(crate) fn is_of_class(&self, victim: Victim, size: usize) -> bool {
        matches!(victim, Victim::Page(number) if self.pages[number].class == class_of(size))
    }

    /// Picks, among a sample of pages and large items, what was not used for
    /// longest, and says for how many ticks. `spared` is never picked.
    pub(crate) fn oldest(&mut self, spared: Option<Handle>) -> Option<(Victim, u32)> {
        const SAMPLE: usize = 16;
        let mut best: Option<(Victim, u32)> = None;
        let mut consider = |victim, age| {
            if best.is_none_or(|(_, oldest)| age > oldest) {
                best = Some((victim, age));
            }
        };
        let spared_page = spared
            .filter(|handle| handle.large().is_none())
            .map(Handle::page);
        let (pages, larges) = (self.pages.len(), self.large.len());
        let all_pages = pages <= SAMPLE;
        for step in 0..pages.min(SAMPLE) {
            let mut number = if all_pages { step } else { self.below(pages) };
            // A vacant page is no answer; look a little further.
            for _ in 0..4 {
                if self.pages[number].data.is_empty() {
                    number = (number + 1) % pages;
                }
            }
            let page = &self.pages[number];
            if !page.data.is_empty() && Some(number) != spared_page {
                consider(Victim::Page(number), self.tick.wrapping_sub(page.touched));
            }
        }
        let all_larges = larges <= SAMPLE;
        for step in 0..larges.min(SAMPLE) {
            let mut at = if all_larges { step } else { self.below(larges) };
            for _ in 0..4 {
                if self.large[at].is_none() {
                    at = (at + 1) % larges;
                }
            }
            let handle = Handle(LARGE | at as u32);
            if let Some(large) = &self.large[at]
                && Some(handle) != spared
            {
                consider(Victim::Large(handle), self.tick.wrapping_sub(large.touched));
            }
        }
        best.or_else(|| self.any(spared, spared_page))
    }

    /// Finds something to evict where the samples met vacant places only, as they
    /// may when most of a large store has been given up.
    fn any(&self, spared: Option<Handle>, spared_page: Option<usize>) -> Option<(Victim, u32)> {
        let page = self
            .pages
            .iter()
            .enumerate()
            .find(|(number, page)| !page.data.is_empty() && Some(*number) != spared_page)
            .map(|(number, page)| {
                let age = self.tick.wrapping_sub(page.touched);
                (Victim::Page(number), age)
            });
        page.or_else(|| {
            self.large.iter().enumerate().find_map(|(at, large)| {
                let handle = Handle(LARGE | at as u32);
                let large = large.as_ref().filter(|_| Some(handle) != spared)?;
                let age = self.tick.wrapping_sub(large.touched);
                Some((Victim::Large(handle), age))
            })
        })
    }

    fn below(&mut self, bound: usize) -> usize {
        // xorshift: a sample needs no better dice.
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random % bound as u64) as usize
    }
}
