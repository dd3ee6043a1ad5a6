//! Files of users and passwords.

use super::Credential;
use crate::{Error, ErrorKind, Result};

/// Entries that count; memcached reads no more.
const MOST_ENTRIES: usize = 8;

/// Bytes of one line, its end included; memcached cuts longer ones silently.
const LONGEST_LINE: usize = 256;

/// Reads the lines `user:password` of a file for memcached's `-Y`.
///
/// As in memcached the password ends at a carriage return or newline, may hold
/// colons, and lines behind the eighth are not read. A line that is too long is
/// an error here instead of a shorter password.
///
/// ```
/// let users = memoxide::server::parse_credentials(b"ann:secret\nbob:hunter:2\n")?;
/// assert_eq!(users[1].password, b"hunter:2");
/// # Ok::<(), memoxide::Error>(())
/// ```
///
/// # Errors
///
/// [`ErrorKind::Config`] for a line without a colon, an empty one included, and
/// for one of more than 255 bytes.
pub fn parse_credentials(file: &[u8]) -> Result<Vec<Credential>> {
    let mut users = Vec::new();
    for line in file
        .split_inclusive(|&byte| byte == b'\n')
        .take(MOST_ENTRIES)
    {
        let malformed = || {
            let number = users.len() + 1;
            let message = format!("line {number} of the authentication file is not user:password");
            Error::new(ErrorKind::Config, message)
        };
        if line.len() >= LONGEST_LINE {
            return Err(malformed());
        }
        let colon = memchr::memchr(b':', line).ok_or_else(malformed)?;
        let (username, password) = (&line[..colon], &line[colon + 1..]);
        let end = password
            .iter()
            .position(|byte| matches!(byte, b'\r' | b'\n' | 0));
        let password = &password[..end.unwrap_or(password.len())];
        users.push(Credential::new(username, password));
    }
    Ok(users)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(file: &[u8]) -> Vec<(String, String)> {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        parse_credentials(file)
            .unwrap()
            .iter()
            .map(|user| (text(&user.username), text(&user.password)))
            .collect()
    }

    #[test]
    fn line_ends_do_not_matter() {
        let both = [("a".into(), "b".into()), ("c".into(), "d e".into())];
        for file in ["a:b\nc:d e\n", "a:b\r\nc:d e\r\n", "a:b\nc:d e"] {
            assert_eq!(names(file.as_bytes()), both, "{file:?}");
        }
        assert_eq!(names(b""), []);
        assert_eq!(names(b":\n"), [(String::new(), String::new())]);
    }

    #[test]
    fn the_ninth_is_not_read() {
        let file: String = (0..12).map(|number| format!("u{number}:p\n")).collect();
        let users = parse_credentials(file.as_bytes()).unwrap();
        assert_eq!(users.last().unwrap().username, b"u7");
        assert_eq!(users.len(), 8);
    }

    #[test]
    fn a_line_without_colon_or_end_is_refused() {
        let long = format!("user:{}\n", "p".repeat(300));
        for file in ["user\n", "a:b\n\nc:d\n", &long] {
            let error = parse_credentials(file.as_bytes()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(!error.message().contains("pp"), "no secrets in messages");
        }
    }
}
