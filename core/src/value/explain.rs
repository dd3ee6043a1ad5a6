//! Who probably wrote a stored value, and what it means.
//!
//! Flags alone do not tell: 1, 2, 4, 8 and 16 have at least three meanings each.
//! [`explain`] reads the bytes in every dialect, drops those that cannot be, and
//! orders the others by how well the bytes fit and whether the dialect would have
//! written them so. The value itself is not shown.
//!
//! ```
//! use memoxide::value::{Confidence, Dialect, Kind, explain};
//!
//! let guesses = explain(0x1_0010, br#"{"id":1}"#);
//! assert_eq!(guesses[0].dialect, Dialect::Memoxide);
//! assert_eq!(guesses[0].kind, Kind::Map);
//! assert_eq!(guesses[0].confidence, Confidence::Likely);
//! ```

use std::borrow::Cow;
use std::fmt;

use super::codec::{Codec, Serializer};
use super::compress::CompressionFormat;
use super::dialect::{self, Dialect};
use super::foreign::{Format, Formats};
use super::json::{self, Integers, Rules, Shape};
use super::php::{SessionFormat, Tree};
use super::{Value, number};

/// One way to read a stored value.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Guess {
    /// The dialect that reads it so.
    pub dialect: Dialect,
    /// The clients that write this dialect.
    pub clients: &'static [&'static str],
    /// What the value is then.
    pub kind: Kind,
    /// How it is compressed, if it is.
    pub compression: Option<CompressionFormat>,
    /// The bytes of the value, decompressed.
    pub size: usize,
    /// How well the bytes fit.
    pub confidence: Confidence,
}

impl fmt::Display for Guess {
    /// One line without the value, such as `likely php: text, 5000 bytes, fastlz
    /// (php-memcached)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            dialect,
            clients,
            kind,
            compression,
            size,
            confidence,
        } = self;
        write!(
            f,
            "{} {dialect}: {}, {size} bytes",
            confidence.name(),
            kind.name()
        )?;
        if let Some(format) = compression {
            write!(f, ", {}", format.name())?;
        }
        write!(f, " ({})", clients.join(", "))
    }
}

/// What a value is, as far as its bytes tell.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Kind {
    /// `true` or `false`.
    Bool,
    /// Bytes.
    Bytes,
    /// A floating-point number.
    Float,
    /// Data of one language.
    Foreign(Format),
    /// An integer.
    Int,
    /// A list.
    List,
    /// A map.
    Map,
    /// `null`.
    Null,
    /// The variables of a PHP session.
    Session(SessionFormat),
    /// Text.
    Text,
}

impl Kind {
    /// Returns a name for it in lower case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Bytes => "bytes",
            Self::Float => "float",
            Self::Foreign(Format::Igbinary) => "igbinary data",
            Self::Foreign(Format::Marshal) => "marshal data",
            Self::Foreign(Format::Msgpack) => "msgpack data",
            Self::Foreign(Format::Opaque) => "opaque data",
            Self::Foreign(Format::PhpSerialized) => "php data",
            Self::Foreign(Format::Pickle) => "pickle",
            Self::Int => "integer",
            Self::List => "list",
            Self::Map => "map",
            Self::Null => "null",
            Self::Session(SessionFormat::Php) => "session (php)",
            Self::Session(SessionFormat::PhpBinary) => "session (php_binary)",
            Self::Session(SessionFormat::PhpSerialize) => "session (php_serialize)",
            Self::Text => "text",
        }
    }
}

/// How well stored bytes fit a dialect.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Confidence {
    /// The dialect reads it, but would have written it otherwise.
    Unlikely,
    /// Nothing speaks against it.
    Possible,
    /// The bytes have the form that the flags promise, which others would not
    /// have by chance.
    Likely,
}

impl Confidence {
    /// Returns the name in lower case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unlikely => "unlikely",
            Self::Possible => "possible",
            Self::Likely => "likely",
        }
    }
}

/// Lists the ways to read a stored value, the most probable first.
///
/// The list is never empty: every client without types may have written any
/// bytes. Where several are equally probable, the more widespread client comes
/// first.
#[must_use]
pub fn explain(flags: u32, bytes: &[u8]) -> Vec<Guess> {
    let mut guesses: Vec<Guess> = BY_SPREAD
        .into_iter()
        .filter_map(|dialect| guess(dialect, flags, bytes))
        .collect();
    guesses.sort_by_key(|guess| std::cmp::Reverse(guess.confidence));
    guesses
}

/// The dialects, the more widespread ones first.
const BY_SPREAD: [Dialect; 9] = [
    Dialect::Memoxide,
    Dialect::Python,
    Dialect::Php,
    Dialect::Dalli,
    Dialect::NodeMemcached,
    Dialect::Pylibmc,
    Dialect::MemcacheClient,
    Dialect::MetaMemcache,
    Dialect::Raw,
];

fn guess(dialect: Dialect, flags: u32, bytes: &[u8]) -> Option<Guess> {
    let codec = Codec {
        foreign: Formats::ALL,
        serializer: Serializer::Json,
        ..Codec::new(dialect)
    };
    let value = codec.decode(flags, Cow::Borrowed(bytes)).ok()?;
    let compression = dialect::packed(dialect, flags).map(|(packing, _)| packing.format(bytes));
    let (kind, fit) = look(dialect, flags, &value);
    let confidence = match fit {
        // A stream that inflates is no accident.
        _ if compression.is_some() => Confidence::Likely,
        Fit::Form if is_own(&codec, flags, bytes, &value) => Confidence::Likely,
        Fit::Any if is_own(&codec, flags, bytes, &value) => Confidence::Possible,
        _ => Confidence::Unlikely,
    };
    Some(Guess {
        dialect,
        clients: clients(dialect),
        kind,
        compression,
        size: size(&value),
        confidence,
    })
}

