//! A ring of points and a fast way to find the owner of a position.

/// A position on a ring.
pub(crate) trait Point: Copy + Ord {
    /// Whether the uppermost 32 bits are all there is.
    const IS_TOP: bool;

    /// Returns the uppermost 32 bits.
    fn top(self) -> u32;
    /// Returns the position before this one; before the first is the last.
    fn previous(self) -> Self;
    /// Returns the position after this one; after the last is the first.
    fn next(self) -> Self;
}

impl Point for u32 {
    const IS_TOP: bool = true;

    #[inline]
    fn top(self) -> u32 {
        self
    }

    fn previous(self) -> Self {
        self.wrapping_sub(1)
    }

    fn next(self) -> Self {
        self.wrapping_add(1)
    }
}

impl Point for u128 {
    const IS_TOP: bool = false;

    #[inline]
    fn top(self) -> u32 {
        (self >> 96) as u32
    }

    fn previous(self) -> Self {
        self.wrapping_sub(1)
    }

    fn next(self) -> Self {
        self.wrapping_add(1)
    }
}

/// Which point a position belongs to, and who owns a point claimed twice.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Rule {
    /// The first point after it; the last claim counts.
    After,
    /// The first point at or after it; the first claim counts.
    AtOrAfter,
    /// The last point at or before it; the last claim counts.
    AtOrBefore,
}

/// Points in order, each owned by a node, closed to a circle.
///
/// Whatever the rule, each arc is kept by its last position, so that a search
/// is always for the first end at or after a position.
///
/// A table over the top bits of the position, eight entries or more for each
/// point (four at 16,000 points), makes most searches one comparison, and one
/// without a branch that a processor would have to guess: points are hashes, so
/// a guess about them is often wrong, and that costs more than all the rest.
/// Where several arcs end within an entry, one or two more steps find the owner;
/// where points are not spread evenly, a binary search takes over.
#[derive(Clone, Debug)]
pub(crate) struct Ring<P> {
    ends: Box<[End<P>]>,
    table: Box<[Entry]>,
    shift: u32,
    rule: Rule,
}

/// The last position of an arc.
#[derive(Clone, Copy, Debug)]
struct End<P> {
    value: P,
    owner: u32,
}

/// What is known of all positions with the same top bits, in one word.
///
/// The lower half is the top of the one position at which an arc ends, if any
/// does. Above it are the owner of positions up to there, and the owner of those
/// after it, 16 bits each. When both are [`SEARCH`], the lower half is the index
/// of the first arc that ends here.
#[derive(Clone, Copy, Debug)]
struct Entry(u64);

impl Entry {
    fn new(end: u32, [before, after]: [u16; 2]) -> Self {
        Self(u64::from(end) | u64::from(before) << 32 | u64::from(after) << 48)
    }

    fn end(self) -> u32 {
        self.0 as u32
    }

    /// Returns the owner of a position, by its top.
    #[inline]
    fn owner(self, top: u32) -> u16 {
        let owners = (self.0 >> 32) as u32;
        (owners >> (u32::from(top > self.end()) << 4)) as u16
    }
}

/// Stands for owners where more than one arc ends, or whose number is too large.
const SEARCH: u16 = u16::MAX;

/// Caps the table at half a megabyte.
const MAX_BITS: u32 = 16;

impl<P: Point> Ring<P> {
    /// Builds the ring from points in the order in which the client adds them.
    pub(crate) fn new(points: Vec<(P, u32)>, rule: Rule) -> Self {
        let mut claims = points;
        claims.sort_by_key(|(value, _)| *value);
        let mut points: Vec<End<P>> = Vec::with_capacity(claims.len());
        for (value, owner) in claims {
            match points.last_mut() {
                Some(last) if last.value == value => {
                    if rule != Rule::AtOrAfter {
                        last.owner = owner;
                    }
                }
                _ => points.push(End { value, owner }),
            }
        }
        if rule == Rule::AtOrBefore {
            // The arc that ends before a point belongs to the point before it.
            let owners: Vec<u32> = points.iter().map(|point| point.owner).collect();
            let before = owners.iter().cycle().skip(owners.len().saturating_sub(1));
            for (point, owner) in points.iter_mut().zip(before) {
                point.owner = *owner;
            }
        }
        if rule != Rule::AtOrAfter {
            points
                .iter_mut()
                .for_each(|point| point.value = point.value.previous());
            points.sort_by_key(|point| point.value);
        }
        Self::indexed(points, rule)
    }

