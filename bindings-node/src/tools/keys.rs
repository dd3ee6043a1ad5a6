//! Keys that the program has.

use std::fs::File;
use std::io::BufReader;

use memoxide::client::tools::read_keys;
use memoxide::{Error, ErrorKind, Result};
use napi::bindgen_prelude::Uint8Array;

/// Where keys come from.
pub(super) enum Source {
    /// One key on each line.
    File(String),
    /// The servers list them.
    Listed,
    /// Packed: a length of two bytes, the least significant first, and the key.
    Packed(Vec<Vec<u8>>),
}

/// Keys one after the other, or what went wrong with reading one.
pub(super) type Keys = Box<dyn Iterator<Item = Result<Vec<u8>>>>;

impl Source {
    pub(super) fn new(packed: Option<Vec<Uint8Array>>, file: Option<String>) -> Self {
        match (packed, file) {
            (Some(chunks), _) => Self::Packed(chunks.iter().map(|chunk| chunk.to_vec()).collect()),
            (None, Some(path)) => Self::File(path),
            (None, None) => Self::Listed,
        }
    }

    /// Returns the keys; nothing where the servers list them.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` when the file cannot be opened.
    pub(super) fn keys(&mut self) -> Result<Option<Keys>> {
        Ok(match self {
            Self::Listed => None,
            Self::File(path) => {
                let refuse = |error: std::io::Error, path: &str| {
                    let message = format!("keys cannot be read from {path}: {error}");
                    Error::new(ErrorKind::InvalidArgument, message)
                };
                let path = std::mem::take(path);
                let file = File::open(&path).map_err(|error| refuse(error, &path))?;
                let lines = read_keys(BufReader::new(file));
                Some(Box::new(
                    lines.map(move |line| line.map_err(|error| refuse(error, &path))),
                ))
            }
            Self::Packed(chunks) => {
                let chunks = std::mem::take(chunks).into_iter();
                Some(Box::new(chunks.flat_map(unpack).map(Ok)))
            }
        })
    }
}

fn unpack(chunk: Vec<u8>) -> impl Iterator<Item = Vec<u8>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let (length, _) = chunk[at..].split_first_chunk()?;
        let start = at + 2;
        at = start + usize::from(u16::from_le_bytes(*length));
        chunk.get(start..at).map(<[u8]>::to_vec)
    })
}
