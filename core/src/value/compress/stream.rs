//! Compressed streams: zlib, gzip and zstd through their libraries, FastLZ
//! through our own code.
//!
//! Inflating stops at the limit, refuses bytes behind the end of the stream, and
//! never trusts a length in the data.

use super::{CompressionFormat, fastlz};

/// A stream format as it is found in the store.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in super::super) enum Stream {
    FastLz,
    Gzip,
    /// zlib, gzip or zstd, told apart by their first bytes.
    Marked,
    Zlib,
    Zstd,
    /// A zstd frame without its first four bytes.
    ZstdMagicless,
}

/// Why a stream was not inflated.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in super::super) enum Failure {
    Corrupt(&'static str),
    TooLarge,
    /// This build has no library for the format.
    #[cfg(not(feature = "compress"))]
    Unsupported,
}

pub(super) const CUT_SHORT: Failure = Failure::Corrupt("compressed value is cut short");
pub(super) const DAMAGED: Failure = Failure::Corrupt("compressed value is damaged");
#[cfg(feature = "compress")]
const TRAILING: Failure = Failure::Corrupt("compressed value has more bytes behind its end");

impl Stream {
    /// Appends the compressed `bytes` to `packed`; nothing where this build or
    /// the format cannot.
    pub(in super::super) fn deflate(self, bytes: &[u8], packed: &mut Vec<u8>) -> Option<()> {
        match self {
            Self::FastLz => {
                fastlz::compress(bytes, packed);
                Some(())
            }
            _ => library::deflate(self, bytes, packed),
        }
    }

    /// Inflates `bytes` into at most `limit` bytes.
    pub(in super::super) fn inflate(self, bytes: &[u8], limit: usize) -> Result<Vec<u8>, Failure> {
        match (self, self.format(bytes)) {
            (Self::Marked, CompressionFormat::Gzip) => Self::Gzip.inflate(bytes, limit),
            (Self::Marked, CompressionFormat::Zstd) => Self::Zstd.inflate(bytes, limit),
            (Self::FastLz, _) => fastlz::decompress(bytes, limit),
            _ => library::inflate(self, bytes, limit),
        }
    }

    /// The format that `bytes` are in.
    pub(super) fn format(self, bytes: &[u8]) -> CompressionFormat {
        match self {
            Self::FastLz => CompressionFormat::FastLz,
            Self::Gzip => CompressionFormat::Gzip,
            Self::Marked if bytes.starts_with(&[0x1f, 0x8b]) => CompressionFormat::Gzip,
            Self::Marked if bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) => CompressionFormat::Zstd,
            Self::Marked | Self::Zlib => CompressionFormat::Zlib,
            Self::Zstd | Self::ZstdMagicless => CompressionFormat::Zstd,
        }
    }
}

/// A first capacity: what such data often inflates to, within the limit.
pub(super) fn first_capacity(compressed: usize, limit: usize) -> usize {
    compressed.saturating_mul(4).min(limit).max(64)
}

#[cfg(not(feature = "compress"))]
mod library {
    use super::{Failure, Stream};

    pub(super) fn deflate(_: Stream, _: &[u8], _: &mut Vec<u8>) -> Option<()> {
        None
    }

    pub(super) fn inflate(_: Stream, _: &[u8], _: usize) -> Result<Vec<u8>, Failure> {
        Err(Failure::Unsupported)
    }
}

#[cfg(feature = "compress")]
mod library {
    use std::io::{BufRead, Read, Write};

    use flate2::write::{GzEncoder, ZlibEncoder};
    use flate2::{Compression, Decompress, FlushDecompress, Status};

    use super::{CUT_SHORT, DAMAGED, Failure, Stream, TRAILING, first_capacity};

    const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

