//! The codec: a dialect with its options.

use std::borrow::Cow;

use bytes::Bytes;

use super::compress::{Compression, CompressionFormat, Failure, Packing};
use super::dialect::{self, Dialect, Keep};
use super::foreign::{Format, Formats};
use super::{Encoded, Value};
use crate::error::{Error, ErrorKind, Result};

/// The default of [`Codec::max_value_size`]: memcached's own limit, 1 MiB.
pub const DEFAULT_MAX_VALUE_SIZE: usize = 1 << 20;

/// The default of [`Codec::max_decompressed_size`]: 64 MiB.
pub const DEFAULT_MAX_DECOMPRESSED_SIZE: usize = 64 << 20;

/// Encodes and decodes values in one [`Dialect`].
///
/// ```
/// use memoxide::value::{Codec, Dialect, Value};
///
/// let codec = Codec {
///     max_value_size: 16 << 20,
///     ..Codec::new(Dialect::Php)
/// };
/// let encoded = codec.encode(Value::from(true))?;
/// assert_eq!((encoded.flags, &*encoded.bytes), (3, &b"1"[..]));
/// # Ok::<(), memoxide::Error>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Codec {
    /// The way of writing; [`Dialect::Memoxide`] by default.
    pub dialect: Dialect,
    /// Compression of what is written; off by default. What others compressed is
    /// read regardless.
    pub compression: Option<Compression>,
    /// The most bytes a value may have when it is stored;
    /// [`DEFAULT_MAX_VALUE_SIZE`] by default.
    pub max_value_size: usize,
    /// The most bytes a compressed value may inflate to;
    /// [`DEFAULT_MAX_DECOMPRESSED_SIZE`] by default.
    pub max_decompressed_size: usize,
    /// The formats of single languages that are read and written; none by
    /// default. A stored value of another format is an [`ErrorKind::Decode`].
    pub foreign: Formats,
    /// How lists, maps and `null` are stored where the dialect has a choice;
    /// [`Dialect::serializer`] by default.
    pub serializer: Serializer,
    /// Whether integers beyond ±(2^53 - 1) inside JSON trees are refused on
    /// reading too, for a host whose parser rounds them; off by default. They
    /// are never written by [`Dialect::Memoxide`].
    pub safe_integers: bool,
    /// The upper 16 bits of the flags that [`Dialect::Php`] writes (PHP's
    /// `OPT_USER_FLAGS`); 0 by default. They are ignored on reading.
    pub user_flags: u16,
}

/// How a dialect with a choice stores lists, maps and `null`.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Serializer {
    /// JSON: the option `SERIALIZER_JSON` of PHP, `serializer: JSON` of dalli,
    /// which then stores text and numbers as JSON too.
    Json,
    /// The language's own format, what both clients do unless told otherwise:
    /// `serialize` of PHP, which is then read and written as plain data without
    /// objects, or Marshal of Ruby, which stays opaque.
    Native,
}

impl Serializer {
    /// Returns the name used in options.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Native => "native",
        }
    }

    /// Returns the serializer of this name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        [Self::Json, Self::Native]
            .into_iter()
            .find(|serializer| serializer.name() == name)
    }
}

impl Default for Codec {
    fn default() -> Self {
        Self::new(Dialect::default())
    }
}

