//! Keys from a file.

use std::io::{self, BufRead};

use crate::key::shorten;
use crate::protocol::DumpedKey;

/// The keys of a file, one at a time; see [`read_keys`].
#[derive(Debug)]
pub struct KeyLines<R> {
    reader: R,
    line: Vec<u8>,
}

/// Reads keys from a file: one on each line, as it is, or as `lru_crawler
/// metadump` lists them (`key=user%3A1 exp=-1 …`), so that its output can be
/// kept and used. Empty lines and the `END` of a list are passed over.
///
/// ```
/// use memoxide::client::tools::read_keys;
///
/// let file = &b"user:1\nkey=user%3A2 exp=-1 la=1795218595 cas=2 fetch=no cls=1 size=72\nEND\r\n"[..];
/// let keys: Vec<_> = read_keys(file).collect::<Result<_, _>>()?;
/// assert_eq!(keys, [b"user:1", b"user:2"]);
/// # Ok::<(), std::io::Error>(())
/// ```
pub const fn read_keys<R: BufRead>(reader: R) -> KeyLines<R> {
    KeyLines {
        reader,
        line: Vec::new(),
    }
}

impl<R: BufRead> Iterator for KeyLines<R> {
    type Item = io::Result<Vec<u8>>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            self.line.clear();
            match self.reader.read_until(b'\n', &mut self.line) {
                Ok(0) => return None,
                Ok(_) => {}
                Err(error) => return Some(Err(error)),
            }
            let line = self.line.strip_suffix(b"\n").unwrap_or(&self.line);
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if line.is_empty() || line == b"END" {
                continue;
            }
            // A key has no spaces, so this is a list.
            if line.starts_with(b"key=") && line.contains(&b' ') {
                return Some(match DumpedKey::parse(line) {
                    Ok(listed) => Ok(listed.key),
                    Err(_) => {
                        let message = format!("this is no line of a list: {}", shorten(line));
                        Err(io::Error::new(io::ErrorKind::InvalidData, message))
                    }
                });
            }
            return Some(Ok(line.to_vec()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_taken_as_they_are_unless_they_are_a_list() {
        let file = "a\r\n\nkey=b\nkey=%63 exp=-1\nb c\nEND\nlast".as_bytes();
        let keys: Vec<_> = read_keys(file).map(|key| key.expect("a key")).collect();
        let wanted = ["a", "key=b", "c", "b c", "last"];
        assert_eq!(keys, wanted.map(|key| key.as_bytes().to_vec()));
    }

    #[test]
    fn a_damaged_list_is_not_taken_for_keys() {
        let error = read_keys(&b"key=a exp=soon\n"[..]).next().expect("a line");
        assert_eq!(
            error.expect_err("damaged").kind(),
            io::ErrorKind::InvalidData
        );
    }
}
