//! A ring of points and a fast way to find the owner of a position.

use std::sync::Arc;

/// A position on a ring.
pub(crate) trait Point: Copy + Ord {
    /// Returns the uppermost 32 bits.
    fn top(self) -> u32;
    /// Returns the position before this one; before the first is the last.
    fn previous(self) -> Self;
    /// Returns the position after this one; after the last is the first.
    fn next(self) -> Self;
}

impl Point for u32 {
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
/// is always for the first end at or after a position. A [`Table`] answers
/// nearly all of them. For the others, and with more nodes than a table can
/// number, an index tells where to begin, one or two steps before the owner;
/// where points are not spread evenly, a binary search takes over.
#[derive(Clone, Debug)]
pub(crate) struct Ring<P> {
    ends: Box<[End<P>]>,
    /// For each value of a position's top bits, the first arc that ends there or
    /// after.
    starts: Box<[u32]>,
    starts_shift: u32,
    table: Table,
    rule: Rule,
}

/// The last position of an arc.
#[derive(Clone, Copy, Debug)]
struct End<P> {
    value: P,
    owner: u32,
}

/// The owners of positions, by the top bits of these.
///
/// One byte says it all: who owns every position with these top bits, or that
/// it is not the same node for all of them. There are so many entries for each
/// point that this is rare; a processor guesses that branch right, where one
/// that compares a hash with a point is a toss of a coin.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    owners: Arc<[u8]>,
    shift: u32,
}

impl Table {
    fn new<P: Point>(ends: &[End<P>]) -> Self {
        let numbered = |end: &End<P>| end.owner < SEARCH.into();
        if ends.is_empty() || !ends.iter().all(numbered) {
            return Self::default();
        }
        let shift = shift(64 * ends.len(), MAX_TABLE_BITS);
        let entries = std::iter::repeat_n(SEARCH, 1 << (32 - shift));
        let mut table: Arc<[u8]> = entries.collect();
        let owners = Arc::get_mut(&mut table).expect("nobody else has it yet");
        let next = ends.iter().cycle().skip(1);
        let borders = ends.iter().zip(next);
        let borders = borders.filter(|(end, next)| end.owner != next.owner);
        let mut clear = 0;
        for (border, _) in borders {
            let entry = (border.value.top() >> shift) as usize;
            if clear <= entry {
                owners[clear..entry].fill(border.owner as u8);
                clear = entry + 1;
            }
        }
        owners[clear..].fill(ends[0].owner as u8);
        Self {
            owners: table,
            shift,
        }
    }

    /// Returns the owner of a position by its uppermost 32 bits, where the table
    /// knows it. An empty table never does.
    #[inline]
    pub(crate) fn owner(&self, top: u32) -> Option<usize> {
        let owner = *self.owners.get((top >> self.shift) as usize)?;
        (owner != SEARCH).then_some(owner.into())
    }
}

/// Stands for owners that differ; no node has this number in a table.
const SEARCH: u8 = u8::MAX;

/// Caps the table at half a megabyte, 32 entries for each of 16,000 points.
const MAX_TABLE_BITS: u32 = 19;

/// Caps the index of arcs at a megabyte.
const MAX_STARTS_BITS: u32 = 18;

/// Returns by how many bits a position of 32 bits is shifted to become an index
/// of about so many entries.
fn shift(entries: usize, max_bits: u32) -> u32 {
    32 - entries.max(2).next_power_of_two().ilog2().min(max_bits)
}

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
        let starts_shift = shift(2 * ends.len(), MAX_STARTS_BITS);
        let mut at = 0;
        let starts = (0..1u32 << (32 - starts_shift)).map(|entry| {
            let before = |end: &&End<P>| end.value.top() >> starts_shift < entry;
            at += ends[at..].iter().take_while(before).count();
            at as u32
        });
        Self {
            starts: starts.collect(),
            starts_shift,
            table: Table::new(&ends),
            ends: ends.into(),
            rule,
        }
    }

    /// Returns how many distinct points there are.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Returns the table of tops, which for positions of 32 bits is all that
    /// most searches need.
    pub(crate) fn table(&self) -> &Table {
        &self.table
    }

    /// Returns the owner of a position; only an empty ring has none.
    pub(crate) fn owner(&self, position: P) -> Option<usize> {
        match self.table.owner(position.top()) {
            Some(owner) => Some(owner),
            None => self.search(position),
        }
    }

    /// Returns the owner of a position that the table leaves open.
    pub(crate) fn search(&self, position: P) -> Option<usize> {
        const FEW: usize = 16;
        let at = *self
            .starts
            .get((position.top() >> self.starts_shift) as usize)? as usize;
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
            // As they are, few of them, and more than a table can number.
            let numberings: [fn(usize) -> usize; 3] = [|at| at, |at| at % 3, |at| at + 1000];
            let on = points[0];
            let positions = [random, near, on, on.wrapping_add(1), on.wrapping_sub(1), 0, u32::MAX];
            for rule in [Rule::After, Rule::AtOrAfter, Rule::AtOrBefore] {
                for numbered in numberings {
                    let owned = claims.iter().map(|(value, at)| (*value, numbered(*at) as u32));
                    let ring = Ring::new(owned.collect(), rule);
                    for position in positions {
                        let (point, owner) = wanted(&claims, rule, position).expect("there are points");
                        let owner = Some(numbered(owner));
                        prop_assert_eq!(ring.owner(position), owner, "{:?} {}", rule, position);
                        prop_assert_eq!(ring.search(position), owner, "{:?} {}", rule, position);
                        prop_assert_eq!(ring.owner_at(ring.index(position)), owner);
                        prop_assert_eq!(ring.point(position), Some(point), "{:?} {}", rule, position);
                    }
                }
            }
        }
    }

    #[test]
    fn a_number_too_large_for_the_table_is_found_all_the_same() {
        let numbers = [u32::from(SEARCH) - 1, u32::from(SEARCH), u32::MAX];
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
