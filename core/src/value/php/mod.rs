//! PHP's own formats: `serialize`, and the payloads of sessions.
//!
//! A [`Tree`] is what `unserialize` would build, as data: no class is loaded and
//! no method runs. Objects are a class name with properties, objects that
//! serialize themselves are a class name with bytes, and all of them survive
//! being read, changed around and written again byte for byte. A [`Session`] is
//! the named variables of one PHP session.
//!
//! Values that PHP stores once and refers to again (`R` and `r`) keep their
//! identity: they are [`Node::Shared`], and are numbered anew on writing, so a
//! tree can be changed before, between and behind them.
//!
//! Left to others: igbinary and MessagePack, which are recognised and refused;
//! the keys, locks and life times of sessions.
//!
//! ```
//! use memoxide::value::php::{Session, SessionFormat};
//!
//! let stored = br#"user_id|i:42;name|s:3:"Ada";cart|O:4:"Cart":0:{}"#;
//! let mut session = Session::parse(SessionFormat::Php, stored)?;
//! assert_eq!(session.json("user_id")?.as_deref(), Some("42"));
//! session.set_json("name", r#""Grace""#)?;
//! assert_eq!(
//!     session.serialize()?,
//!     br#"user_id|i:42;name|s:5:"Grace";cart|O:4:"Cart":0:{}"#
//! );
//! # Ok::<(), memoxide::Error>(())
//! ```

mod json;
mod read;
mod session;
mod write;

use super::Flaw;
use super::number::Shortest;
use crate::error::{Error, ErrorKind, Result};

pub use self::json::Objects;
pub use self::session::{Session, SessionFormat};

/// The most arrays and objects that may stand inside each other.
pub const MAX_DEPTH: usize = super::json::MAX_DEPTH;

/// The most values a tree may hold.
pub const MAX_VALUES: usize = 1_000_000;

/// A serialized value of PHP.
///
/// ```
/// use memoxide::value::php::{Objects, Tree};
///
/// let tree = Tree::parse(br#"a:2:{s:2:"id";i:7;s:4:"tags";a:1:{i:0;s:1:"x";}}"#)?;
/// assert_eq!(tree.to_json(Objects::Refuse)?, r#"{"id":7,"tags":["x"]}"#);
/// # Ok::<(), memoxide::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Tree {
    /// The value at the top.
    pub root: Node,
    shared: Shared,
}

impl Tree {
    /// Reads what PHP's `serialize` wrote.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Decode`] when `bytes` is not exactly one serialized value, is
    /// nested deeper than [`MAX_DEPTH`] or has more than [`MAX_VALUES`] values.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        Self::scan(bytes).map_err(unreadable)
    }

    /// Reads `bytes`, or tells where they are wrong.
    pub(super) fn scan(bytes: &[u8]) -> Result<Self, Flaw> {
        read::tree(bytes)
    }

    /// Writes the tree as PHP's `serialize` does.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Encode`] when the tree is nested deeper than [`MAX_DEPTH`],
    /// or when a reference leads past an object that serializes itself.
    pub fn serialize(&self) -> Result<Vec<u8>> {
        write::tree(self)
    }

    /// Writes the tree as JSON: an array with the keys 0, 1, 2, … as a list, any
    /// other as a map, a shared value wherever it occurs.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Decode`] when JSON has no form for it: objects (but see
    /// [`Objects`]), text that is not UTF-8, infinities and `NaN`, values that
    /// contain themselves.
    pub fn to_json(&self, objects: Objects) -> Result<String> {
        json::write(&self.root, &self.shared, objects).map_err(no_json)
    }

    /// Builds a tree from JSON: a list becomes an array with the keys 0, 1, 2, …,
    /// a map an array with its keys, of which PHP makes integers where they look
    /// like one.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Encode`] when `text` is not JSON, is nested deeper than
    /// [`MAX_DEPTH`], or has an integer beyond 64 bits.
    pub fn from_json(text: &str) -> Result<Self> {
        json::read(text).map(Self::from)
    }

    /// Returns the value that `node` of this tree stands for: the value itself,
    /// or what is shared.
    #[must_use]
    pub fn resolve<'a>(&'a self, node: &'a Node) -> &'a Node {
        self.shared.resolve(node)
    }
}

impl From<Node> for Tree {
    fn from(root: Node) -> Self {
        Self {
            root,
            shared: Shared::default(),
        }
    }
}