    fn indexed(ends: Vec<End<P>>, rule: Rule) -> Self {
        let wanted = (8 * ends.len().max(1)).next_power_of_two().ilog2();
        let bits = wanted.min(MAX_BITS);
        let shift = 32 - bits;
        let mut at = 0;
        let table = (0..1u32 << bits).map(|entry| {
            let first = at;
            let here = |end: &End<P>| end.value.top() >> shift == entry;
            at += ends[first..].iter().take_while(|end| here(end)).count();
            let owner = |at: usize| {
                let end = ends.get(at).unwrap_or(&ends[0]);
                u16::try_from(end.owner).unwrap_or(SEARCH)
            };
            let (end, owners) = match at - first {
                0 => (u32::MAX, [owner(at); 2]),
                1 => (ends[first].value.top(), [owner(first), owner(at)]),
                _ => (0, [SEARCH; 2]),
            };
            if owners.contains(&SEARCH) {
                return Entry::new(first as u32, [SEARCH; 2]);
            }
            Entry::new(end, owners)
        });
        let table = if ends.is_empty() {
            Box::default()
        } else {
            table.collect()
        };
        Self {
            table,
            ends: ends.into(),
            shift,
            rule,
        }
    }

    /// Returns how many distinct points there are.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Returns the owner of a position; only an empty ring has none.
    #[inline]
    pub(crate) fn owner(&self, position: P) -> Option<usize> {
        let top = position.top();
        let entry = *self.table.get((top >> self.shift) as usize)?;
        let owner = entry.owner(top);
        if owner == SEARCH || (!P::IS_TOP && top == entry.end()) {
            return self.search(entry, position);
        }
        Some(owner.into())
    }

    /// Returns the owner of a position that its entry leaves open.
    #[cold]
    fn search(&self, entry: Entry, position: P) -> Option<usize> {
        if entry.owner(0) == SEARCH {
            return self.owner_from(entry.end() as usize, position);
        }
        self.owner_at(self.index(position))
    }

    /// Returns the owner of a position; no arc before `at` reaches it.
    fn owner_from(&self, at: usize, position: P) -> Option<usize> {
        const FEW: usize = 16;
        let ends = &self.ends[at..];
        let near = ends.iter().take(FEW).position(|end| end.value >= position);
        let step = near.unwrap_or_else(|| ends.partition_point(|end| end.value < position));
        self.owner_at(at + step)
    }

    /// Returns the index of the arc that a position lies on.
    pub(crate) fn index(&self, position: P) -> usize {
        let at = self.ends.partition_point(|end| end.value < position);
        if at == self.ends.len() { 0 } else { at }
    }

    /// Returns the point that the owner of a position has there; only an empty
    /// ring has none.
    pub(crate) fn point(&self, position: P) -> Option<P> {
        let at = self.index(position);
        let end = |at: usize| self.ends.get(at).map(|end| end.value);
        match self.rule {
            Rule::AtOrAfter => end(at),
            Rule::After => end(at).map(P::next),
            // It begins where the arc before it ends.
            Rule::AtOrBefore => {
                end(at.checked_sub(1).unwrap_or(self.len().checked_sub(1)?)).map(P::next)
            }
        }
    }

