//! Where a server listens.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, ErrorKind, Result};

/// The port of memcached when none is given.
pub const DEFAULT_PORT: u16 = 11211;

/// Where a server listens. Nothing is resolved or lower-cased.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Address {
    /// A host name or IP address, without the brackets of IPv6, and a port.
    Tcp {
        /// The host as configured.
        host: String,
        /// The port.
        port: u16,
    },
    /// The path of a Unix socket.
    Unix {
        /// The path as configured.
        path: String,
    },
}

impl FromStr for Address {
    type Err = Error;

    /// Reads `host`, `host:port`, `[ipv6]:port`, a bare IPv6 address,
    /// `inet:host:port`, `inet6:[ipv6]:port`, `unix:/path` or `/path`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] for anything else.
    fn from_str(text: &str) -> Result<Self> {
        let text = text.trim();
        let refuse = |what: &str| {
            Err(Error::new(
                ErrorKind::Config,
                format!("server address \"{text}\" {what}"),
            ))
        };
        if text.is_empty() {
            return refuse("is empty");
        }
        if let Some(path) = text.strip_prefix("unix:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return if path.is_empty() {
                refuse("names no path")
            } else {
                Ok(Self::Unix {
                    path: path.to_owned(),
                })
            };
        }
        if text.starts_with('/') {
            return Ok(Self::Unix {
                path: text.to_owned(),
            });
        }
        if text.contains('@') {
            // What stands before it may be a password, so the text is not shown.
            let message = "server address has an @: credentials belong into a URL, \
                or into username and password";
            return Err(Error::new(ErrorKind::Config, message));
        }
        let rest = text
            .strip_prefix("inet6:")
            .or_else(|| text.strip_prefix("inet:"))
            .unwrap_or(text);
        let (host, port) = if let Some(inner) = rest.strip_prefix('[') {
            let Some((host, after)) = inner.split_once(']') else {
                return refuse("has no closing bracket");
            };
            match (after, after.strip_prefix(':')) {
                ("", _) => (host, None),
                (_, Some(port)) => (host, Some(port)),
                _ => return refuse("has text behind the bracket"),
            }
        } else if rest.parse::<std::net::Ipv6Addr>().is_ok() {
            (rest, None)
        } else {
            match rest.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (rest, None),
            }
        };
        if host.is_empty() {
            return refuse("names no host");
        }
        if host.contains(|c: char| c.is_whitespace() || c.is_control() || "/?#,;".contains(c)) {
            return refuse("has a character that no host name has");
        }
        let port = match port {
            None => DEFAULT_PORT,
            Some(digits) => match digits.parse::<u16>() {
                Ok(port) if port > 0 => port,
                _ => return refuse("has no port between 1 and 65535"),
            },
        };
        Ok(Self::Tcp {
            host: host.to_owned(),
            port,
        })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "{host}:{port}"),
            Self::Unix { path } => write!(f, "unix:{path}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_is_read() {
        for (text, shown) in [
            ("cache1", "cache1:11211"),
            ("cache1:11212", "cache1:11212"),
            ("inet:cache1:5", "cache1:5"),
            ("inet6:[::1]:5", "[::1]:5"),
            ("[::1]", "[::1]:11211"),
            ("::1", "[::1]:11211"),
            ("unix:/run/memcached.sock", "unix:/run/memcached.sock"),
            ("/run/memcached.sock", "unix:/run/memcached.sock"),
        ] {
            assert_eq!(text.parse::<Address>().expect(text).to_string(), shown);
        }
    }

    #[test]
    fn what_does_not_parse_is_named() {
        for text in [
            "", "a:b", "a:0", "a:70000", "a:1:2", ":1", "[::1", "[::1]x", "unix:", "a b",
        ] {
            let error = text.parse::<Address>().expect_err(text);
            assert_eq!(error.kind(), ErrorKind::Config, "{text}");
            assert!(error.message().contains(text), "{error}");
        }
    }
}
