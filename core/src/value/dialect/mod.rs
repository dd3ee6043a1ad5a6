//! The dialects: what each client family writes beside and into a value.
//!
//! Every dialect has two functions in a file of its own: `write` turns a value
//! into flags and bytes, `read` turns them back. Which bits of the flags mark
//! compression, and when a compressed value is kept, is told here.

mod dalli;
mod memoxide;
mod meta_memcache;
mod node;
mod php;
mod python;
mod raw;

pub use python::PythonKind;

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;

use super::codec::{Codec, Serializer};
use super::compress::{CompressionFormat, Packing, Stream};
use super::foreign::{Foreign, Format};
use super::{Encoded, Value, number};
use crate::error::{Error, ErrorKind, Result};

/// A way of storing values, named after the client that it follows.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Dialect {
    /// Ruby: dalli.
    Dalli,
    /// Node: memcache-client.
    MemcacheClient,
    /// The native one, the same in Rust, Python and Node.
    #[default]
    Memoxide,
    /// Python: meta-memcache.
    MetaMemcache,
    /// Node: memcached (and connect-memcached).
    NodeMemcached,
    /// PHP: the memcached extension.
    Php,
    /// Python: pylibmc, Django's `PyLibMCCache`, cachelib.
    Pylibmc,
    /// Python: python-memcached, pymemcache with a serde, Django's
    /// `PyMemcacheCache`.
    Python,
    /// Bytes as they are, flags 0: memjs, aiomcache, emcache, gomemcache and
    /// every client without types.
    Raw,
}

impl Dialect {
    /// Every dialect, in the order of this enum.
    pub const ALL: [Self; 9] = [
        Self::Dalli,
        Self::MemcacheClient,
        Self::Memoxide,
        Self::MetaMemcache,
        Self::NodeMemcached,
        Self::Php,
        Self::Pylibmc,
        Self::Python,
        Self::Raw,
    ];

    /// Returns the name used in options and messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dalli => "dalli",
            Self::MemcacheClient => "memcache-client",
            Self::Memoxide => "memoxide",
            Self::MetaMemcache => "meta-memcache",
            Self::NodeMemcached => "node-memcached",
            Self::Php => "php",
            Self::Pylibmc => "pylibmc",
            Self::Python => "python",
            Self::Raw => "raw",
        }
    }

    /// Returns the dialect of this name.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`], with the names that exist.
    pub fn by_name(name: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|dialect| dialect.name() == name);
        found.ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            Error::new(
                ErrorKind::Config,
                format!("no value dialect of this name, there are {names}"),
            )
        })
    }

    /// Returns how lists, maps and `null` are stored unless a codec says
    /// otherwise: as JSON by [`Dialect::Php`], natively by the others.
    #[must_use]
    pub const fn serializer(self) -> Serializer {
        match self {
            Self::Php => Serializer::Json,
            _ => Serializer::Native,
        }
    }

    /// Returns the flags of bytes and those of text where a stored value with
    /// these flags is nothing but its bytes, whatever they are, or its UTF-8; a
    /// driver may then take the shortest way between them and its own objects.
    #[must_use]
    pub const fn verbatim(self) -> Option<(u32, u32)> {
        match self {
            Self::Memoxide | Self::Pylibmc | Self::Python => Some((0, 16)),
            _ => None,
        }
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Turns `value` into flags and bytes, not compressed.
pub(super) fn write<'a>(codec: &Codec, value: Value<'a>) -> Result<Draft<'a>> {
    match (codec.dialect, value) {
        (_, Value::Foreign(foreign)) => write_foreign(codec, foreign),
        (_, Value::Int(digits)) if !number::is_decimal(digits.as_bytes()) => Err(Error::new(
            ErrorKind::Encode,
            "integer is not written in plain decimal digits",
        )),
        (Dialect::Dalli, value) => dalli::write(codec, value),
        (Dialect::MemcacheClient, value) => node::write_memcache_client(value),
        (Dialect::Memoxide, value) => memoxide::write(value),
        (Dialect::MetaMemcache, value) => meta_memcache::write(value),
        (Dialect::NodeMemcached, value) => node::write_node_memcached(value),
        (Dialect::Php, value) => php::write(codec, value),
        (Dialect::Pylibmc, value) => python::write_pylibmc(value),
        (Dialect::Python, value) => python::write(value),
        (Dialect::Raw, value) => raw::write(value),
    }
}