    /// Returns the owner of an arc; the one after the last is the first.
    pub(crate) fn owner_at(&self, index: usize) -> Option<usize> {
        let end = self.ends.get(index).or_else(|| self.ends.first())?;
        Some(end.owner as usize)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn points() -> impl Strategy<Value = Vec<u32>> {
        let spread = proptest::collection::vec(any::<u32>(), 1..200);
        let crowded = proptest::collection::vec(0u32..300, 1..200);
        let edges =
            proptest::collection::vec(prop_oneof![Just(0), Just(u32::MAX), any::<u32>()], 1..8);
        prop_oneof![spread, crowded, edges]
    }

    /// Point and owner by the words of the rule, from an unsorted list of claims.
    fn wanted(claims: &[(u32, usize)], rule: Rule, position: u32) -> Option<(u32, usize)> {
        let first = claims.iter().min_by_key(|(value, owner)| (*value, *owner));
        let last = claims.iter().max();
        let found = match rule {
            Rule::AtOrAfter => {
                let after = claims.iter().filter(|(value, _)| *value >= position);
                after
                    .min_by_key(|(value, owner)| (*value, *owner))
                    .or(first)
            }
            Rule::After => {
                let smallest = |claims: Vec<&(u32, usize)>| claims.iter().map(|(v, _)| *v).min();
                let after = claims
                    .iter()
                    .filter(|(value, _)| *value > position)
                    .collect();
                let value = smallest(after).or_else(|| smallest(claims.iter().collect()))?;
                claims.iter().rfind(|claim| claim.0 == value)
            }
            Rule::AtOrBefore => {
                let before = claims.iter().filter(|(value, _)| *value <= position);
                before.max().or(last)
            }
        };
        found.copied()
    }

    proptest! {
        #[test]
        fn each_rule_finds_what_its_words_say(points in points(), random: u32, near in 0u32..310) {
            let claims: Vec<(u32, usize)> = points.iter().copied().zip(0..).collect();
            let owned: Vec<(u32, u32)> = points.iter().copied().zip(0..).collect();
            for rule in [Rule::After, Rule::AtOrAfter, Rule::AtOrBefore] {
                let ring = Ring::new(owned.clone(), rule);
                let on = points[0];
                for position in [random, near, on, on.wrapping_add(1), on.wrapping_sub(1), 0, u32::MAX] {
                    let (point, owner) = wanted(&claims, rule, position).expect("there are points");
                    prop_assert_eq!(ring.owner(position), Some(owner), "{:?} {}", rule, position);
                    prop_assert_eq!(ring.owner_at(ring.index(position)), Some(owner));
                    prop_assert_eq!(ring.point(position), Some(point), "{:?} {}", rule, position);
                }
            }
        }
    }

    #[test]
    fn a_number_too_large_for_the_table_is_found_all_the_same() {
        let numbers = [u32::from(u16::MAX) - 1, u32::from(u16::MAX), u32::MAX];
        let spots = numbers.map(|number| (number.wrapping_mul(0x9e37_79b9), number));
        let ring = Ring::new(spots.into(), Rule::AtOrAfter);
        for (point, number) in spots {
            assert_eq!(ring.owner(point), Some(number as usize));
        }
    }

    #[test]
    fn positions_that_differ_in_the_lower_bits_only_are_told_apart() {
        let spots = [(5 << 96 | 7, 1), (9 << 96, 2)];
        let ring = Ring::<u128>::new(spots.into(), Rule::AtOrAfter);
        let owners = [5 << 96 | 6, 5 << 96 | 7, 5 << 96 | 8].map(|at| ring.owner(at));
        assert_eq!(owners, [Some(1), Some(1), Some(2)]);
    }

    #[test]
    fn an_empty_ring_has_no_owner() {
        let ring = Ring::<u32>::new(Vec::new(), Rule::AtOrAfter);
        assert_eq!(ring.owner(7), None);
        assert_eq!(ring.owner_at(ring.index(7)), None);
        assert_eq!(ring.point(7), None);
    }
}
