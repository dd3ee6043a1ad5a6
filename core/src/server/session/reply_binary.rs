//! Writing binary replies.

use crate::server::store::commands::Outcome;

/// First byte of a reply.
const RESPONSE: u8 = 0x81;
/// Bytes of client flags in a reply to a retrieval.
const FLAGS: usize = 4;

/// Status codes.
pub(super) mod status {
    pub(crate) const OK: u16 = 0;
    pub(crate) const NOT_FOUND: u16 = 1;
    pub(crate) const EXISTS: u16 = 2;
    pub(crate) const TOO_LARGE: u16 = 3;
    pub(crate) const INVALID: u16 = 4;
    pub(crate) const NOT_STORED: u16 = 5;
    pub(crate) const NOT_NUMERIC: u16 = 6;
    pub(crate) const AUTH_ERROR: u16 = 0x20;
    pub(crate) const UNKNOWN_COMMAND: u16 = 0x81;
    pub(crate) const OUT_OF_MEMORY: u16 = 0x82;
}

/// What a reply repeats of its request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    pub(super) opcode: u8,
    pub(super) opaque: [u8; 4],
    /// Whether success, or for a retrieval a miss, goes without a reply.
    pub(super) quiet: bool,
}

impl Header {
    /// Writes the head of a reply whose body has `body` bytes.
    #[inline]
    fn start(
        self,
        status: u16,
        extras: usize,
        key: usize,
        body: usize,
        cas: u64,
        output: &mut Vec<u8>,
    ) {
        let mut head = [0; super::binary::HEADER];
        head[0] = RESPONSE;
        head[1] = self.opcode;
        head[2..4].copy_from_slice(&(key as u16).to_be_bytes());
        head[4] = extras as u8;
        head[6..8].copy_from_slice(&status.to_be_bytes());
        head[8..12].copy_from_slice(&(body as u32).to_be_bytes());
        head[12..16].copy_from_slice(&self.opaque);
        head[16..24].copy_from_slice(&cas.to_be_bytes());
        output.reserve(head.len() + body);
        output.extend_from_slice(&head);
    }

    /// Answers success, which a quiet request does not want to hear of.
    #[inline]
    pub(super) fn done(self, cas: u64, output: &mut Vec<u8>) {
        if !self.quiet {
            self.start(status::OK, 0, 0, 0, cas, output);
        }
    }

    /// Answers with a body.
    pub(super) fn body(self, status: u16, body: &[u8], output: &mut Vec<u8>) {
        self.start(status, 0, 0, body.len(), 0, output);
        output.extend_from_slice(body);
    }

    /// Answers with a key alone.
    pub(super) fn key(self, status: u16, key: &[u8], output: &mut Vec<u8>) {
        self.start(status, 0, key.len(), key.len(), 0, output);
        output.extend_from_slice(key);
    }

    /// Answers an error with its usual text.
    pub(super) fn error(self, status: u16, output: &mut Vec<u8>) {
        self.body(status, text(status), output);
    }

    /// Answers a retrieval.
    #[inline]
    pub(super) fn value(
        self,
        flags: u32,
        cas: u64,
        key: &[u8],
        value: &[u8],
        output: &mut Vec<u8>,
    ) {
        let body = FLAGS + key.len() + value.len();
        self.start(status::OK, FLAGS, key.len(), body, cas, output);
        output.extend_from_slice(&flags.to_be_bytes());
        output.extend_from_slice(key);
        output.extend_from_slice(value);
    }

    /// Answers arithmetic.
    pub(super) fn number(self, value: u64, cas: u64, output: &mut Vec<u8>) {
        if !self.quiet {
            self.start(status::OK, 0, 0, 8, cas, output);
            output.extend_from_slice(&value.to_be_bytes());
        }
    }

    /// Answers one statistic.
    pub(super) fn statistic(self, name: &[u8], value: &[u8], output: &mut Vec<u8>) {
        self.start(
            status::OK,
            0,
            name.len(),
            name.len() + value.len(),
            0,
            output,
        );
        output.extend_from_slice(name);
        output.extend_from_slice(value);
    }

    /// Answers storing.
    pub(super) fn stored(self, stored: Outcome, output: &mut Vec<u8>) {
        const REPLACE: u8 = 0x03;
        const QUIET_REPLACE: u8 = 0x13;
        const ADD: u8 = 0x02;
        const QUIET_ADD: u8 = 0x12;
        let status = match (stored, self.opcode) {
            (Outcome::Stored { cas, .. }, _) => return self.done(cas, output),
            (Outcome::Exists, _) => status::EXISTS,
            (Outcome::NotFound, _) => status::NOT_FOUND,
            (Outcome::NotStored, ADD | QUIET_ADD) => status::EXISTS,
            (Outcome::NotStored, REPLACE | QUIET_REPLACE) => status::NOT_FOUND,
            (Outcome::NotStored, _) => status::NOT_STORED,
            (Outcome::NoMemory, _) => {
                let text = b"Out of memory allocating item";
                return self.body(status::OUT_OF_MEMORY, text, output);
            }
        };
        self.error(status, output);
    }
}

fn text(status: u16) -> &'static [u8] {
    match status {
        status::NOT_FOUND => b"Not found",
        status::EXISTS => b"Data exists for key.",
        status::TOO_LARGE => b"Too large.",
        status::INVALID => b"Invalid arguments",
        status::NOT_STORED => b"Not stored.",
        status::NOT_NUMERIC => b"Non-numeric server-side value for incr or decr",
        status::AUTH_ERROR => b"Auth failure.",
        status::OUT_OF_MEMORY => b"Out of memory",
        _ => b"Unknown command",
    }
}
