//! Keys that were listed and do not fit in memory, in a file without a name.

use std::fs::{File, OpenOptions, remove_file};
use std::io::{self, BufReader, BufWriter, ErrorKind, Read, Seek, Write};

use crate::client::tools::listing::Listed;
use crate::net;

/// Keys in a file that disappears with this value. They are written first, then
/// read.
pub(super) struct Spill(BufWriter<File>);

impl Spill {
    /// Creates the file among the system's temporary ones.
    pub(super) fn create() -> io::Result<Self> {
        let path = std::env::temp_dir().join(format!("memoxide-keys-{}", net::token()));
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .open(&path)?;
        // Whatever becomes of this process, nothing is left behind.
        remove_file(&path)?;
        Ok(Self(BufWriter::new(file)))
    }

    pub(super) fn write(&mut self, keys: &[Listed]) -> io::Result<()> {
        for listed in keys {
            let length = u16::try_from(listed.key.len())
                .map_err(|_| io::Error::from(ErrorKind::InvalidInput))?;
            self.0.write_all(&length.to_le_bytes())?;
            self.0.write_all(&listed.key)?;
            // A date is never that late.
            let expires = listed.expires.unwrap_or(u64::MAX);
            self.0.write_all(&expires.to_le_bytes())?;
            self.0.write_all(&listed.size.to_le_bytes())?;
        }
        Ok(())
    }

    /// Reads the keys back, in chunks of `count`.
    pub(super) fn read(
        mut self,
        count: usize,
        mut each: impl FnMut(Vec<Listed>) -> bool,
    ) -> io::Result<()> {
        self.0.flush()?;
        let mut file = self.0.into_inner()?;
        file.rewind()?;
        let mut reader = BufReader::new(file);
        loop {
            let mut chunk = Vec::with_capacity(count);
            while chunk.len() < count
                && let Some(listed) = read_one(&mut reader)?
            {
                chunk.push(listed);
            }
            if chunk.is_empty() || !each(chunk) {
                return Ok(());
            }
        }
    }
}

fn read_one(reader: &mut impl Read) -> io::Result<Option<Listed>> {
    let mut length = [0; 2];
    match reader.read_exact(&mut length) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
        result => result?,
    }
    let mut key = vec![0; u16::from_le_bytes(length).into()];
    reader.read_exact(&mut key)?;
    let expires = Some(read_number(reader)?).filter(|date| *date != u64::MAX);
    let size = read_number(reader)?;
    Ok(Some(Listed { key, expires, size }))
}

fn read_number(reader: &mut impl Read) -> io::Result<u64> {
    let mut bytes = [0; 8];
    reader.read_exact(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let listed = |number: u64| Listed {
            key: format!("key:{number}").into_bytes(),
            expires: number.is_multiple_of(2).then_some(number),
            size: number * number,
        };
        let keys: Vec<Listed> = (0..1000).map(listed).collect();
        let mut spill = Spill::create().expect("a file");
        for chunk in keys.chunks(300) {
            spill.write(chunk).expect("room");
        }
        let mut found = Vec::new();
        let read = spill.read(256, |chunk| {
            assert!(chunk.len() == 256 || chunk.len() == 1000 - 3 * 256);
            found.extend(chunk);
            true
        });
        read.expect("a file");
        assert_eq!(found, keys);
    }

    #[test]
    fn reading_ends_when_enough_was_read() {
        let mut spill = Spill::create().expect("a file");
        let listed = Listed {
            key: b"key".to_vec(),
            expires: None,
            size: 1,
        };
        spill.write(&[listed.clone(), listed]).expect("room");
        let mut chunks = 0;
        let read = spill.read(1, |_| {
            chunks += 1;
            false
        });
        read.expect("a file");
        assert_eq!(chunks, 1);
    }
}