/// One value of a [`Tree`] or a [`Session`].
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// An array, which in PHP is an ordered map.
    Array(Vec<(Key, Self)>),
    /// A truth value.
    Bool(bool),
    /// An object that serializes itself, with the bytes it wrote.
    Custom(Custom),
    /// A case of an enumeration, as `Class:Case`.
    Enum(Vec<u8>),
    /// A floating-point number.
    Float(Float),
    /// An integer.
    Int(i64),
    /// `null`.
    Null,
    /// An object: the class and the properties. Names of protected properties
    /// start with NUL, `*`, NUL, of private ones with NUL, the class, NUL.
    Object {
        /// The name of the class.
        class: Vec<u8>,
        /// The properties in their order.
        properties: Vec<(Key, Self)>,
    },
    /// A value that occurs more than once; [`Tree::resolve`] gives it.
    Shared(Link),
    /// A string, which in PHP is bytes.
    String(Vec<u8>),
}

/// A key of an array, or the name of a property.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Key {
    /// An integer.
    Int(i64),
    /// Bytes.
    String(Vec<u8>),
}

impl From<&str> for Key {
    /// Makes an integer of text that looks like one, as PHP does.
    fn from(text: &str) -> Self {
        match text.parse::<i64>() {
            Ok(number) if itoa::Buffer::new().format(number) == text => Self::Int(number),
            _ => Self::String(text.as_bytes().to_vec()),
        }
    }
}

/// A floating-point number in the digits that PHP wrote.
#[derive(Clone, Debug, PartialEq)]
pub struct Float {
    text: String,
    value: f64,
}

impl Float {
    /// Returns the number.
    #[must_use]
    pub const fn value(&self) -> f64 {
        self.value
    }
}

impl From<f64> for Float {
    /// Writes the number as PHP does since 7.1 (`serialize_precision = -1`).
    fn from(value: f64) -> Self {
        Self {
            text: float_text(value),
            value,
        }
    }
}

/// An object that serializes itself, opaque.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Custom {
    class: Vec<u8>,
    payload: Vec<u8>,
    /// The number of its value when it was read. The payload may refer to
    /// others by number, so it can be written only in a place of this number.
    slot: usize,
}

impl Custom {
    /// Returns the name of the class.
    #[must_use]
    pub fn class(&self) -> &[u8] {
        &self.class
    }

    /// Returns what the object wrote.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }
}

/// An occurrence of a shared value.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Link {
    index: usize,
    /// How PHP refers back here: to a variable (`R`) or to an object (`r`).
    by_reference: bool,
}

/// The values of a tree that occur more than once.
#[derive(Clone, Debug, Default, PartialEq)]
struct Shared(Vec<Node>);

impl Shared {
    fn resolve<'a>(&'a self, mut node: &'a Node) -> &'a Node {
        // A shared value is never a link itself.
        if let Node::Shared(link) = node {
            node = self.0.get(link.index).unwrap_or(&Node::Null);
        }
        node
    }
}

/// Writes a number in the fewest digits, as PHP does.
fn float_text(number: f64) -> String {
    if number.is_nan() {
        return "NAN".to_owned();
    }
    let Shortest {
        negative,
        digits,
        point,
    } = Shortest::of(number);
    let sign = if negative { "-" } else { "" };
    if number.is_infinite() {
        return format!("{sign}INF");
    }
    let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    match point {
        -3..=0 => format!(
            "{sign}0.{}{digits}",
            "0".repeat(point.unsigned_abs() as usize)
        ),
        1..=17 if count <= point => {
            format!("{sign}{digits}{}", "0".repeat((point - count) as usize))
        }
        1..=17 => {
            let (whole, fraction) = digits.split_at(point as usize);
            format!("{sign}{whole}.{fraction}")
        }
        _ => {
            let (first, rest) = digits.split_at(1);
            let rest = if rest.is_empty() { "0" } else { rest };
            format!("{sign}{first}.{rest}E{:+}", point - 1)
        }
    }
}

#[cold]
fn unreadable(flaw: Flaw) -> Error {
    Error::new(
        ErrorKind::Decode,
        format!("php data cannot be read: {flaw}"),
    )
    .caused_by(flaw)
}

#[cold]
fn no_json(reason: &'static str) -> Error {
    Error::new(
        ErrorKind::Decode,
        format!("php data cannot be shown as JSON: {reason}"),
    )
}

#[cfg(test)]
mod tests;
