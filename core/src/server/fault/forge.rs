//! Replies that are not what the session said.

use std::time::Duration;

use super::action::{Fault, Place};
use super::{Active, Seen};

const RESPONSE: u8 = 0x81;
const HEADER: usize = 24;

/// Bytes of a piece whose speed is limited, at most.
const PACED_PIECE: usize = 16 << 10;

/// Returns what `active` makes of `reply`, or `None` if there is nothing in it
/// that the fault could change.
pub(crate) fn forge(
    active: &Active,
    seen: &Seen<'_>,
    reply: &[u8],
    previous: &[u8],
) -> Option<Vec<u8>> {
    let is_binary = reply.first() == Some(&RESPONSE);
    if reply.is_empty() {
        return None;
    }
    match active.rule.fault() {
        Fault::DuplicateReply {} => Some(reply.repeat(2)),
        Fault::ExtraReply { text, place } => {
            let extra = match text {
                Some(text) => text.as_bytes().to_vec(),
                None => unasked(is_binary, seen.command),
            };
            Some(match place {
                Place::After => [reply, &extra].concat(),
                Place::Before => [&extra, reply].concat(),
            })
        }
        Fault::Garbage { bytes } => Some(garbage(active, *bytes)),
        Fault::StaleReply {} => (!previous.is_empty()).then(|| previous.to_vec()),
        Fault::WrongKey { wrong } => {
            let wrong = wrong.as_deref().map(str::as_bytes);
            if is_binary {
                wrong_binary_key(reply, wrong)
            } else {
                wrong_text_key(reply, wrong)
            }
        }
        Fault::WrongLength { by } if is_binary => wrong_binary_length(reply, *by),
        Fault::WrongLength { by } => wrong_text_length(reply, *by),
        Fault::WrongOpaque {} if is_binary => {
            let mut forged = reply.to_vec();
            forged
                .get_mut(12..16)?
                .iter_mut()
                .for_each(|byte| *byte ^= 0x5a);
            Some(forged)
        }
        Fault::WrongOpaque {} => {
            let token = meta_token(reply, b'O')?;
            Some(replace(reply, token.clone(), &altered(&reply[token])))
        }
        _ => None,
    }
}

/// Cuts `length` bytes into the pieces that `active` sends, each with the pause
/// before the next; `None` if it does not cut.
pub(crate) fn pieces(active: &Active, length: usize) -> Option<Vec<(usize, Duration)>> {
    let mut pieces = Vec::new();
    let mut left = length;
    while left > 0 {
        let (size, pause) = match active.rule.fault() {
            Fault::Bandwidth {
                bytes_per_second, ..
            } => {
                // About twenty pieces a second.
                let size = usize::try_from(bytes_per_second.div_ceil(20)).unwrap_or(left);
                let size = size.min(PACED_PIECE).min(left);
                let pause = size as f64 / *bytes_per_second as f64;
                (size, Duration::from_secs_f64(pause))
            }
            Fault::Drip { bytes, seconds } => (*bytes, *seconds),
            Fault::Slice {
                average,
                variation,
                seconds,
                ..
            } => {
                let spread = 2 * *variation as u64 + 1;
                let more = usize::try_from(active.random() % spread).unwrap_or(0);
                (average - variation + more, *seconds)
            }
            Fault::Split {} => (1, Duration::ZERO),
            _ => return None,
        };
        let size = size.min(left);
        pieces.push((size, pause));
        left -= size;
    }
    Some(pieces)
}

/// A reply that fits nothing: a miss, or in the binary protocol a no-operation.
fn unasked(is_binary: bool, command: &str) -> Vec<u8> {
    if is_binary {
        let mut reply = vec![0; HEADER];
        reply[..2].copy_from_slice(&[RESPONSE, 0x0a]);
        return reply;
    }
    match command {
        "ma" | "md" | "me" | "mg" | "mn" | "ms" => b"EN\r\n".to_vec(),
        _ => b"END\r\n".to_vec(),
    }
}

fn garbage(active: &Active, bytes: usize) -> Vec<u8> {
    let mut garbage = Vec::with_capacity(bytes + 8);
    while garbage.len() < bytes {
        garbage.extend_from_slice(&active.random().to_le_bytes());
    }
    garbage.truncate(bytes);
    garbage
}

/// Another text of the same length: the last character is the next one.
fn altered(text: &[u8]) -> Vec<u8> {
    let mut other = text.to_vec();
    if let Some(last) = other.last_mut() {
        *last = match *last {
            b'z' => b'a',
            b'Z' => b'A',
            b'9' => b'0',
            letter if letter.is_ascii_alphanumeric() => letter + 1,
            _ => b'x',
        };
    }
    other
}

fn replace(reply: &[u8], range: std::ops::Range<usize>, by: &[u8]) -> Vec<u8> {
    [&reply[..range.start], by, &reply[range.end..]].concat()
}

/// The first line without its end.
fn first_line(reply: &[u8]) -> &[u8] {
    let end = memchr::memchr(b'\r', reply).unwrap_or(reply.len());
    &reply[..end]
}

