//! Lines of a list of keys, as `lru_crawler metadump` writes them.

use super::expect::{bad_line, number, token};
use crate::error::{Error, ErrorKind, Result};

/// What a list of keys tells about one item.
///
/// ```
/// use memoxide::protocol::DumpedKey;
///
/// let line = b"key=gr%C3%BC%C3%9Fe exp=-1 la=1795218595 cas=2 fetch=no cls=1 size=72";
/// let item = DumpedKey::parse(line)?;
/// assert_eq!(item.key, "grüße".as_bytes());
/// assert_eq!((item.expires, item.cas, item.fetched), (None, 2, false));
/// # Ok::<(), memoxide::Error>(())
/// ```
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub struct DumpedKey {
    /// The key as it is stored. That of an item stored under a base64 key is
    /// the binary one: lists do not mark it.
    pub key: Vec<u8>,
    /// When the item expires, in seconds since 1970; `None` for never.
    pub expires: Option<u64>,
    /// When it was last used, in seconds since 1970.
    pub last_access: u64,
    /// The cas id, 0 where the server keeps none.
    pub cas: u64,
    /// Whether it was ever read.
    pub fetched: bool,
    /// The class of sizes it is in.
    pub class: u32,
    /// The bytes it takes, key and header included.
    pub size: u64,
    /// The stored flags; `None` from servers that do not list them.
    pub flags: Option<u32>,
}

impl DumpedKey {
    /// Reads a line without its end.
    ///
    /// Fields that are absent are left at their default, and unknown ones are
    /// passed over: versions of memcached differ there.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Protocol`] when the line does not begin with a key, or a
    /// field is malformed.
    pub fn parse(line: &[u8]) -> Result<Self> {
        Self::read(line).ok_or_else(|| bad_line(line))
    }

    fn read(line: &[u8]) -> Option<Self> {
        let (key, mut rest) = token(line);
        let mut item = Self {
            key: decode(key.strip_prefix(b"key=")?)?,
            ..Self::default()
        };
        while !rest.is_empty() {
            let (field, after) = token(rest);
            rest = after;
            let Some(equals) = memchr::memchr(b'=', field) else {
                // Spaces at the end of a line make empty fields.
                if field.is_empty() {
                    continue;
                }
                return None;
            };
            let (name, value) = (&field[..equals], &field[equals + 1..]);
            match name {
                b"exp" if value == b"-1" => item.expires = None,
                b"exp" => item.expires = Some(number(value)?),
                b"la" => item.last_access = number(value)?,
                b"cas" => item.cas = number(value)?,
                b"fetch" => item.fetched = value == b"yes",
                b"cls" => item.class = u32::try_from(number(value)?).ok()?,
                b"size" => item.size = number(value)?,
                b"flags" => item.flags = Some(u32::try_from(number(value)?).ok()?),
                _ => {}
            }
        }
        Some(item)
    }
}

/// Takes the URI encoding from a key.
fn decode(encoded: &[u8]) -> Option<Vec<u8>> {
    let mut key = Vec::with_capacity(encoded.len());
    let mut rest = encoded;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'%' {
            key.push(byte);
            continue;
        }
        let (digits, after) = rest.split_at_checked(2)?;
        rest = after;
        let digit = |digit: u8| char::from(digit).to_digit(16);
        key.push((digit(digits[0])? << 4 | digit(digits[1])?) as u8);
    }
    (!key.is_empty()).then_some(key)
}

/// Puts the refusal of a list into words: most servers that cannot list keys
/// do not say so.
pub(super) fn refusal(error: Error) -> Error {
    let why = match error.kind() {
        ErrorKind::UnknownCommand => "it does not know the command",
        ErrorKind::Client if error.message().contains("crawler disabled") => {
            "its lru crawler is off"
        }
        ErrorKind::Server if error.message().contains("not allowed") => "dumps are not allowed",
        _ => return error,
    };
    let message = format!("server cannot list keys (lru_crawler metadump): {why}");
    Error::new(ErrorKind::Unsupported, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(lines: &[u8]) -> Vec<DumpedKey> {
        let lines = lines.split(|byte| *byte == b'\n');
        let lines = lines.filter(|line| line.starts_with(b"key="));
        let lines = lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        lines
            .map(|line| DumpedKey::parse(line).expect("a key"))
            .collect()
    }

    /// From memcached 1.6.18; the third was stored as `ms AAEC/w== 1 b`.
    const RECORDED: &[u8] =
        b"key=plain exp=1795218695 la=1795218595 cas=1 fetch=yes cls=1 size=69\n\
        key=sch%C3%BCssel%2F%25%2B exp=-1 la=1795218595 cas=2 fetch=no cls=1 size=72\n\
        key=%00%01%02%FF exp=-1 la=1795218595 cas=3 fetch=no cls=1 size=64\nEND\r\n";

    #[test]
    fn recorded_lines_are_read() {
        let found = keys(RECORDED);
        assert_eq!(
            found[0],
            DumpedKey {
                key: b"plain".to_vec(),
                expires: Some(1_795_218_695),
                last_access: 1_795_218_595,
                cas: 1,
                fetched: true,
                class: 1,
                size: 69,
                flags: None,
            }
        );
        assert_eq!(found[1].key, "schüssel/%+".as_bytes());
        assert_eq!(found[2].key, [0, 1, 2, 255]);
    }

    #[test]
    fn flags_and_fields_of_later_versions_are_no_hindrance() {
        let line =
            b"key=k exp=-1 la=5 cas=9 fetch=no cls=3 size=80 flags=16 ext_page=1 ext_offset=2 ";
        let item = DumpedKey::parse(line).expect("a key");
        assert_eq!((item.flags, item.class, item.size), (Some(16), 3, 80));
    }

    #[test]
    fn what_is_no_line_is_refused() {
        for line in [
            &b"key="[..],
            b"mg k",
            b"key=%4",
            b"key=%zz",
            b"key=k exp=soon",
            b"key=k size=-1",
            b"key=k nonsense",
            b"",
        ] {
            let error = DumpedKey::parse(line).expect_err("no line");
            assert_eq!(error.kind(), ErrorKind::Protocol, "{}", line.escape_ascii());
        }
    }
}
