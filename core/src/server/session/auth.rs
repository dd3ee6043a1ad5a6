//! Credentials: text authentication and SASL PLAIN.

use super::reply_binary::{Header, status};
use super::words::{Words, number32};
use super::{Flow, Phase, Talk, reply};
use crate::server::CloseReason;
use crate::server::settings::Credential;
use crate::server::shared::{Access, count};

/// Shortest line that can be a text authentication.
const SHORTEST: usize = 6;
/// Longest pair of user and password.
const LONGEST_TOKEN: usize = 16384;
/// Longest SASL message.
const LONGEST_SASL: usize = 2048;

/// A SASL request.
pub(super) struct SaslMessage<'a> {
    /// Whether it starts an exchange.
    pub(super) start: bool,
    pub(super) mechanism: &'a [u8],
    /// Length of the message.
    pub(super) length: usize,
    /// Input from the message on.
    pub(super) rest: &'a [u8],
}

impl Talk {
    /// Takes the line of a text authentication: `set <any> <any> <any> <n>`.
    pub(super) fn ask_for_credentials(
        &mut self,
        access: &Access<'_>,
        line: &[u8],
        used: usize,
        output: &mut Vec<u8>,
    ) -> (usize, Flow) {
        debug_assert!(access.shared.settings().auth_file.is_some());
        if used <= SHORTEST {
            self.reason = CloseReason::Error;
            return (used, Flow::Close);
        }
        let mut words = Words::new(line);
        let is_set = words.next().is_some_and(|word| word.starts_with(b"set"));
        match words.nth(3).and_then(number32) {
            Some(length) if is_set && length as usize <= LONGEST_TOKEN => {
                self.phase = Phase::AuthToken(length as usize);
            }
            Some(_) if is_set => reply::line(output, b"CLIENT_ERROR auth token too long"),
            _ => reply::line(output, b"CLIENT_ERROR unauthenticated"),
        }
        (used, Flow::Continue)
    }

    /// Takes the data block of a text authentication: `user password`.
    pub(super) fn auth_token(
        &mut self,
        access: &Access<'_>,
        input: &[u8],
        output: &mut Vec<u8>,
    ) -> (usize, Flow) {
        let Phase::AuthToken(length) = self.phase else {
            return (0, Flow::Continue);
        };
        let Some((token, line_end)) = input
            .get(..length + 2)
            .and_then(|data| data.split_at_checked(length))
        else {
            return (0, Flow::NeedInput);
        };
        self.phase = Phase::Command;
        let used = length + 2;
        if line_end != b"\r\n" {
            reply::line(output, b"CLIENT_ERROR bad command line termination");
            return (used, Flow::Continue);
        }
        let Some(space) = memchr::memchr(b' ', token) else {
            reply::line(output, b"CLIENT_ERROR bad authentication token format");
            return (used, Flow::Continue);
        };
        let users = access.shared.ascii_users().unwrap_or_default();
        let totals = &access.shared.totals;
        count(&totals.auth_commands);
        if is_known(&users, &token[..space], &token[space + 1..]) {
            self.authenticated = true;
            reply::line(output, b"STORED");
        } else {
            count(&totals.auth_errors);
            reply::line(output, b"CLIENT_ERROR authentication failure");
        }
        (used, Flow::Continue)
    }

    /// Takes a SASL message; `None` while it is incomplete, else the bytes used.
    pub(super) fn sasl(
        &mut self,
        access: &Access<'_>,
        header: Header,
        message: SaslMessage<'_>,
        output: &mut Vec<u8>,
    ) -> Option<usize> {
        let SaslMessage {
            start,
            mechanism,
            length,
            rest,
        } = message;
        let Some(users) = &access.shared.settings().sasl else {
            header.error(status::UNKNOWN_COMMAND, output);
            self.swallow(length);
            return Some(0);
        };
        if length > LONGEST_SASL {
            header.error(status::OUT_OF_MEMORY, output);
            self.swallow(length);
            return Some(0);
        }
        let message = rest.get(..length)?;
        let totals = &access.shared.totals;
        count(&totals.auth_commands);
        // PLAIN is one message: the identity to act as, the user, the password.
        let mut parts = message.splitn(3, |byte| *byte == 0);
        let known = match (parts.next(), parts.next(), parts.next()) {
            (Some(_), Some(user), Some(password)) => is_known(users, user, password),
            _ => false,
        };
        if start && mechanism == b"PLAIN" && known {
            self.authenticated = true;
            header.body(status::OK, b"Authenticated", output);
        } else {
            if start {
                self.authenticated = false;
            }
            count(&totals.auth_errors);
            header.error(status::AUTH_ERROR, output);
        }
        Some(length)
    }
}

/// Whether there is such a user; takes as long for a wrong password as for a
/// right one of its length.
fn is_known(users: &[Credential], username: &[u8], password: &[u8]) -> bool {
    users.iter().fold(false, |known, user| {
        known | (same(&user.username, username) & same(&user.password, password))
    })
}

fn same(left: &[u8], right: &[u8]) -> bool {
    left.len() == right.len()
        && left
            .iter()
            .zip(right)
            .fold(0, |difference, (a, b)| difference | (a ^ b))
            == 0
}
