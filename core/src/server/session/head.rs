//! Looking at a request without executing it.

use super::binary::{HEADER, command};
use super::storing::data_length;
use super::words::Words;

/// The head of one request, for fault rules and request logs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Head<'a> {
    /// The command's name in the text protocol's words, such as `get` or `mg`;
    /// binary opcodes have the name of their text cousin, quiet or not, and
    /// `sasl_list`, `sasl_auth`, `sasl_step`; empty for an unknown opcode.
    pub command: &'a str,
    /// The first key as sent, empty when the command has none.
    pub key: &'a [u8],
    /// Bytes of the request, data block included, or `None` when its length
    /// cannot be told.
    pub length: Option<usize>,
}

/// Reads the head of a text request.
pub(super) fn text(input: &[u8]) -> Option<Head<'_>> {
    let end = memchr::memchr(b'\n', input)?;
    let line = input[..end].strip_suffix(b"\r").unwrap_or(&input[..end]);
    let mut words = Words::new(line);
    let command = std::str::from_utf8(words.next().unwrap_or_default()).unwrap_or_default();
    let line_length = Some(end + 1);
    let with_data = |word: Option<&[u8]>| {
        word.and_then(data_length)
            .map(|length| end + 1 + length + 2)
    };
    let (key, length) = match command {
        "get" | "gets" | "delete" | "incr" | "decr" | "touch" | "mg" | "md" | "ma" | "me" => {
            (words.next(), line_length)
        }
        "gat" | "gats" => (words.nth(1), line_length),
        "set" | "add" | "replace" | "append" | "prepend" | "cas" => {
            (words.next(), with_data(words.nth(2)))
        }
        "ms" => (words.next(), with_data(words.next())),
        _ => (None, line_length),
    };
    Some(Head {
        command,
        key: key.unwrap_or_default(),
        length,
    })
}

/// Reads the head of a binary request.
pub(super) fn binary(input: &[u8]) -> Option<Head<'_>> {
    let head = input.first_chunk::<HEADER>()?;
    let key_length = usize::from(u16::from_be_bytes([head[2], head[3]]));
    let body = u32::from_be_bytes([head[8], head[9], head[10], head[11]]) as usize;
    let start = HEADER + usize::from(head[4]);
    let key = if body < key_length {
        b""
    } else {
        input.get(start..start + key_length)?
    };
    Some(Head {
        command: command(head[1]).map_or("", |(_, _, name)| name),
        key,
        length: Some(HEADER + body),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_measured_whole() {
        let head = text(b"set k 0 0 3 noreply\r\nabc\r\nget k\r\n").unwrap();
        assert_eq!(
            (head.command, head.key, head.length),
            ("set", &b"k"[..], Some(26))
        );
        let head = text(b"gat 0 k\n").unwrap();
        assert_eq!(
            (head.command, head.key, head.length),
            ("gat", &b"k"[..], Some(8))
        );
        assert_eq!(text(b"set k 0 0 x\r\n").unwrap().length, None);
        assert_eq!(text(b"get k"), None);
    }

    #[test]
    fn opcodes_have_names() {
        let mut packet = [0; 25];
        packet[..4].copy_from_slice(&[0x80, 0x0d, 0, 1]);
        packet[11] = 1;
        packet[24] = b'k';
        let head = binary(&packet).unwrap();
        assert_eq!(
            (head.command, head.key, head.length),
            ("get", &b"k"[..], Some(25))
        );
        assert_eq!(binary(&packet[..24]), None);
    }
}