/// The ranges of the words of the first line.
fn words(reply: &[u8]) -> impl Iterator<Item = std::ops::Range<usize>> {
    let mut start = 0;
    first_line(reply)
        .split(|&byte| byte == b' ')
        .map(move |word| {
            let range = start..start + word.len();
            start = range.end + 1;
            range
        })
}

/// Finds the argument of a meta flag in the first line.
fn meta_token(reply: &[u8], flag: u8) -> Option<std::ops::Range<usize>> {
    let mut words = words(reply);
    let skipped = match &reply[words.next()?] {
        b"VA" => 1,
        b"HD" | b"EN" | b"NS" | b"EX" | b"NF" => 0,
        _ => return None,
    };
    let token = words
        .skip(skipped)
        .find(|word| reply.get(word.start) == Some(&flag))?;
    Some(token.start + 1..token.end)
}

fn wrong_text_key(reply: &[u8], wrong: Option<&[u8]>) -> Option<Vec<u8>> {
    let mut lead = words(reply);
    let key = match &reply[lead.next()?] {
        b"VALUE" | b"ME" => lead.next()?,
        _ => meta_token(reply, b'k')?,
    };
    let by = wrong.map_or_else(|| altered(&reply[key.clone()]), <[u8]>::to_vec);
    Some(replace(reply, key, &by))
}

fn wrong_text_length(reply: &[u8], by: i64) -> Option<Vec<u8>> {
    let mut words = words(reply);
    let length = match &reply[words.next()?] {
        b"VALUE" => words.nth(2)?,
        b"VA" => words.next()?,
        _ => return None,
    };
    let true_length: i64 = std::str::from_utf8(&reply[length.clone()])
        .ok()?
        .parse()
        .ok()?;
    let told = true_length.saturating_add(by).max(0).to_string();
    Some(replace(reply, length, told.as_bytes()))
}

/// The header of a binary reply: extras, key and body lengths.
fn binary_lengths(reply: &[u8]) -> Option<(usize, usize, usize)> {
    let header = reply.first_chunk::<HEADER>()?;
    let key = usize::from(u16::from_be_bytes([header[2], header[3]]));
    let body = u32::from_be_bytes([header[8], header[9], header[10], header[11]]);
    Some((usize::from(header[4]), key, body as usize))
}

fn wrong_binary_key(reply: &[u8], wrong: Option<&[u8]>) -> Option<Vec<u8>> {
    let (extras, length, body) = binary_lengths(reply)?;
    if length == 0 {
        return None;
    }
    let key = HEADER + extras..HEADER + extras + length;
    let by = wrong.map_or_else(|| altered(&reply[key.clone()]), <[u8]>::to_vec);
    let mut forged = replace(reply, key, &by);
    let key_length = u16::try_from(by.len()).ok()?;
    let body = u32::try_from(body - length + by.len()).ok()?;
    forged[2..4].copy_from_slice(&key_length.to_be_bytes());
    forged[8..12].copy_from_slice(&body.to_be_bytes());
    Some(forged)
}

fn wrong_binary_length(reply: &[u8], by: i64) -> Option<Vec<u8>> {
    let (extras, key, body) = binary_lengths(reply)?;
    if body == extras + key {
        return None;
    }
    let least = i64::try_from(extras + key).ok()?;
    let told = i64::try_from(body).ok()?.saturating_add(by).max(least);
    let mut forged = reply.to_vec();
    let told = u32::try_from(told).unwrap_or(u32::MAX);
    forged[8..12].copy_from_slice(&told.to_be_bytes());
    Some(forged)
}

#[cfg(test)]
mod tests {
    use super::super::{Faults, Rule};
    use super::*;

    fn active(json: &str) -> std::sync::Arc<Active> {
        let faults = Faults::new();
        let rule = Rule::parse(json).unwrap().remove(0);
        faults.add(rule).unwrap();
        let rules = faults.rules.read();
        std::sync::Arc::clone(&rules[0])
    }

    fn forged(json: &str, command: &str, reply: &str) -> Option<String> {
        let seen = Seen {
            connection: 1,
            number: 1,
            command,
            key: b"key",
            more_keys: b"",
        };
        let forged = forge(&active(json), &seen, reply.as_bytes(), b"STORED\r\n");
        forged.map(|bytes| String::from_utf8(bytes).unwrap())
    }

    const VALUE: &str = "VALUE key 0 3\r\nabc\r\nEND\r\n";