impl Codec {
    /// Returns the codec of `dialect` with every option at its default.
    #[must_use]
    pub const fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            compression: None,
            max_value_size: DEFAULT_MAX_VALUE_SIZE,
            max_decompressed_size: DEFAULT_MAX_DECOMPRESSED_SIZE,
            foreign: Formats::NONE,
            serializer: dialect.serializer(),
            safe_integers: false,
            user_flags: 0,
        }
    }

    /// Checks that the options fit together.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] when the dialect does not have the compression
    /// format or user flags, [`ErrorKind::Unsupported`] when this build does not
    /// have the format.
    pub fn check(&self) -> Result<()> {
        if self.user_flags != 0 && self.dialect != Dialect::Php {
            return Err(Error::new(
                ErrorKind::Config,
                format!("dialect {} has no user flags", self.dialect),
            ));
        }
        let Some(Compression { format, .. }) = self.compression else {
            return Ok(());
        };
        if dialect::packing(self.dialect, format).is_none() {
            return Err(self.no_such_compression(format));
        }
        if cfg!(not(feature = "compress")) && format != CompressionFormat::FastLz {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!("this build has no {} compression", format.name()),
            ));
        }
        Ok(())
    }

    /// Encodes `value` for the store. Without compression what is borrowed stays
    /// borrowed.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Encode`] when the dialect cannot express the value,
    /// [`ErrorKind::ValueTooLarge`] when the result has more than
    /// [`max_value_size`](Self::max_value_size) bytes, and what
    /// [`check`](Self::check) finds when the value would be compressed.
    pub fn encode<'a>(&self, value: Value<'a>) -> Result<Encoded<'a>> {
        let draft = dialect::write(self, value)?;
        let encoded = match self.compression {
            Some(compression) if draft.length.is_some() => self.compress(draft, compression)?,
            _ => draft.into_encoded(),
        };
        self.limited(encoded)
    }

    /// Encodes what a serializer of the program's own has made of a value, with
    /// flags of its own. It is compressed as the dialect's values are, unless
    /// its flags could not be told from the mark of that.
    ///
    /// ```
    /// use memoxide::value::{Codec, Dialect};
    ///
    /// let codec = Codec::new(Dialect::Memoxide);
    /// let encoded = codec.encode_own(0x80000, &b"<a/>"[..])?;
    /// assert!(codec.is_own(0x80000, encoded.flags));
    /// assert_eq!(&*codec.decode_own(0x80000, encoded.flags, encoded.bytes)?, b"<a/>");
    /// # Ok::<(), memoxide::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ValueTooLarge`], and what [`check`](Self::check) finds when
    /// the value would be compressed.
    pub fn encode_own<'a>(
        &self,
        flags: u32,
        bytes: impl Into<Cow<'a, [u8]>>,
    ) -> Result<Encoded<'a>> {
        let mut draft = dialect::Draft {
            flags,
            bytes: bytes.into(),
            length: None,
        };
        let encoded = match self.compression {
            Some(compression) if self.can_mark(flags, compression.format) => {
                draft.length = Some(draft.bytes.len());
                self.compress(draft, compression)?
            }
            _ => draft.into_encoded(),
        };
        self.limited(encoded)
    }

    /// Whether what has these flags was encoded by
    /// [`encode_own`](Self::encode_own) with the flags `own`.
    #[must_use]
    pub fn is_own(&self, own: u32, flags: u32) -> bool {
        flags == own || self.own_packing(own, flags).is_some()
    }

    /// Returns what was given to [`encode_own`](Self::encode_own) with the flags
    /// `own`, for what [`is_own`](Self::is_own).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Decode`] when it cannot be decompressed, or
    /// [`ErrorKind::Unsupported`] when this build cannot, with the flags and
    /// bytes attached.
    pub fn decode_own<'a>(
        &self,
        own: u32,
        flags: u32,
        bytes: Cow<'a, [u8]>,
    ) -> Result<Cow<'a, [u8]>> {
        let Some(packing) = self.own_packing(own, flags) else {
            return Ok(bytes);
        };
        match packing.unpack(&bytes, self.max_decompressed_size) {
            Ok(inflated) => Ok(Cow::Owned(inflated)),
            Err(failure) => Err(self.unpack_error(failure, flags, bytes)),
        }
    }

    /// Whether the mark of a compression can be told from flags of the program's.
    fn can_mark(&self, own: u32, format: CompressionFormat) -> bool {
        dialect::packing(self.dialect, format)
            .is_some_and(|(_, mark)| self.own_packing(own, own | mark).is_some())
    }

    /// Returns how something is compressed whose flags are `own` with a mark.
    fn own_packing(&self, own: u32, flags: u32) -> Option<Packing> {
        if flags == own || dialect::packed(self.dialect, own).is_some() {
            return None;
        }
        dialect::packed(self.dialect, flags)
            .filter(|(_, kept)| *kept == own)
            .map(|(packing, _)| packing)
    }

    fn limited<'a>(&self, encoded: Encoded<'a>) -> Result<Encoded<'a>> {
        if encoded.bytes.len() <= self.max_value_size {
            return Ok(encoded);
        }
        Err(Error::new(
            ErrorKind::ValueTooLarge,
            format!(
                "value has {} bytes, the limit is {}",
                encoded.bytes.len(),
                self.max_value_size
            ),
        ))
    }

    /// Decodes what is stored. What was not compressed and needs no rewriting
    /// stays borrowed.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Decode`] when the dialect does not know the flags, when the
    /// bytes do not match them, or when the value is in a format that
    /// [`foreign`](Self::foreign) does not name; [`ErrorKind::Unsupported`] when
    /// this build cannot decompress it. Both have the flags and bytes attached
    /// ([`Error::raw`]).
    #[inline]
    pub fn decode<'a>(&self, flags: u32, bytes: Cow<'a, [u8]>) -> Result<Value<'a>> {
        if dialect::is_plain(self.dialect, flags) {
            return Ok(Value::Bytes(bytes));
        }
        self.decode_marked(flags, bytes)
    }

    /// Decodes what has flags that say something.
    fn decode_marked<'a>(&self, flags: u32, bytes: Cow<'a, [u8]>) -> Result<Value<'a>> {
        let Some((packing, kept)) = dialect::packed(self.dialect, flags) else {
            return dialect::read(self, flags, bytes)
                .map_err(|fault| fault.into_error(self.dialect, flags, None));
        };
        let result = match packing.unpack(&bytes, self.max_decompressed_size) {
            Ok(inflated) => dialect::read(self, kept, Cow::Owned(inflated)),
            Err(failure) => return Err(self.unpack_error(failure, flags, bytes)),
        };
        result.map_err(|fault| fault.into_error(self.dialect, flags, Some(bytes)))
    }

    /// Whether values of `format` are let through.
    pub(super) const fn allows(&self, format: Format) -> bool {
        matches!(format, Format::Opaque) || self.foreign.contains(format)
    }

    fn compress<'a>(
        &self,
        draft: dialect::Draft<'a>,
        Compression { format, above }: Compression,
    ) -> Result<Encoded<'a>> {
        self.check()?;
        let Some((packing, mark)) = dialect::packing(self.dialect, format) else {
            return Err(self.no_such_compression(format));
        };
        let rule = dialect::compression_rule(self.dialect, format);
        let length = draft.length.unwrap_or(draft.bytes.len());
        if length < above || (length == above && !rule.inclusive) {
            return Ok(draft.into_encoded());
        }
        let Some(packed) = packing.pack(&draft.bytes) else {
            return Ok(draft.into_encoded());
        };
        let keep = match rule.keep {
            Keep::Always => true,
            Keep::Smaller => packed.len() < draft.bytes.len(),
            // In tenths: 1.3 is PHP's default.
            Keep::Factor(tenths) => {
                draft.bytes.len() * 10 > (packed.len() - packing.overhead()) * tenths
            }
        };
        if !keep {
            return Ok(draft.into_encoded());
        }
        Ok(Encoded {
            flags: draft.flags | mark,
            bytes: Cow::Owned(packed),
        })
    }

    #[cold]
    fn no_such_compression(&self, format: CompressionFormat) -> Error {
        Error::new(
            ErrorKind::Config,
            format!(
                "dialect {} has no {} compression",
                self.dialect,
                format.name()
            ),
        )
    }

    #[cold]
    fn unpack_error(&self, failure: Failure, flags: u32, bytes: Cow<'_, [u8]>) -> Error {
        let error = match failure {
            Failure::Corrupt(message) => Error::new(ErrorKind::Decode, message),
            Failure::TooLarge => Error::new(
                ErrorKind::Decode,
                format!(
                    "compressed value inflates to more than {} bytes, the limit max_decompressed_size",
                    self.max_decompressed_size
                ),
            ),
            #[cfg(not(feature = "compress"))]
            Failure::Unsupported => Error::new(
                ErrorKind::Unsupported,
                "value is compressed and this build has no compression",
            ),
        };
        error.with_raw(flags, Bytes::from(bytes.into_owned()))
    }
}