/// Whether the dialect, with one of its serializers, would have written the value
/// with these flags and bytes.
fn is_own(codec: &Codec, flags: u32, bytes: &[u8], value: &Value<'_>) -> bool {
    if codec.dialect == Dialect::Raw {
        // Whoever has no flags writes 0.
        return flags == 0;
    }
    [Serializer::Json, Serializer::Native]
        .into_iter()
        .any(|serializer| {
            let codec = Codec {
                max_value_size: usize::MAX,
                user_flags: (flags >> 16) as u16,
                serializer,
                ..codec.clone()
            };
            codec
                .encode(value.clone())
                .is_ok_and(|encoded| (encoded.flags, &*encoded.bytes) == (flags, bytes))
        })
}

/// How the bytes fit what the flags say they are.
enum Fit {
    /// Any bytes would.
    Any,
    /// They have a form that other bytes seldom have.
    Form,
    /// They do not have the form of what they are said to be.
    Not,
}

fn look(dialect: Dialect, flags: u32, value: &Value<'_>) -> (Kind, Fit) {
    match value {
        Value::Bytes(bytes) if flags == 0 => plain(dialect, Kind::Bytes, bytes),
        Value::Text(text) if flags == 0 => plain(dialect, Kind::Text, text.as_bytes()),
        // Widened to UTF-8.
        Value::Bytes(bytes) if dialect == Dialect::NodeMemcached && !bytes.is_ascii() => {
            (Kind::Bytes, Fit::Form)
        }
        Value::Bytes(_) => (Kind::Bytes, Fit::Any),
        // Marked as text, and UTF-8; in ASCII that says little.
        Value::Text(text) if text.is_ascii() && dialect == Dialect::Dalli => (Kind::Text, Fit::Any),
        Value::Text(_) => (Kind::Text, Fit::Form),
        Value::Int(_) => (Kind::Int, Fit::Form),
        Value::NonFinite(_) => (Kind::Float, Fit::Form),
        Value::Json(text) => (json_kind(text), Fit::Form),
        Value::Foreign(foreign) => {
            let fits = match foreign.format {
                Format::Pickle => is_pickle(&foreign.bytes),
                Format::PhpSerialized => Tree::scan(&foreign.bytes).is_ok(),
                Format::Igbinary => foreign.bytes.starts_with(&[0, 0, 0]),
                // The reader has looked at the header.
                Format::Marshal => true,
                Format::Msgpack | Format::Opaque => {
                    return (Kind::Foreign(foreign.format), Fit::Any);
                }
            };
            let fit = if fits { Fit::Form } else { Fit::Not };
            (Kind::Foreign(foreign.format), fit)
        }
    }
}

/// Looks at bytes without flags: PHP's sessions have a form of their own.
fn plain(dialect: Dialect, kind: Kind, bytes: &[u8]) -> (Kind, Fit) {
    if dialect == Dialect::Php
        && let Ok(Some(format)) = SessionFormat::detect(bytes)
    {
        return (Kind::Session(format), Fit::Form);
    }
    (kind, Fit::Any)
}

fn json_kind(text: &str) -> Kind {
    match json::scan(text, Rules::lenient(Integers::Any)) {
        Ok(Shape::Array) => Kind::List,
        Ok(Shape::Bool) => Kind::Bool,
        Ok(Shape::Float) => Kind::Float,
        Ok(Shape::Integer) => Kind::Int,
        Ok(Shape::Null) => Kind::Null,
        Ok(Shape::Object) => Kind::Map,
        Ok(Shape::String) | Err(_) => Kind::Text,
    }
}

/// Whether bytes begin and end as a pickle does. Nothing is read further.
fn is_pickle(bytes: &[u8]) -> bool {
    let begins = match bytes {
        [0x80, version, ..] => (2..=5).contains(version),
        // The text opcodes that protocols 0 and 1 begin a value with.
        [first, ..] => b"(.FIKLMNSTUVX])cdl}GJ".contains(first),
        [] => false,
    };
    begins && bytes.ends_with(b".") && number::decimal(Cow::Borrowed(bytes)).is_err()
}

fn size(value: &Value<'_>) -> usize {
    match value {
        Value::Bytes(bytes) => bytes.len(),
        Value::Text(text) | Value::Int(text) | Value::Json(text) => text.len(),
        Value::NonFinite(number) => number.name().len(),
        Value::Foreign(foreign) => foreign.bytes.len(),
    }
}

/// The clients that write a dialect.
const fn clients(dialect: Dialect) -> &'static [&'static str] {
    match dialect {
        Dialect::Dalli => &["dalli"],
        Dialect::MemcacheClient => &["memcache-client"],
        Dialect::Memoxide => &["memoxide"],
        Dialect::MetaMemcache => &["meta-memcache"],
        Dialect::NodeMemcached => &["memcached (npm)", "connect-memcached"],
        Dialect::Php => &["php-memcached"],
        Dialect::Pylibmc => &["pylibmc", "django PyLibMCCache", "cachelib"],
        Dialect::Python => &["python-memcached", "pymemcache", "django PyMemcacheCache"],
        Dialect::Raw => &[
            "memjs",
            "gomemcache",
            "aiomcache",
            "emcache",
            "memcache (npm)",
        ],
    }
}