/// Whether a value with these flags is bytes as they are, where that can be told
/// at once.
#[inline]
pub(super) const fn is_plain(dialect: Dialect, flags: u32) -> bool {
    match dialect {
        Dialect::Memoxide => flags == 0,
        Dialect::Raw => true,
        _ => false,
    }
}

/// Turns `flags`, without the bits that mark compression, and bytes into a value.
pub(super) fn read<'a>(
    codec: &Codec,
    flags: u32,
    bytes: Cow<'a, [u8]>,
) -> Result<Value<'a>, Fault<'a>> {
    match codec.dialect {
        Dialect::Dalli => dalli::read(codec, flags, bytes),
        Dialect::MemcacheClient => node::read_memcache_client(codec, flags, bytes),
        Dialect::Memoxide => memoxide::read(codec, flags, bytes),
        Dialect::MetaMemcache => meta_memcache::read(codec, flags, bytes),
        Dialect::NodeMemcached => node::read_node_memcached(codec, flags, bytes),
        Dialect::Php => php::read(codec, flags, bytes),
        Dialect::Pylibmc => python::read_pylibmc(codec, flags, bytes),
        Dialect::Python => python::read(codec, flags, bytes),
        Dialect::Raw => Ok(Value::Bytes(bytes)),
    }
}

/// How the dialect stores values compressed in `format`, and the bits that mark
/// them.
pub(super) const fn packing(dialect: Dialect, format: CompressionFormat) -> Option<(Packing, u32)> {
    use CompressionFormat::{FastLz, Gzip, Zlib, Zstd};

    Some(match (dialect, format) {
        (Dialect::Dalli, Gzip) => (Packing::plain(Stream::Gzip), dalli::COMPRESSED),
        (Dialect::Dalli, Zlib) => (Packing::plain(Stream::Zlib), dalli::COMPRESSED),
        (Dialect::MemcacheClient, Gzip) => (Packing::plain(Stream::Gzip), node::COMPRESSED),
        (Dialect::MemcacheClient, Zlib) => (Packing::plain(Stream::Zlib), node::COMPRESSED),
        (Dialect::MemcacheClient, Zstd) => (Packing::plain(Stream::Zstd), node::COMPRESSED),
        (Dialect::Memoxide, Zlib) => (Packing::plain(Stream::Zlib), memoxide::COMPRESSED),
        (Dialect::Memoxide, Zstd) => (
            Packing::plain(Stream::Zstd),
            memoxide::COMPRESSED | memoxide::ZSTD,
        ),
        (Dialect::MetaMemcache, Zlib) => (Packing::plain(Stream::Zlib), meta_memcache::ZLIB),
        (Dialect::MetaMemcache, Zstd) => {
            (Packing::plain(Stream::ZstdMagicless), meta_memcache::ZSTD)
        }
        (Dialect::Php, FastLz) => (
            Packing::prefixed(Stream::FastLz),
            php::COMPRESSED | php::FASTLZ,
        ),
        (Dialect::Php, Zlib) => (Packing::prefixed(Stream::Zlib), php::COMPRESSED | php::ZLIB),
        (Dialect::Php, Zstd) => (Packing::prefixed(Stream::Zstd), php::COMPRESSED | php::ZSTD),
        (Dialect::Pylibmc | Dialect::Python, Zlib) => {
            (Packing::plain(Stream::Zlib), python::COMPRESSED)
        }
        _ => return None,
    })
}

