//! Compression of values: the formats, when they are used, and the limits.
//!
//! The compressed streams are in [`stream`], FastLZ is in [`fastlz`].

mod fastlz;
mod stream;

pub(super) use self::stream::{Failure, Stream};

/// When and how a codec compresses.
///
/// Which formats a dialect has is in the table of `docs/values.md`; a codec with
/// another one refuses to encode. Whether a result is kept that did not get
/// smaller depends on the dialect, as in the client that it follows.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Compression {
    /// The format to write. Every format of the dialect is read regardless.
    pub format: CompressionFormat,
    /// Values of fewer bytes stay as they are. A value of exactly this length is
    /// compressed where the client that the dialect follows does so.
    pub above: usize,
}

/// A compression format.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum CompressionFormat {
    /// FastLZ, PHP's default.
    FastLz,
    /// gzip, which a dalli client may be set to.
    Gzip,
    /// A zlib stream.
    Zlib,
    /// Zstandard.
    Zstd,
}

impl CompressionFormat {
    /// Every format, in the order of this enum.
    pub const ALL: [Self; 4] = [Self::FastLz, Self::Gzip, Self::Zlib, Self::Zstd];

    /// Returns the name used in options and messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::FastLz => "fastlz",
            Self::Gzip => "gzip",
            Self::Zlib => "zlib",
            Self::Zstd => "zstd",
        }
    }

    /// Returns the format of this name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }
}

/// How compressed bytes lie in the store.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Packing {
    pub(super) stream: Stream,
    /// The length before compression stands in front, as four bytes, the least
    /// significant first (PHP writes the machine's order, which this is on
    /// x86 and ARM).
    pub(super) prefixed: bool,
}

const PREFIX: usize = size_of::<u32>();

impl Packing {
    pub(super) const fn plain(stream: Stream) -> Self {
        Self {
            stream,
            prefixed: false,
        }
    }

    pub(super) const fn prefixed(stream: Stream) -> Self {
        Self {
            stream,
            prefixed: true,
        }
    }

    /// Compresses `bytes`; nothing where this build or the format cannot.
    pub(super) fn pack(self, bytes: &[u8]) -> Option<Vec<u8>> {
        let mut packed = Vec::new();
        if self.prefixed {
            packed.extend_from_slice(&u32::try_from(bytes.len()).ok()?.to_le_bytes());
        }
        self.stream.deflate(bytes, &mut packed)?;
        Some(packed)
    }

    /// Inflates `bytes` into at most `limit` bytes. Memory grows with what comes
    /// out, never with a length that the data claims.
    pub(super) fn unpack(self, bytes: &[u8], limit: usize) -> Result<Vec<u8>, Failure> {
        if !self.prefixed {
            return self.stream.inflate(bytes, limit);
        }
        let Some((length, bytes)) = bytes.split_first_chunk::<PREFIX>() else {
            return Err(Failure::Corrupt("compressed value is cut short"));
        };
        let length = u32::from_le_bytes(*length) as usize;
        if length > limit {
            return Err(Failure::TooLarge);
        }
        match self.stream.inflate(bytes, length) {
            Ok(inflated) if inflated.len() == length => Ok(inflated),
            Ok(_) | Err(Failure::TooLarge) => Err(Failure::Corrupt(
                "compressed value has another length than it says",
            )),
            Err(failure) => Err(failure),
        }
    }

    /// The format that `bytes` are in.
    pub(super) fn format(self, bytes: &[u8]) -> CompressionFormat {
        self.stream.format(bytes)
    }

    /// The length of the part of a packed value that is not the stream.
    pub(super) const fn overhead(self) -> usize {
        if self.prefixed { PREFIX } else { 0 }
    }
}

#[cfg(test)]
mod tests;
