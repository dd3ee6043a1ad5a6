//! Replies in the place of a request's own.

use super::ErrorReply;

const REQUEST: u8 = 0x80;
const RESPONSE: u8 = 0x81;
const HEADER: usize = 24;

/// The error `kind` as the answer to `request`, whose first line or header must
/// be complete.
pub(crate) fn refusal(request: &[u8], kind: ErrorReply, message: Option<&str>) -> Vec<u8> {
    let message = message.unwrap_or("injected fault");
    let (status, text, line) = match kind {
        ErrorReply::Busy => (
            0x86,
            "Temporary failure",
            "SERVER_ERROR temporary failure".into(),
        ),
        ErrorReply::Client => (4, "Invalid arguments", format!("CLIENT_ERROR {message}")),
        ErrorReply::OutOfMemory => (
            0x82,
            "Out of memory",
            "SERVER_ERROR out of memory storing object".into(),
        ),
        ErrorReply::Server => (0x84, message, format!("SERVER_ERROR {message}")),
        ErrorReply::TooLarge => (
            3,
            "Too large.",
            "SERVER_ERROR object too large for cache".into(),
        ),
        ErrorReply::UnknownCommand => (0x81, "Unknown command", "ERROR".into()),
    };
    answer(request, status, text, &line)
}

/// The answer of a server that wants other credentials, or any.
pub(crate) fn unauthenticated(request: &[u8], is_attempt: bool) -> Vec<u8> {
    let line = if is_attempt {
        "CLIENT_ERROR authentication failure"
    } else {
        "CLIENT_ERROR unauthenticated"
    };
    answer(request, 0x20, "Auth failure.", line)
}

/// Whether a text request asks for no reply.
pub(crate) fn is_quiet(request: &[u8]) -> bool {
    let end = memchr::memchr(b'\n', request).unwrap_or(request.len());
    let line = request[..end].trim_ascii_end();
    request.first() != Some(&REQUEST) && line.ends_with(b" noreply")
}

fn answer(request: &[u8], status: u16, text: &str, line: &str) -> Vec<u8> {
    let binary = request
        .first_chunk::<HEADER>()
        .filter(|header| header[0] == REQUEST);
    let Some(header) = binary else {
        return format!("{line}\r\n").into_bytes();
    };
    let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
    let mut reply = vec![RESPONSE, header[1], 0, 0, 0, 0];
    reply.extend_from_slice(&status.to_be_bytes());
    reply.extend_from_slice(&length.to_be_bytes());
    // The opaque, and no cas.
    reply.extend_from_slice(&header[12..16]);
    reply.extend_from_slice(&[0; 8]);
    reply.extend_from_slice(text.as_bytes());
    reply
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_errors_are_lines() {
        let cases = [
            (ErrorReply::UnknownCommand, None, "ERROR\r\n"),
            (
                ErrorReply::OutOfMemory,
                None,
                "SERVER_ERROR out of memory storing object\r\n",
            ),
            (
                ErrorReply::TooLarge,
                None,
                "SERVER_ERROR object too large for cache\r\n",
            ),
            (
                ErrorReply::Server,
                Some("on fire"),
                "SERVER_ERROR on fire\r\n",
            ),
            (ErrorReply::Client, Some("no"), "CLIENT_ERROR no\r\n"),
        ];
        for (kind, message, expected) in cases {
            let reply = refusal(b"get k\r\n", kind, message);
            assert_eq!(String::from_utf8(reply).unwrap(), expected);
        }
    }

    #[test]
    fn binary_errors_carry_opcode_and_opaque() {
        let mut request = [0; 25];
        request[..2].copy_from_slice(&[0x80, 0x01]);
        request[12..16].copy_from_slice(&[1, 2, 3, 4]);
        let reply = refusal(&request, ErrorReply::TooLarge, None);
        assert_eq!(reply[..8], [0x81, 0x01, 0, 0, 0, 0, 0, 3]);
        assert_eq!(reply[8..16], [0, 0, 0, 10, 1, 2, 3, 4]);
        assert_eq!(&reply[24..], b"Too large.");
        let reply = unauthenticated(&request, true);
        assert_eq!(reply[6..8], [0, 0x20]);
        assert_eq!(&reply[24..], b"Auth failure.");
    }

    #[test]
    fn noreply_is_noticed() {
        assert!(is_quiet(b"set k 0 0 1 noreply\r\nv\r\n"));
        assert!(!is_quiet(b"set k 0 0 9\r\n noreply\r\n"));
        assert!(!is_quiet(b"get k\r\n"));
    }
}
