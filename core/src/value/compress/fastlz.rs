//! FastLZ, levels 1 and 2, as PHP's memcached extension reads and writes it.
//!
//! A stream is a row of instructions. The three high bits of an instruction say
//! what it is: 0 is a run of literals (1 to 32 bytes follow), anything else a
//! match, the copy of earlier output. The three high bits of the very first
//! instruction, which is always a run, carry the level instead.
//!
//! | part | level 1 | level 2 |
//! |---|---|---|
//! | length of a match, code 1 to 6 | code + 2 | code + 2 |
//! | code 7 | 9 + one byte | 9 + bytes up to and with the first below 255 |
//! | distance - 1 | 13 bits: 5 of the instruction, then one byte | the same; all ones: 8191 + two bytes, the high one first |
//!
//! ```text
//! 0x01 "ab"  0xe0 0xfd 0x01    literals a b, then 262 bytes from 2 back
//! ```

use super::stream::{CUT_SHORT, DAMAGED, Failure, first_capacity};

/// From this length on PHP writes level 2.
const LEVEL_2_FROM: usize = 64 * 1024;
/// The farthest match of level 1, and the farthest of level 2 in short form.
const NEAR: usize = 8191;
/// The farthest match of level 2.
const FAR: usize = NEAR + 0xffff;
/// The longest match of level 1.
const MAX_LENGTH: usize = 9 + 255;
const MAX_RUN: usize = 32;
const HASH_BITS: u32 = 14;

/// Inflates `bytes` into at most `limit` bytes.
pub(super) fn decompress(bytes: &[u8], limit: usize) -> Result<Vec<u8>, Failure> {
    let (&first, mut rest) = bytes.split_first().ok_or(CUT_SHORT)?;
    let level_2 = match first >> 5 {
        0 => false,
        1 => true,
        _ => return Err(DAMAGED),
    };
    let mut out = Vec::with_capacity(first_capacity(bytes.len(), limit));
    let mut instruction = usize::from(first & 31);
    loop {
        if instruction < 32 {
            let (run, after) = rest.split_at_checked(instruction + 1).ok_or(CUT_SHORT)?;
            if run.len() > limit - out.len() {
                return Err(Failure::TooLarge);
            }
            out.extend_from_slice(run);
            rest = after;
        } else {
            let (length, distance) = read_match(instruction, &mut rest, level_2)?;
            if length > limit - out.len() {
                return Err(Failure::TooLarge);
            }
            copy(&mut out, length, distance)?;
        }
        let Some((&next, after)) = rest.split_first() else {
            return Ok(out);
        };
        instruction = usize::from(next);
        rest = after;
    }
}

/// Reads the rest of a match: its length and its distance.
fn read_match(
    instruction: usize,
    rest: &mut &[u8],
    level_2: bool,
) -> Result<(usize, usize), Failure> {
    let mut take = || {
        let (&byte, after) = rest.split_first().ok_or(CUT_SHORT)?;
        *rest = after;
        Ok(usize::from(byte))
    };
    let mut length = (instruction >> 5) + 2;
    if length == 9 {
        loop {
            let more = take()?;
            // The sum stays below 255 times the length of the data.
            length += more;
            if !level_2 || more != 255 {
                break;
            }
        }
    }
    let mut distance = (instruction & 31) << 8 | take()?;
    if level_2 && distance == NEAR {
        distance += take()? << 8;
        distance += take()?;
    }
    Ok((length, distance + 1))
}

/// Appends `length` bytes from `distance` back; source and copy may overlap.
fn copy(out: &mut Vec<u8>, length: usize, distance: usize) -> Result<(), Failure> {
    let start = out.len().checked_sub(distance).ok_or(DAMAGED)?;
    let mut left = length;
    while left > 0 {
        let step = left.min(out.len() - start);
        out.extend_from_within(start..start + step);
        left -= step;
    }
    Ok(())
}

/// Appends the compressed `bytes` to `packed`, at the level that PHP chooses for
/// the length.
pub(super) fn compress(bytes: &[u8], packed: &mut Vec<u8>) {
    let level_2 = bytes.len() >= LEVEL_2_FROM;
    let first = packed.len();
    let farthest = if level_2 { FAR } else { NEAR };
    // The last position where each group of three bytes was seen, plus one.
    let mut seen = vec![0_u32; 1 << HASH_BITS];
    let mut run = 0;
    let mut at = 0;
    // The reference decoder wants the stream to begin with two literals and to
    // end with one.
    let end = bytes.len().saturating_sub(1);
    while at + 3 <= end {
        let slot = &mut seen[hash(&bytes[at..])];
        let candidate = std::mem::replace(slot, at as u32 + 1) as usize;
        let found = candidate
            .checked_sub(1)
            .filter(|start| at >= 2 && at - start <= farthest + 1)
            .map(|start| (start, common(bytes, start, at, end)))
            .filter(|(start, length)| {
                // A far match takes two more bytes.
                *length >= if at - start > NEAR { 5 } else { 3 }
            });
        let Some((start, length)) = found else {
            at += 1;
            continue;
        };
        write_runs(&bytes[run..at], packed);
        write_match(length, at - start, level_2, packed);
        // Remember the last places inside the match, so that a repetition that
        // goes on is found again.
        for inside in (at + 1..at + length).rev().take(2) {
            if inside + 3 <= end {
                seen[hash(&bytes[inside..])] = inside as u32 + 1;
            }
        }
        at += length;
        run = at;
    }
    write_runs(&bytes[run..], packed);
    if level_2 && let Some(instruction) = packed.get_mut(first) {
        *instruction |= 1 << 5;
    }
}

fn hash(bytes: &[u8]) -> usize {
    let word = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], 0]);
    (word.wrapping_mul(0x9e37_79b1) >> (32 - HASH_BITS)) as usize
}

/// How many bytes from `at` equal those from `start`.
fn common(bytes: &[u8], start: usize, at: usize, end: usize) -> usize {
    bytes[at..end]
        .iter()
        .zip(&bytes[start..])
        .take_while(|(new, old)| new == old)
        .count()
}

fn write_runs(literals: &[u8], packed: &mut Vec<u8>) {
    for run in literals.chunks(MAX_RUN) {
        packed.push(run.len() as u8 - 1);
        packed.extend_from_slice(run);
    }
}

fn write_match(mut length: usize, distance: usize, level_2: bool, packed: &mut Vec<u8>) {
    let distance = distance - 1;
    let near = distance.min(NEAR);
    let far = (distance >= NEAR && level_2).then(|| distance - NEAR);
    // Level 1 splits a long match; what is left over must be a match again.
    while !level_2 && length > MAX_LENGTH {
        let part = if length - MAX_LENGTH < 3 {
            MAX_LENGTH - 3
        } else {
            MAX_LENGTH
        };
        write_part(part, near, None, level_2, packed);
        length -= part;
    }
    write_part(length, near, far, level_2, packed);
}

fn write_part(length: usize, near: usize, far: Option<usize>, level_2: bool, packed: &mut Vec<u8>) {
    let high = (near >> 8) as u8;
    if length < 9 {
        packed.push((length as u8 - 2) << 5 | high);
    } else {
        packed.push(7 << 5 | high);
        let mut more = length - 9;
        while level_2 && more >= 255 {
            packed.push(255);
            more -= 255;
        }
        packed.push(more as u8);
    }
    packed.push(near as u8);
    if let Some(far) = far {
        packed.extend_from_slice(&(far as u16).to_be_bytes());
    }
}