/// How a value with these flags is compressed, if it is, and the other flags.
pub(super) const fn packed(dialect: Dialect, flags: u32) -> Option<(Packing, u32)> {
    let (mark, stream) = match dialect {
        Dialect::Dalli => (dalli::COMPRESSED, Stream::Marked),
        Dialect::MemcacheClient => (node::COMPRESSED, Stream::Marked),
        Dialect::Memoxide if flags & memoxide::ZSTD != 0 => {
            (memoxide::COMPRESSED | memoxide::ZSTD, Stream::Zstd)
        }
        Dialect::Memoxide => (memoxide::COMPRESSED, Stream::Zlib),
        Dialect::MetaMemcache if flags & meta_memcache::ZLIB == 0 => {
            (meta_memcache::ZSTD, Stream::ZstdMagicless)
        }
        Dialect::MetaMemcache => (meta_memcache::ZLIB, Stream::Zlib),
        Dialect::Php => return php::packed(flags),
        Dialect::Pylibmc | Dialect::Python => (python::COMPRESSED, Stream::Zlib),
        Dialect::NodeMemcached | Dialect::Raw => return None,
    };
    if flags & mark != mark {
        return None;
    }
    Some((Packing::plain(stream), flags & !mark))
}

/// When the client that the dialect follows compresses.
pub(super) struct CompressionRule {
    /// Whether a value of exactly the threshold is compressed.
    pub(super) inclusive: bool,
    /// When the result is kept.
    pub(super) keep: Keep,
}

/// When a compressed value is kept.
pub(super) enum Keep {
    /// Even if it is larger.
    Always,
    /// When the original is more than so many tenths of the stream.
    Factor(usize),
    /// When it is smaller.
    Smaller,
}

pub(super) const fn compression_rule(
    dialect: Dialect,
    format: CompressionFormat,
) -> CompressionRule {
    let (inclusive, keep) = match (dialect, format) {
        (Dialect::Dalli | Dialect::MemcacheClient, _) => (true, Keep::Always),
        (Dialect::MetaMemcache, format) => {
            (matches!(format, CompressionFormat::Zstd), Keep::Always)
        }
        (Dialect::Php, _) => (true, Keep::Factor(13)),
        (Dialect::Pylibmc, _) => (true, Keep::Smaller),
        _ => (false, Keep::Smaller),
    };
    CompressionRule { inclusive, keep }
}

/// A value in the bytes of its dialect, before compression.
pub(super) struct Draft<'a> {
    pub(super) flags: u32,
    pub(super) bytes: Cow<'a, [u8]>,
    /// What the compression threshold is compared with; nothing for values that
    /// are never compressed.
    pub(super) length: Option<usize>,
}

impl<'a> Draft<'a> {
    /// A value that may be compressed.
    fn new(flags: u32, bytes: impl Into<Cow<'a, [u8]>>) -> Self {
        let bytes = bytes.into();
        Self {
            flags,
            length: Some(bytes.len()),
            bytes,
        }
    }

    /// Text that may be compressed.
    fn text(flags: u32, text: Cow<'a, str>) -> Self {
        Self::new(flags, utf8(text))
    }

    /// A value that is never compressed.
    fn short(flags: u32, text: Cow<'a, str>) -> Self {
        Self {
            length: None,
            ..Self::text(flags, text)
        }
    }

    pub(super) fn into_encoded(self) -> Encoded<'a> {
        Encoded {
            flags: self.flags,
            bytes: self.bytes,
        }
    }
}

/// Why stored bytes are no value of the dialect, and the bytes.
pub(super) struct Fault<'a> {
    reason: Cow<'static, str>,
    bytes: Cow<'a, [u8]>,
}

impl<'a> Fault<'a> {
    fn new(reason: impl Into<Cow<'static, str>>, bytes: Cow<'a, [u8]>) -> Self {
        Self {
            reason: reason.into(),
            bytes,
        }
    }

    /// Flags that the dialect does not write.
    fn unknown(bytes: Cow<'a, [u8]>) -> Self {
        Self::new("", bytes)
    }

    /// The same about other bytes: those that were stored.
    fn about(self, bytes: Cow<'a, [u8]>) -> Self {
        Self { bytes, ..self }
    }

    /// Builds the error, with `stored` attached if given, else the bytes read.
    #[cold]
    pub(super) fn into_error(
        self,
        dialect: Dialect,
        flags: u32,
        stored: Option<Cow<'_, [u8]>>,
    ) -> Error {
        let message = if self.reason.is_empty() {
            Cow::Owned(format!("dialect {dialect} does not know flags {flags:#x}"))
        } else {
            self.reason
        };
        let bytes = match stored {
            Some(stored) => stored.into_owned(),
            None => self.bytes.into_owned(),
        };
        Error::new(ErrorKind::Decode, message).with_raw(flags, Bytes::from(bytes))
    }
}