    #[test]
    fn text_replies_are_forged_in_one_place() {
        let cases = [
            (
                r#"{"action":"wrong_key"}"#,
                VALUE,
                Some("VALUE kez 0 3\r\nabc\r\nEND\r\n"),
            ),
            (
                r#"{"action":"wrong_key","wrong":"other"}"#,
                "VA 3 f0 kkey O9\r\nabc\r\n",
                Some("VA 3 f0 kother O9\r\nabc\r\n"),
            ),
            (
                r#"{"action":"wrong_key"}"#,
                "ME key exp=-1\r\n",
                Some("ME kez exp=-1\r\n"),
            ),
            (r#"{"action":"wrong_key"}"#, "STORED\r\n", None),
            (r#"{"action":"wrong_key"}"#, "HD c3\r\n", None),
            (
                r#"{"action":"wrong_opaque"}"#,
                "HD kkey O9\r\n",
                Some("HD kkey O0\r\n"),
            ),
            (r#"{"action":"wrong_opaque"}"#, VALUE, None),
            (
                r#"{"action":"wrong_length"}"#,
                VALUE,
                Some("VALUE key 0 4\r\nabc\r\nEND\r\n"),
            ),
            (
                r#"{"action":"wrong_length","by":-9}"#,
                "VA 3 t1\r\nabc\r\n",
                Some("VA 0 t1\r\nabc\r\n"),
            ),
            (r#"{"action":"wrong_length"}"#, "END\r\n", None),
            (
                r#"{"action":"duplicate_reply"}"#,
                "END\r\n",
                Some("END\r\nEND\r\n"),
            ),
            (r#"{"action":"stale_reply"}"#, "END\r\n", Some("STORED\r\n")),
            (
                r#"{"action":"extra_reply"}"#,
                "END\r\n",
                Some("END\r\nEND\r\n"),
            ),
            (
                r#"{"action":"extra_reply","text":"HI\r\n","place":"before"}"#,
                "END\r\n",
                Some("HI\r\nEND\r\n"),
            ),
            (r#"{"action":"extra_reply"}"#, "", None),
        ];
        for (json, reply, expected) in cases {
            let expected = expected.map(str::to_owned);
            assert_eq!(forged(json, "get", reply), expected, "{json} {reply:?}");
        }
        let meta = forged(r#"{"action":"extra_reply"}"#, "mg", "HD\r\n");
        assert_eq!(meta.as_deref(), Some("HD\r\nEN\r\n"));
    }

    /// A `getk` reply: flags, key and value.
    fn binary() -> Vec<u8> {
        let mut reply = vec![0x81, 0x0c, 0, 3, 4, 0, 0, 0, 0, 0, 0, 10, 1, 2, 3, 4];
        reply.extend_from_slice(&[0; 8]);
        reply.extend_from_slice(b"\0\0\0\0keyabc");
        reply
    }

    fn forged_binary(json: &str) -> Vec<u8> {
        let seen = Seen {
            connection: 1,
            number: 1,
            command: "get",
            key: b"key",
            more_keys: b"",
        };
        forge(&active(json), &seen, &binary(), b"").unwrap()
    }

    #[test]
    fn binary_replies_stay_well_formed_but_for_the_lie() {
        let reply = forged_binary(r#"{"action":"wrong_key","wrong":"long"}"#);
        assert_eq!(reply[2..4], [0, 4]);
        assert_eq!(reply[8..12], [0, 0, 0, 11]);
        assert_eq!(&reply[28..], b"longabc");
        let reply = forged_binary(r#"{"action":"wrong_opaque"}"#);
        assert_ne!(reply[12..16], [1, 2, 3, 4]);
        let reply = forged_binary(r#"{"action":"wrong_length","by":-99}"#);
        assert_eq!(reply[8..12], [0, 0, 0, 7]);
        let reply = forged_binary(r#"{"action":"extra_reply"}"#);
        assert_eq!(reply.len(), binary().len() + 24);
    }

    #[test]
    fn pieces_are_cut_whole() {
        let cut = |json, length| {
            let pieces = pieces(&active(json), length).unwrap();
            pieces.iter().map(|(size, _)| *size).collect::<Vec<_>>()
        };
        assert_eq!(cut(r#"{"action":"split"}"#, 3), [1, 1, 1]);
        assert_eq!(cut(r#"{"action":"drip","bytes":4}"#, 10), [4, 4, 2]);
        assert_eq!(
            cut(r#"{"action":"bandwidth","bytes_per_second":100}"#, 12),
            [5, 5, 2]
        );
        let slices = cut(r#"{"action":"slice","average":10,"variation":3}"#, 1000);
        assert_eq!(slices.iter().sum::<usize>(), 1000);
        let (_, whole) = slices.split_last().unwrap();
        assert!(whole.iter().all(|size| (7..=13).contains(size)));
        assert!(whole.iter().any(|size| *size != 10));
        let rule = active(r#"{"action":"bandwidth","bytes_per_second":100}"#);
        let total: Duration = pieces(&rule, 200)
            .unwrap()
            .iter()
            .map(|(_, pause)| *pause)
            .sum();
        assert_eq!(total, Duration::from_secs(2));
        assert_eq!(pieces(&active(r#"{"action":"flush"}"#), 3), None);
    }

    #[test]
    fn garbage_is_the_same_for_the_same_seed() {
        let one = garbage(&active(r#"{"action":"garbage","seed":1}"#), 20);
        assert_eq!(one.len(), 20);
        assert_eq!(
            one,
            garbage(&active(r#"{"action":"garbage","seed":1}"#), 20)
        );
        assert_ne!(
            one,
            garbage(&active(r#"{"action":"garbage","seed":2}"#), 20)
        );
    }
}
