//! Whether two answers say the same, cas ids and clock ticks aside.
//!
//! Each side draws its own cas ids. An id of theirs stands for one id of ours;
//! the first pairing counts and every later one must agree. Times to live and
//! ages may differ by a tick or two of clocks that were not started together.

use std::collections::HashMap;

/// Ids from here on were given by a request and are the same on both sides.
pub(crate) const GIVEN_CAS: u64 = 1_000_000_000_000;
/// Seconds by which clocks may differ.
const TICKS: u64 = 3;
/// Ages from here on depend on which side of a minute a clock was.
const LONG_AGE: u64 = 50;

/// A piece of an answer.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Piece {
    Bytes(Vec<u8>),
    Cas(u64),
    Seconds(u64),
    Age(u64),
}

/// Pairs of cas ids: ours by theirs, and both by the key they were seen with.
#[derive(Default)]
pub(crate) struct Pairs {
    ours: HashMap<u64, u64>,
    theirs: HashMap<u64, u64>,
    pub(crate) by_key: HashMap<Vec<u8>, (u64, u64)>,
}

impl Pairs {
    /// Whether the answers agree; learns cas ids on the way.
    pub(crate) fn agree(&mut self, binary: bool, ours: &[u8], theirs: &[u8]) -> bool {
        let parse = if binary { parse_binary } else { parse_text };
        let (ours, theirs) = (parse(ours), parse(theirs));
        if ours.len() != theirs.len() {
            return false;
        }
        let mut last: Option<&Piece> = None;
        for (our, their) in ours.iter().zip(&theirs) {
            let same = match (our, their) {
                (Piece::Cas(our), Piece::Cas(their)) => {
                    if let Some(Piece::Bytes(line)) = last
                        && let Some(key) = value_key(line)
                    {
                        self.by_key.insert(key.to_vec(), (*our, *their));
                    }
                    self.pair(*our, *their)
                }
                (Piece::Seconds(our), Piece::Seconds(their)) => close(*our, *their),
                (Piece::Age(our), Piece::Age(their)) => {
                    close(*our, *their) || (*our).max(*their) > LONG_AGE
                }
                (our, their) => our == their,
            };
            if !same {
                return false;
            }
            last = Some(our);
        }
        true
    }

    fn pair(&mut self, our: u64, their: u64) -> bool {
        if our == 0 || their == 0 || our >= GIVEN_CAS || their >= GIVEN_CAS {
            return our == their;
        }
        *self.ours.entry(their).or_insert(our) == our
            && *self.theirs.entry(our).or_insert(their) == their
    }
}

fn close(our: u64, their: u64) -> bool {
    // An item that has expired shows a number that has wrapped.
    let difference = (our as u32).wrapping_sub(their as u32) as i32;
    u64::from(difference.unsigned_abs()) <= TICKS
}

fn value_key(line: &[u8]) -> Option<&[u8]> {
    let start = line.windows(6).rposition(|part| part == b"VALUE ")? + 6;
    line[start..].split(|byte| *byte == b' ').next()
}

fn number(word: &[u8]) -> Option<u64> {
    std::str::from_utf8(word).ok()?.parse().ok()
}

fn parse_text(mut rest: &[u8]) -> Vec<Piece> {
    let mut pieces = Pieces::default();
    while !rest.is_empty() {
        let end = rest
            .windows(2)
            .position(|pair| pair == b"\r\n")
            .map_or(rest.len(), |end| end + 2);
        let (line, tail) = rest.split_at(end);
        let data = pieces.line(line.strip_suffix(b"\r\n").unwrap_or(line));
        pieces.bytes(b"\r\n");
        let data = data.map_or(0, |length| length + 2).min(tail.len());
        pieces.bytes(&tail[..data]);
        rest = &tail[data..];
    }
    pieces.0
}

fn parse_binary(mut rest: &[u8]) -> Vec<Piece> {
    let mut pieces = Pieces::default();
    while let Some(head) = rest.first_chunk::<24>() {
        let body = u32::from_be_bytes([head[8], head[9], head[10], head[11]]) as usize;
        let cas = head[16..]
            .iter()
            .fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        pieces.bytes(&head[..16]);
        pieces.0.push(Piece::Cas(cas));
        let end = (24 + body).min(rest.len());
        pieces.bytes(&rest[24..end]);
        rest = &rest[end..];
    }
    pieces.bytes(rest);
    pieces.0
}