/// The error for a value that the dialect has no form for.
#[cold]
fn refusal(dialect: Dialect, what: &str, hint: &str) -> Error {
    Error::new(
        ErrorKind::Encode,
        format!("dialect {dialect} cannot store {what}: {hint}"),
    )
}

/// The flags of a serialization format, where the dialect has it.
const fn foreign_flags(dialect: Dialect, format: Format) -> Option<u32> {
    Some(match (dialect, format) {
        (Dialect::Dalli, Format::Marshal) => dalli::SERIALIZED,
        (Dialect::Memoxide, Format::Msgpack) => memoxide::MSGPACK,
        (Dialect::Memoxide, Format::Pickle) => memoxide::PICKLE,
        (Dialect::MetaMemcache, Format::Pickle) => meta_memcache::PICKLE,
        (Dialect::Php, Format::PhpSerialized) => php::SERIALIZED,
        (Dialect::Php, Format::Igbinary) => php::IGBINARY,
        (Dialect::Php, Format::Msgpack) => php::MSGPACK,
        (Dialect::Pylibmc | Dialect::Python, Format::Pickle) => python::PICKLE,
        _ => return None,
    })
}

fn write_foreign<'a>(codec: &Codec, foreign: Foreign<'a>) -> Result<Draft<'a>> {
    let Foreign {
        format,
        flags,
        bytes,
    } = foreign;
    if format == Format::Opaque {
        return Ok(Draft {
            flags,
            bytes,
            length: None,
        });
    }
    let Some(flags) = foreign_flags(codec.dialect, format) else {
        return Err(refusal(
            codec.dialect,
            format.name(),
            "it has no flags for this format",
        ));
    };
    if !codec.allows(format) {
        return Err(refusal(
            codec.dialect,
            format.name(),
            "the option foreign does not name this format",
        ));
    }
    Ok(match codec.dialect {
        Dialect::Php => php::marked(codec, Draft::new(flags, bytes)),
        _ => Draft::new(flags, bytes),
    })
}

/// Hands over bytes of a serialization format, if the codec allows it.
fn foreign<'a>(
    codec: &Codec,
    format: Format,
    flags: u32,
    bytes: Cow<'a, [u8]>,
) -> Result<Value<'a>, Fault<'a>> {
    if codec.allows(format) {
        return Ok(Value::Foreign(Foreign {
            format,
            flags,
            bytes,
        }));
    }
    let name = format.name();
    Err(Fault::new(
        format!("value is {name} data; name {name} in the option foreign to have its bytes"),
        bytes,
    ))
}

/// Reads bytes that are marked as text.
fn text(bytes: Cow<'_, [u8]>) -> Result<Value<'_>, Fault<'_>> {
    from_utf8(bytes)
        .map(Value::Text)
        .map_err(|bytes| Fault::new("value is marked as text and is not UTF-8", bytes))
}

/// Reads bytes whose flags do not tell text from bytes.
fn text_or_bytes(bytes: Cow<'_, [u8]>) -> Value<'_> {
    from_utf8(bytes).map_or_else(Value::Bytes, Value::Text)
}

/// Reads decimal digits.
fn int(bytes: Cow<'_, [u8]>) -> Result<Value<'_>, Fault<'_>> {
    number::decimal(bytes)
        .map(Value::Int)
        .map_err(|bytes| Fault::new("value is marked as an integer and is none", bytes))
}

fn utf8(text: Cow<'_, str>) -> Cow<'_, [u8]> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    }
}

fn from_utf8(bytes: Cow<'_, [u8]>) -> Result<Cow<'_, str>, Cow<'_, [u8]>> {
    match bytes {
        Cow::Borrowed(bytes) => std::str::from_utf8(bytes)
            .map(Cow::Borrowed)
            .map_err(|_| Cow::Borrowed(bytes)),
        Cow::Owned(bytes) => String::from_utf8(bytes)
            .map(Cow::Owned)
            .map_err(|error| Cow::Owned(error.into_bytes())),
    }
}