    pub(super) fn deflate(stream: Stream, bytes: &[u8], packed: &mut Vec<u8>) -> Option<()> {
        match stream {
            Stream::FastLz => None,
            Stream::Gzip => {
                let mut encoder = GzEncoder::new(packed, Compression::default());
                encoder.write_all(bytes).ok()?;
                encoder.finish().ok().map(drop)
            }
            Stream::Marked | Stream::Zlib => {
                let mut encoder = ZlibEncoder::new(packed, Compression::default());
                encoder.write_all(bytes).ok()?;
                encoder.finish().ok().map(drop)
            }
            Stream::Zstd => {
                packed.extend_from_slice(&zstd::bulk::compress(bytes, 0).ok()?);
                Some(())
            }
            Stream::ZstdMagicless => {
                let frame = zstd::bulk::compress(bytes, 0).ok()?;
                packed.extend_from_slice(frame.strip_prefix(&ZSTD_MAGIC)?);
                Some(())
            }
        }
    }

    pub(super) fn inflate(stream: Stream, bytes: &[u8], limit: usize) -> Result<Vec<u8>, Failure> {
        match stream {
            Stream::FastLz => Err(DAMAGED),
            Stream::Gzip => inflate_with(Decompress::new_gzip(15), bytes, limit),
            Stream::Marked | Stream::Zlib => inflate_with(Decompress::new(true), bytes, limit),
            Stream::Zstd => inflate_zstd(bytes, bytes, bytes.len(), limit),
            Stream::ZstdMagicless => {
                // The magic number and the longest header.
                let mut head = ZSTD_MAGIC.to_vec();
                head.extend(bytes.iter().take(14));
                let frame = ZSTD_MAGIC.as_slice().chain(bytes);
                inflate_zstd(frame, &head, bytes.len(), limit)
            }
        }
    }

    fn inflate_with(mut state: Decompress, bytes: &[u8], limit: usize) -> Result<Vec<u8>, Failure> {
        let mut out = Vec::with_capacity(first_capacity(bytes.len(), limit));
        loop {
            let rest = &bytes[state.total_in() as usize..];
            let before = (rest.len(), out.len());
            let status = state
                .decompress_vec(rest, &mut out, FlushDecompress::None)
                .map_err(|_| DAMAGED)?;
            let rest = &bytes[state.total_in() as usize..];
            if out.len() > limit {
                return Err(Failure::TooLarge);
            }
            if status == Status::StreamEnd {
                return if rest.is_empty() {
                    Ok(out)
                } else {
                    Err(TRAILING)
                };
            }
            if out.len() == out.capacity() {
                // One byte over the limit is enough to notice.
                let more = out.len().min(limit + 1 - out.len());
                out.reserve_exact(more.max(64));
            } else if (rest.len(), out.len()) == before {
                return Err(CUT_SHORT);
            }
        }
    }

    /// Inflates `frame`, which has `length` bytes and begins with `head`.
    fn inflate_zstd(
        frame: impl BufRead,
        head: &[u8],
        length: usize,
        limit: usize,
    ) -> Result<Vec<u8>, Failure> {
        if let Ok(Some(size)) = zstd::zstd_safe::get_frame_content_size(head)
            && size > limit as u64
        {
            return Err(Failure::TooLarge);
        }
        if length == 0 {
            return Err(CUT_SHORT);
        }
        let mut decoder = zstd::Decoder::with_buffer(frame)
            .map_err(|_| DAMAGED)?
            .single_frame();
        // A frame may ask for a window far beyond what it holds. Encoders ask
        // for up to 8 MiB whatever the length is.
        let window = limit.max(8 << 20).next_power_of_two().ilog2().min(27);
        decoder.window_log_max(window).map_err(|_| DAMAGED)?;
        let mut out = Vec::with_capacity(first_capacity(length, limit));
        let read = decoder
            .by_ref()
            .take(limit as u64 + 1)
            .read_to_end(&mut out);
        if out.len() > limit {
            return Err(Failure::TooLarge);
        }
        if let Err(error) = read {
            return Err(match error.kind() {
                std::io::ErrorKind::UnexpectedEof => CUT_SHORT,
                _ => DAMAGED,
            });
        }
        match decoder.finish().fill_buf() {
            Ok([]) => Ok(out),
            _ => Err(TRAILING),
        }
    }
}