#[derive(Default)]
struct Pieces(Vec<Piece>);

impl Pieces {
    fn bytes(&mut self, bytes: &[u8]) {
        if let Some(Piece::Bytes(last)) = self.0.last_mut() {
            last.extend_from_slice(bytes);
        } else {
            self.0.push(Piece::Bytes(bytes.to_vec()));
        }
    }

    /// Takes a line apart; returns the length of the data that follows it.
    fn line(&mut self, line: &[u8]) -> Option<usize> {
        let words: Vec<_> = line.split(|byte| *byte == b' ').collect();
        match words[..] {
            [b"VALUE", key, flags, length] => {
                self.bytes(&[b"VALUE ", key, b" ", flags, b" ", length].concat());
                number(length).map(|length| length as usize)
            }
            [b"VALUE", key, flags, length, cas] => {
                self.bytes(&[b"VALUE ", key, b" ", flags, b" ", length, b" "].concat());
                match number(cas) {
                    Some(cas) => self.0.push(Piece::Cas(cas)),
                    None => self.bytes(cas),
                }
                number(length).map(|length| length as usize)
            }
            [b"VA", length, ref flags @ ..] => {
                self.bytes(&[b"VA ", length].concat());
                self.flags(flags);
                number(length).map(|length| length as usize)
            }
            [
                code @ (b"HD" | b"EN" | b"NS" | b"NF" | b"EX"),
                ref flags @ ..,
            ] => {
                self.bytes(code);
                self.flags(flags);
                None
            }
            [b"ME", key, ref fields @ ..] => {
                self.bytes(&[b"ME ", key].concat());
                for field in fields {
                    self.field(field);
                }
                None
            }
            _ => {
                self.bytes(line);
                None
            }
        }
    }

    fn flags(&mut self, flags: &[&[u8]]) {
        for flag in flags {
            let (name, value) = flag.split_at(1.min(flag.len()));
            let piece = number(value).and_then(|value| match name {
                b"c" => Some(Piece::Cas(value)),
                b"t" => Some(Piece::Seconds(value)),
                b"l" => Some(Piece::Age(value)),
                _ => None,
            });
            self.bytes(b" ");
            match piece {
                Some(piece) => {
                    self.bytes(name);
                    self.0.push(piece);
                }
                None => self.bytes(flag),
            }
        }
    }

    fn field(&mut self, field: &[u8]) {
        self.bytes(b" ");
        let piece = field.iter().position(|byte| *byte == b'=').and_then(|at| {
            let value = std::str::from_utf8(&field[at + 1..]).ok()?;
            let value = value.parse::<i64>().ok()? as u64;
            let piece = match &field[..at] {
                b"cas" => Piece::Cas(value),
                b"exp" => Piece::Seconds(value),
                b"la" => Piece::Age(value),
                _ => return None,
            };
            Some((at, piece))
        });
        match piece {
            Some((at, piece)) => {
                self.bytes(&field[..=at]);
                self.0.push(piece);
            }
            None => self.bytes(field),
        }
    }
}

#[test]
fn cas_ids_are_paired_once_and_for_all() {
    let mut pairs = Pairs::default();
    assert!(pairs.agree(
        false,
        b"VALUE k 0 1 7\r\nx\r\nEND\r\n",
        b"VALUE k 0 1 9\r\nx\r\nEND\r\n"
    ));
    assert_eq!(pairs.by_key[&b"k"[..]], (7, 9));
    assert!(pairs.agree(false, b"HD c7 t30\r\n", b"HD c9 t31\r\n"));
    assert!(!pairs.agree(false, b"HD c8\r\n", b"HD c9\r\n"));
    assert!(!pairs.agree(false, b"HD c7\r\n", b"HD c10\r\n"));
    assert!(!pairs.agree(false, b"HD t30\r\n", b"HD t40\r\n"));
    assert!(!pairs.agree(false, b"VA 1\r\nx\r\n", b"VA 1\r\ny\r\n"));
}
