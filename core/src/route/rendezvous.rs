//! Rendezvous: each node scores each key, and the highest score wins.
//!
//! Removing a node moves its own keys and no other. Choosing costs a step per
//! node, so for hundreds of nodes a ring is faster.

use std::cmp::Reverse;
use std::hint::select_unpredictable;

use super::hash::{self, Murmur3x64, Murmur3x86, SeededXxh3};

/// How a node scores a key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Scoring {
    /// emcache: MurmurHash3 x64_128 of key and node, mostly thrown away.
    Emcache,
    /// pymemcache: MurmurHash3 x86_32 of `node-b'key'`.
    PymemcacheBytes,
    /// pymemcache: MurmurHash3 x86_32 of `node-key`, characters cut to a byte.
    PymemcacheText,
    /// Our own for new clusters: XXH3, weights by the logarithmic method.
    Xxh3,
}

/// Nodes that compete for keys.
#[derive(Clone, Debug)]
pub(crate) struct Rendezvous {
    scoring: Scoring,
    /// By precedence, so that among equal scores the last one wins.
    candidates: Box<[Candidate]>,
    /// XXH3 seeded with the label of each, side by side for a quick walk.
    seeded: Box<[SeededXxh3]>,
    weighted: bool,
}

/// The place of one node in the competition for one key; the highest wins.
pub(crate) type Standing = (u64, u32);

#[derive(Clone, Debug)]
struct Candidate {
    index: u32,
    /// Settles equal scores; no two are equal.
    precedence: u32,
    weight: u32,
    label: Box<[u8]>,
    /// The hash of `node-`, to be continued with the key.
    beginning: Murmur3x86,
}

impl Candidate {
    /// Scores a key of ASCII alone as pymemcache does.
    #[inline]
    fn pymemcache(&self, key: &[u8]) -> u64 {
        let mut state = self.beginning;
        state.write(key);
        state.finish().into()
    }
}

/// What is computed once per key.
enum Prepared<'a> {
    Ascii(&'a [u8]),
    Bytes(&'a [u8]),
    Emcache(Murmur3x64),
    Text(&'a [u8]),
    Xxh3(u64),
}

impl Rendezvous {
    /// Builds the competition; `entries` are index, label and weight.
    pub(crate) fn new(scoring: Scoring, entries: &[(u32, String, u32)]) -> Self {
        let mut order: Vec<usize> = (0..entries.len()).collect();
        match scoring {
            Scoring::Emcache => order.sort_by_key(|at| {
                let own = emcache_score(&entries[*at].1, Murmur3x64::new(0));
                (own, Reverse(*at))
            }),
            _ => order.sort_by_key(|at| (&entries[*at].1, Reverse(*at))),
        }
        let candidates = order.into_iter().zip(0..).map(|(at, precedence)| {
            let (index, label, weight) = &entries[at];
            let mut beginning = Murmur3x86::new(0);
            // Python text: characters, not UTF-8, cut to their lowest byte.
            label.chars().for_each(|c| beginning.push(c as u32 as u8));
            beginning.push(b'-');
            Candidate {
                index: *index,
                precedence,
                weight: *weight,
                label: label.as_bytes().into(),
                beginning,
            }
        });
        let candidates: Box<[Candidate]> = candidates.collect();
        let seeded = |candidate: &Candidate| SeededXxh3::new(hash::xxh3(&candidate.label, 0));
        let weighted =
            scoring == Scoring::Xxh3 && entries.windows(2).any(|pair| pair[0].2 != pair[1].2);
        Self {
            scoring,
            seeded: candidates.iter().map(seeded).collect(),
            candidates,
            weighted,
        }
    }

    /// Returns the winner among all nodes.
    pub(crate) fn first(&self, key: &[u8]) -> Option<usize> {
        let at = match self.scoring {
            Scoring::Xxh3 if !self.weighted => {
                let key = hash::xxh3(key, 0);
                highest(self.seeded.iter().map(|seeded| seeded.hash(key)))
            }
            Scoring::PymemcacheText if key.is_ascii() => self.first_of_ascii(key),
            _ => self.first_of_any(key),
        };
        Some(self.candidates.get(at)?.index as usize)
    }

    /// Returns where the winner is by pymemcache's scores of plain text.
    #[inline(never)]
    fn first_of_ascii(&self, key: &[u8]) -> usize {
        highest(self.candidates.iter().map(|node| node.pymemcache(key)))
    }

    /// Returns where the winner is, whatever the scoring.
    #[inline(never)]
    fn first_of_any(&self, key: &[u8]) -> usize {
        let key = self.prepare(key);
        let scores = self.candidates.iter().zip(&self.seeded);
        highest(scores.map(|(node, seeded)| self.score(node, *seeded, &key)))
    }

    /// Returns the winner among the nodes that stand below `below` and are
    /// `eligible`.
    #[inline]
    pub(crate) fn winner(
        &self,
        key: &[u8],
        below: Option<Standing>,
        mut eligible: impl FnMut(usize) -> bool,
    ) -> Option<(usize, Standing)> {
        let prepared = self.prepare(key);
        let mut best: Option<(usize, Standing)> = None;
        for (candidate, seeded) in self.candidates.iter().zip(&self.seeded) {
            let score = self.score(candidate, *seeded, &prepared);
            let standing = (score, candidate.precedence);
            let beaten = best.is_some_and(|(_, best)| best > standing);
            if beaten || below.is_some_and(|below| standing >= below) {
                continue;
            }
            if eligible(candidate.index as usize) {
                best = Some((candidate.index as usize, standing));
            }
        }
        best
    }

    fn prepare<'a>(&self, key: &'a [u8]) -> Prepared<'a> {
        match self.scoring {
            Scoring::Emcache => {
                let mut state = Murmur3x64::new(0);
                state.write(key);
                Prepared::Emcache(state)
            }
            Scoring::PymemcacheBytes => Prepared::Bytes(key),
            Scoring::PymemcacheText if key.is_ascii() => Prepared::Ascii(key),
            Scoring::PymemcacheText => Prepared::Text(key),
            Scoring::Xxh3 => Prepared::Xxh3(hash::xxh3(key, 0)),
        }
    }

    #[inline]
    fn score(&self, candidate: &Candidate, seeded: SeededXxh3, key: &Prepared<'_>) -> u64 {
        let mut state = candidate.beginning;
        match key {
            Prepared::Ascii(key) => return candidate.pymemcache(key),
            Prepared::Bytes(key) => hash::write_bytes_repr(key, |byte| state.push(byte)),
            Prepared::Text(key) => {
                hash::characters(key).for_each(|c| state.push(c as u32 as u8));
            }
            Prepared::Emcache(state) => {
                return emcache_finish(&candidate.label, *state).into();
            }
            Prepared::Xxh3(key) => {
                let score = seeded.hash(*key);
                return if self.weighted {
                    weigh(score, candidate.weight)
                } else {
                    score
                };
            }
        }
        state.finish().into()
    }
}

