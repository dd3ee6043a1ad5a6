//! Authentication in the text protocol.

use std::fmt;

use super::reply;
use crate::error::{Error, ErrorKind, Result};

/// A user name and a password; the debug form shows neither.
///
/// ```
/// use memoxide::protocol::Credentials;
///
/// assert!(Credentials::new("ann", "secret").is_ok());
/// assert!(Credentials::new("two words", "secret").is_err());
/// ```
#[derive(Clone, Eq, PartialEq)]
pub struct Credentials {
    /// The name, a space, and the password, as they go over the wire.
    token: Vec<u8>,
}

/// The longest token that memcached takes.
const LONGEST_TOKEN: usize = 255;

impl Credentials {
    /// Joins a user name and a password.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] when the name is empty or has a space, which would
    /// end it, or both are longer than memcached reads.
    pub fn new(username: &str, password: &str) -> Result<Self> {
        let refuse = |message| Err(Error::new(ErrorKind::Config, message));
        if username.is_empty() || username.contains(' ') {
            return refuse("username is empty or has a space, which servers read as its end");
        }
        if username.len() + 1 + password.len() > LONGEST_TOKEN {
            return refuse("username and password are over 254 bytes long together");
        }
        let token = [username.as_bytes(), b" ", password.as_bytes()].concat();
        Ok(Self { token })
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(***)")
    }
}

/// Appends the request that authenticates the connection.
///
/// A server that asks for none stores it as an item, so it is one that expires
/// at once.
pub(super) fn encode(credentials: &Credentials, out: &mut Vec<u8>) {
    out.extend_from_slice(b"set auth 0 -1");
    super::text::push_number(out, credentials.token.len());
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(&credentials.token);
    out.extend_from_slice(b"\r\n");
}

/// Reads the answer to that.
///
/// # Errors
///
/// [`ErrorKind::Auth`] unless the server took the credentials.
pub(super) fn parse(line: &[u8]) -> Result<()> {
    if line == b"STORED" {
        return Ok(());
    }
    let why = match reply::failure(line) {
        Some((error, _)) => error.message().to_owned(),
        None => "it answered something else".to_owned(),
    };
    let message = format!("server did not take username and password: {why}");
    Err(Error::new(ErrorKind::Auth, message))
}
