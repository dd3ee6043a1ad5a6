//! Slots, pages, walks and the choice of victims.

use super::super::item::Draft;
use super::*;

fn put(arena: &mut Arena, key: &[u8], length: usize) -> Handle {
    let draft = Draft {
        key,
        flags: 0,
        expires: 0,
        marks: 0,
    };
    let size = draft.size(length);
    let handle = if size > LARGEST_SLOT {
        arena.add_large(vec![0; size])
    } else {
        arena.take_slot(size).unwrap_or_else(|| {
            assert!(arena.add_page(size));
            arena.take_slot(size).unwrap()
        })
    };
    draft.write_head(arena.bytes_mut(handle), length, 1, 1);
    handle
}

#[test]
fn every_size_fits_its_slot_with_little_waste() {
    let mut previous = 0;
    for size in 22..=LARGEST_SLOT {
        let slot = slot_size(class_of(size));
        assert!(slot >= size, "{size} in {slot}");
        assert!(slot.is_multiple_of(UNIT));
        assert!(
            size <= 32 || slot - size < (size / 8).max(8),
            "{size} in {slot}"
        );
        assert!(slot >= previous);
        previous = slot;
    }
    assert_eq!(slot_size(class_of(LARGEST_SLOT)), LARGEST_SLOT);
}

#[test]
fn slots_are_reused_and_empty_pages_go_back() {
    let mut arena = Arena::new(1);
    let handles: Vec<_> = (0..2000u32)
        .map(|n| put(&mut arena, format!("key{n:04}").as_bytes(), 100))
        .collect();
    let full = arena.footprint();
    assert!(full > 3 * PAGE);
    for (n, handle) in handles.iter().enumerate() {
        assert_eq!(arena.item(*handle).key(), format!("key{n:04}").as_bytes());
    }
    for handle in handles {
        arena.release(handle);
    }
    assert_eq!(arena.footprint(), PAGE);
    for n in 0..2000u32 {
        put(&mut arena, format!("key{n:04}").as_bytes(), 100);
    }
    assert_eq!(arena.footprint(), full);
}

#[test]
fn a_walk_meets_each_item_once() {
    let mut arena = Arena::new(1);
    let mut put_in: Vec<_> = (0..300u32)
        .map(|n| put(&mut arena, b"k", (n * 67) as usize))
        .collect();
    let mut cursor = Cursor::default();
    let mut met = Vec::new();
    while let Some(handle) = arena.next(&mut cursor) {
        met.push(handle);
    }
    put_in.sort_by_key(|handle| handle.0);
    met.sort_by_key(|handle| handle.0);
    assert_eq!(met, put_in);
}

#[test]
fn the_oldest_is_the_least_recently_used() {
    let mut arena = Arena::new(1);
    let first = put(&mut arena, b"a", 20_000);
    let second = put(&mut arena, b"b", 20_000);
    let _third = put(&mut arena, b"c", 20_000);
    arena.bytes_mut(first);
    assert_eq!(
        arena.oldest(None).map(|(victim, _)| victim),
        Some(Victim::Large(second))
    );
    assert_ne!(
        arena.oldest(Some(second)).map(|(victim, _)| victim),
        Some(Victim::Large(second))
    );
}