/// Returns where the highest score is, the last of several.
///
/// That cannot be guessed, so nothing branches on it.
#[inline]
fn highest(scores: impl Iterator<Item = u64>) -> usize {
    let best = scores.enumerate().fold((0, 0), |best, (at, score)| {
        select_unpredictable(score >= best.0, (score, at), best)
    });
    best.1
}

fn emcache_score(label: &str, state: Murmur3x64) -> u32 {
    emcache_finish(label.as_bytes(), state)
}

/// The first four bytes of the hash as emcache joins them.
///
/// Each is a signed `char` that is masked where it should be shifted, so a
/// negative byte sets all bits above and few distinct scores remain.
fn emcache_finish(label: &[u8], mut state: Murmur3x64) -> u32 {
    state.write(label);
    let [a, b, c, d, ..] = state.finish().0.to_le_bytes();
    let [a, b, c, d] = [a, b, c, d].map(|byte| byte as i8 as u32);
    a | (b & 0xffff_ff00) | (c & 0xffff_0000) | (d & 0xff00_0000)
}

/// Turns an even score into one that wins in proportion to `weight`.
///
/// The node with the least -ln(score) / weight wins. The bits of a positive
/// float are in the order of its value.
fn weigh(score: u64, weight: u32) -> u64 {
    const UNIT: f64 = (1u64 << 53) as f64;
    let score = ((score >> 11) as f64 + 0.5) / UNIT;
    !(-logarithm(score) / f64::from(weight)).to_bits()
}

/// The natural logarithm by additions, multiplications and divisions alone.
///
/// `f64::ln` differs in the last digit from platform to platform, and then a
/// key could belong to different nodes on different machines.
fn logarithm(value: f64) -> f64 {
    const EXPONENT_BITS: u64 = 0x7ff << 52;
    let bits = value.to_bits();
    let mut exponent = ((bits & EXPONENT_BITS) >> 52) as i32 - 1023;
    let mut mantissa = f64::from_bits((bits & !EXPONENT_BITS) | (1023 << 52));
    if mantissa > std::f64::consts::SQRT_2 {
        mantissa /= 2.0;
        exponent += 1;
    }
    let ratio = (mantissa - 1.0) / (mantissa + 1.0);
    let square = ratio * ratio;
    let series = (1..=9).rev().fold(0.0, |sum, term| {
        sum * square + 1.0 / f64::from(2 * term - 1)
    });
    f64::from(exponent) * std::f64::consts::LN_2 + 2.0 * ratio * series
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_logarithm_is_close() {
        for value in [1e-16, 1e-9, 0.1, 0.5, 0.7, 0.999, 1.0] {
            let error = (logarithm(value) - f64::ln(value)).abs();
            assert!(error < 1e-14 * f64::ln(value).abs().max(1.0), "{value}");
        }
    }
}
