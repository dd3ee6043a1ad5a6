//! Bytes in a format of one language, and which of them a codec lets through.

use std::borrow::Cow;

/// Bytes that only one language can turn into a value.
///
/// The core never interprets them. They are returned, and written, only where
/// [`Codec::foreign`](super::Codec::foreign) names their format;
/// [`Format::Opaque`] is written by every codec and returned by none.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Foreign<'a> {
    /// What wrote the bytes and can read them.
    pub format: Format,
    /// The flags as stored, without the bits that mark compression. On writing
    /// they count for [`Format::Opaque`] only: other formats have their flags
    /// from the dialect.
    pub flags: u32,
    /// The bytes, not compressed.
    pub bytes: Cow<'a, [u8]>,
}

impl<'a> Foreign<'a> {
    /// Wraps `bytes` of a format whose flags the dialect knows.
    pub fn new(format: Format, bytes: impl Into<Cow<'a, [u8]>>) -> Self {
        Self {
            format,
            flags: 0,
            bytes: bytes.into(),
        }
    }

    /// Wraps flags and bytes that are to be stored exactly as they are.
    pub fn opaque(flags: u32, bytes: impl Into<Cow<'a, [u8]>>) -> Self {
        Self {
            format: Format::Opaque,
            flags,
            bytes: bytes.into(),
        }
    }

    /// Copies the bytes if they are borrowed.
    #[must_use]
    pub fn into_owned(self) -> Foreign<'static> {
        Foreign {
            format: self.format,
            flags: self.flags,
            bytes: Cow::Owned(self.bytes.into_owned()),
        }
    }
}

/// A serialization format of one language.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Format {
    /// PHP's igbinary extension.
    Igbinary,
    /// Ruby's Marshal.
    Marshal,
    /// PHP's msgpack extension (MessagePack with PHP classes).
    Msgpack,
    /// Any flags and bytes, stored exactly as given.
    Opaque,
    /// PHP's own `serialize`; [`php`](super::php) reads it without running code.
    PhpSerialized,
    /// Python's pickle, any protocol.
    Pickle,
}

impl Format {
    /// Every format, in the order of this enum.
    pub const ALL: [Self; 6] = [
        Self::Igbinary,
        Self::Marshal,
        Self::Msgpack,
        Self::Opaque,
        Self::PhpSerialized,
        Self::Pickle,
    ];

    /// Returns the name used in options and messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Igbinary => "igbinary",
            Self::Marshal => "marshal",
            Self::Msgpack => "msgpack",
            Self::Opaque => "opaque",
            Self::PhpSerialized => "php",
            Self::Pickle => "pickle",
        }
    }

    /// Returns the format of this name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }
}

/// A set of [`Format`]s.
///
/// ```
/// use memoxide::value::{Format, Formats};
///
/// let formats: Formats = [Format::Pickle].into_iter().collect();
/// assert!(formats.contains(Format::Pickle) && !formats.contains(Format::Marshal));
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Formats(u8);

impl Formats {
    /// The empty set, the default of every codec.
    pub const NONE: Self = Self(0);
    /// Every format.
    pub const ALL: Self = Self(u8::MAX);

    /// Returns the set with `format` added.
    #[must_use]
    pub const fn with(self, format: Format) -> Self {
        Self(self.0 | 1 << format as u8)
    }

    /// Whether `format` is in the set.
    #[must_use]
    pub const fn contains(self, format: Format) -> bool {
        self.0 & 1 << format as u8 != 0
    }
}

impl FromIterator<Format> for Formats {
    fn from_iter<I: IntoIterator<Item = Format>>(formats: I) -> Self {
        formats.into_iter().fold(Self::NONE, Self::with)
    }
}
