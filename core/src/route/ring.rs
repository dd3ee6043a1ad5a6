//! A ring of points and a fast way to find the next one.

/// A position on a ring.
pub(crate) trait Point: Copy + Ord {
    /// Returns the uppermost 32 bits.
    fn top(self) -> u32;
    /// Returns the next position, unless this is the last one.
    fn next(self) -> Option<Self>;
}

impl Point for u32 {
    #[inline]
    fn top(self) -> u32 {
        self
    }

    #[inline]
    fn next(self) -> Option<Self> {
        self.checked_add(1)
    }
}

impl Point for u128 {
    #[inline]
    fn top(self) -> u32 {
        (self >> 96) as u32
    }

    #[inline]
    fn next(self) -> Option<Self> {
        self.checked_add(1)
    }
}

/// Which of several servers owns a point that all of them claim.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Tie {
    /// The one that was added first.
    First,
    /// The one that was added last.
    Last,
}

/// Points in order, each owned by a node, closed to a circle.
///
/// A table over the top bits of the position, about two entries for each
/// point, says where to start; from there the wanted point is one or two
/// steps away, because points are hashes and so spread evenly. Where they do
/// not, a binary search takes over.
#[derive(Clone, Debug)]
pub(crate) struct Ring<P> {
    spots: Box<[Spot<P>]>,
    /// For each value of the top bits, the first spot at or after it.
    table: Box<[u32]>,
    shift: u32,
}

#[derive(Clone, Copy, Debug)]
struct Spot<P> {
    value: P,
    owner: u32,
}

impl<P: Point> Ring<P> {
    /// Builds the ring from points in the order in which the client adds them.
    pub(crate) fn new(points: Vec<(P, u32)>, tie: Tie) -> Self {
        let mut points = points;
        points.sort_by_key(|(value, _)| *value);
        let mut spots: Vec<Spot<P>> = Vec::with_capacity(points.len());
        for (value, owner) in points {
            match spots.last_mut() {
                Some(last) if last.value == value => {
                    if tie == Tie::Last {
                        last.owner = owner;
                    }
                }
                _ => spots.push(Spot { value, owner }),
            }
        }
        let bits = (2 * spots.len().max(1))
            .next_power_of_two()
            .ilog2()
            .min(MAX_BITS);
        let shift = 32 - bits;
        let mut table = Vec::with_capacity((1 << bits) + 1);
        let mut at = 0;
        for start in 0..1u64 << bits {
            while spots
                .get(at)
                .is_some_and(|spot| u64::from(spot.value.top() >> shift) < start)
            {
                at += 1;
            }
            table.push(at as u32);
        }
        table.push(spots.len() as u32);
        Self {
            spots: spots.into_boxed_slice(),
            table: table.into_boxed_slice(),
            shift,
        }
    }

    /// Turns the ring so that each arc belongs to the point at its beginning.
    ///
    /// With [`after`](Self::after) this finds the last point at or before.
    pub(crate) fn owned_from_the_left(mut self) -> Self {
        let owners: Vec<u32> = self.spots.iter().map(|spot| spot.owner).collect();
        for (at, spot) in self.spots.iter_mut().enumerate() {
            spot.owner = owners[at.checked_sub(1).unwrap_or(owners.len() - 1)];
        }
        self
    }

    /// Returns how many distinct points there are.
    pub(crate) fn len(&self) -> usize {
        self.spots.len()
    }

    /// Returns the owner of a spot; indexes past the end wrap around.
    #[inline]
    pub(crate) fn owner(&self, at: usize) -> Option<usize> {
        let spot = self.spots.get(at).or_else(|| self.spots.first())?;
        Some(spot.owner as usize)
    }

    /// Finds the first spot at or after `position`; past the last one, the
    /// index is [`len`](Self::len).
    #[inline]
    pub(crate) fn at_or_after(&self, position: P) -> usize {
        const FEW: usize = 16;
        let slot = (position.top() >> self.shift) as usize;
        let mut at = self.table[slot] as usize;
        let end = self.table[slot + 1] as usize;
        if end - at > FEW {
            at += self.spots[at..end].partition_point(|spot| spot.value < position);
            return at;
        }
        while at < end && self.spots[at].value < position {
            at += 1;
        }
        at
    }

    /// Finds the first spot after `position`, as [`at_or_after`](Self::at_or_after).
    #[inline]
    pub(crate) fn after(&self, position: P) -> usize {
        match position.next() {
            Some(position) => self.at_or_after(position),
            None => self.len(),
        }
    }
}

/// Caps the table at half a megabyte.
const MAX_BITS: u32 = 17;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn points() -> impl Strategy<Value = Vec<u32>> {
        let spread = proptest::collection::vec(any::<u32>(), 1..200);
        let crowded = proptest::collection::vec(0u32..300, 1..200);
        prop_oneof![spread, crowded]
    }

    proptest! {
        #[test]
        fn finds_what_a_plain_search_finds(points in points(), position in any::<u32>(), near in 0u32..310) {
            let claims: Vec<_> = points.iter().zip(0..).map(|(point, owner)| (*point, owner)).collect();
            let ring = Ring::new(claims.clone(), Tie::First);
            for position in [position, near, 0, u32::MAX, points[0]] {
                let wanted = |from: u64| {
                    let above = claims.iter().filter(|(value, _)| u64::from(*value) >= from);
                    let next = above.min_by_key(|(value, owner)| (*value, *owner));
                    let first = claims.iter().min_by_key(|(value, owner)| (*value, *owner));
                    next.or(first).map(|(_, owner)| *owner as usize)
                };
                prop_assert_eq!(ring.owner(ring.at_or_after(position)), wanted(position.into()));
                prop_assert_eq!(ring.owner(ring.after(position)), wanted(u64::from(position) + 1));
            }
        }

        #[test]
        fn the_last_claim_wins_where_asked(points in points(), position in any::<u32>()) {
            let claims: Vec<_> = points.iter().zip(0..).map(|(point, owner)| (*point, owner)).collect();
            let ring = Ring::new(claims.clone(), Tie::Last).owned_from_the_left();
            let below = claims.iter().filter(|(value, _)| *value <= position).max();
            let wanted = below.or_else(|| claims.iter().max()).map(|(_, owner)| *owner as usize);
            prop_assert_eq!(ring.owner(ring.after(position)), wanted);
        }
    }

    #[test]
    fn an_empty_ring_has_no_owner() {
        let ring = Ring::<u32>::new(Vec::new(), Tie::First);
        assert_eq!(ring.owner(ring.at_or_after(7)), None);
    }
}
