//! The JSON that travels as a value: one strict pass over the text.
//!
//! [`check`] decides whether a text may be stored by the dialect `memoxide`.
//! Its rules are what Rust, Python and JavaScript all read back as the same
//! value:
//!
//! * RFC 8259, so string keys, no `NaN`, no `Infinity`;
//! * no escaped half of a surrogate pair;
//! * integers inside lists and maps within ±(2^53 - 1), numbers within the range
//!   of a double;
//! * at most [`MAX_DEPTH`] lists and maps inside each other.
//!
//! Key order, insignificant space and repeated keys are left as they are (of
//! repeated keys the last counts in all three languages). Building a tree is
//! left to the host language.
//!
//! ```
//! use memoxide::value::json;
//!
//! assert!(json::check(r#"{"id": 1, "tags": ["a"]}"#).is_ok());
//! assert!(json::check(r#"{"id": 9007199254740993}"#).is_err());
//! ```

use std::num::ParseFloatError;

use super::Flaw;
use crate::error::{Error, ErrorKind, Result};

/// The most lists and maps that may stand inside each other.
pub const MAX_DEPTH: usize = 100;

/// The greatest integer that every double-based reader holds exactly.
pub const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;

/// What a JSON text is at its top.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Shape {
    /// A list.
    Array,
    /// `true` or `false`.
    Bool,
    /// A number with a fraction or an exponent, or `-0`.
    Float,
    /// A number of digits only.
    Integer,
    /// `null`.
    Null,
    /// A map.
    Object,
    /// A string.
    String,
}

/// Checks that the dialect `memoxide` may store `text`.
///
/// # Errors
///
/// The first [`Flaw`] found.
pub fn check(text: &str) -> Result<Shape, Flaw> {
    scan(text, Rules::STRICT)
}

/// What is asked of a text beyond its syntax and depth.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    /// How large integers in trees may be.
    pub(crate) integers: Integers,
    /// Escaped surrogates come in pairs, numbers are finite as doubles.
    pub(crate) portable: bool,
}

/// How large integers in trees may be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Integers {
    /// Any size.
    Any,
    /// Within ±(2^53 - 1).
    Safe,
    /// Within 64 bits with a sign.
    Signed64,
}

impl Rules {
    /// What memoxide writes, and what every reader of JSON takes exactly.
    pub(crate) const STRICT: Self = Self {
        integers: Integers::Safe,
        portable: true,
    };

    /// What other clients may have written.
    pub(crate) const fn lenient(integers: Integers) -> Self {
        Self {
            integers,
            portable: false,
        }
    }
}

/// Checks `text` under `rules`.
pub(crate) fn scan(text: &str, rules: Rules) -> Result<Shape, Flaw> {
    let mut scanner = Scanner {
        bytes: text.as_bytes(),
        at: 0,
        rules,
        objects: 0,
        depth: 0,
    };
    let shape = scanner.run()?;
    scanner.skip_space();
    if scanner.at < scanner.bytes.len() {
        return Err(scanner.flaw("more text after the value"));
    }
    Ok(shape)
}

/// The error for JSON text that must not be stored.
#[cold]
pub(crate) fn refused(flaw: Flaw) -> Error {
    Error::new(
        ErrorKind::Encode,
        format!("value cannot be stored as JSON: {flaw}"),
    )
    .caused_by(flaw)
}

/// Writes `text` as a JSON string, escaping what must be.
pub(crate) fn quote(text: &str) -> String {
    serde_json::to_string(text).expect("text always has a JSON form")
}

/// Returns the text of a JSON string that was checked before.
pub(crate) fn unquote(text: &str) -> Result<String> {
    serde_json::from_str(text).map_err(|error| {
        Error::new(ErrorKind::Encode, "text in JSON form cannot be stored").caused_by(error)
    })
}

/// Parses a JSON number that was checked before.
pub(crate) fn float(text: &str) -> Result<f64> {
    text.trim_ascii().parse().map_err(|error: ParseFloatError| {
        Error::new(ErrorKind::Encode, "number cannot be parsed").caused_by(error)
    })
}

/// The open containers are a stack of bits, so a scan allocates nothing.
struct Scanner<'t> {
    bytes: &'t [u8],
    at: usize,
    rules: Rules,
    /// Bit `i` is set when the container at depth `i` is a map.
    objects: u128,
    depth: usize,
}

const _: () = assert!(MAX_DEPTH <= u128::BITS as usize);

impl Scanner<'_> {
    fn run(&mut self) -> Result<Shape, Flaw> {
        self.skip_space();
        let shape = match self.peek() {
            Some(b'{') => Shape::Object,
            Some(b'[') => Shape::Array,
            _ => return self.scalar(),
        };
        loop {
            match self.peek() {
                Some(b'{') => {
                    self.open(true)?;
                    self.skip_space();
                    if self.peek() != Some(b'}') {
                        self.key()?;
                        continue;
                    }
                }
                Some(b'[') => {
                    self.open(false)?;
                    self.skip_space();
                    if self.peek() != Some(b']') {
                        continue;
                    }
                }
                _ => {
                    self.scalar()?;
                }
            }
            if !self.close()? {
                return Ok(shape);
            }
        }
    }

    /// Walks over what may follow a value; whether another value follows.
    fn close(&mut self) -> Result<bool, Flaw> {
        while self.depth > 0 {
            self.skip_space();
            let object = self.objects >> (self.depth - 1) & 1 == 1;
            match self.peek() {
                Some(b',') => {
                    self.at += 1;
                    self.skip_space();
                    if object {
                        self.key()?;
                    }
                    return Ok(true);
                }
                Some(b'}') if object => self.depth -= 1,
                Some(b']') if !object => self.depth -= 1,
                Some(_) => return Err(self.flaw("a comma or the end of the container is missing")),
                None => return Err(self.flaw("the text ends inside a container")),
            }
            self.at += 1;
        }
        Ok(false)
    }

    fn open(&mut self, object: bool) -> Result<(), Flaw> {
        if self.depth == MAX_DEPTH {
            return Err(self.flaw("lists and maps are nested too deeply"));
        }
        let bit = 1 << self.depth;
        self.objects = if object {
            self.objects | bit
        } else {
            self.objects & !bit
        };
        self.depth += 1;
        self.at += 1;
        Ok(())
    }

    /// Takes a key, its colon and the space around it.
    fn key(&mut self) -> Result<(), Flaw> {
        if self.peek() != Some(b'"') {
            return Err(self.flaw("a key is not a string"));
        }
        self.string()?;
        self.skip_space();
        if self.peek() != Some(b':') {
            return Err(self.flaw("a colon is missing after a key"));
        }
        self.at += 1;
        self.skip_space();
        Ok(())
    }

    fn scalar(&mut self) -> Result<Shape, Flaw> {
        match self.peek() {
            Some(b'"') => self.string().map(|()| Shape::String),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true").map(|()| Shape::Bool),
            Some(b'f') => self.word("false").map(|()| Shape::Bool),
            Some(b'n') => self.word("null").map(|()| Shape::Null),
            Some(_) => Err(self.flaw("no JSON value")),
            None => Err(self.flaw("the text ends where a value should stand")),
        }
    }

    fn word(&mut self, word: &str) -> Result<(), Flaw> {
        if !self.bytes[self.at..].starts_with(word.as_bytes()) {
            return Err(self.flaw("no JSON value"));
        }
        self.at += word.len();
        Ok(())
    }

    fn number(&mut self) -> Result<Shape, Flaw> {
        let start = self.at;
        let negative = self.take(b'-');
        let digits = self.at;
        self.digits()?;
        if self.at - digits > 1 && self.bytes[digits] == b'0' {
            return Err(self.flaw_at(digits, "a number has a leading zero"));
        }
        let whole = &self.bytes[digits..self.at];
        let mut shape = Shape::Integer;
        if self.take(b'.') {
            shape = Shape::Float;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            shape = Shape::Float;
            self.at += 1;
            if !self.take(b'+') {
                self.take(b'-');
            }
            self.digits()?;
        }
        if shape == Shape::Integer {
            if negative && whole == b"0" {
                shape = Shape::Float;
            } else if self.depth > 0
                && let Some(rule) = self.rules.integers.breach(negative, whole)
            {
                return Err(self.flaw_at(start, rule));
            }
        } else if self.rules.portable && !self.is_finite(start) {
            return Err(self.flaw_at(start, "a number is beyond the range of a double"));
        }
        Ok(shape)
    }

    fn digits(&mut self) -> Result<(), Flaw> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start {
            return Err(self.flaw("a digit is missing in a number"));
        }
        Ok(())
    }

    fn is_finite(&self, start: usize) -> bool {
        let text = &self.bytes[start..self.at];
        // Short numbers without an exponent cannot overflow.
        if text.len() <= 300 && !text.iter().any(|b| matches!(b, b'e' | b'E')) {
            return true;
        }
        std::str::from_utf8(text)
            .ok()
            .and_then(|text| text.parse::<f64>().ok())
            .is_some_and(f64::is_finite)
    }

    fn string(&mut self) -> Result<(), Flaw> {
        self.at += 1;
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => self.escape()?,
                Some(0..0x20) => return Err(self.flaw("a control character in a string")),
                Some(_) => self.at += 1,
                None => return Err(self.flaw("the text ends inside a string")),
            }
        }
    }

    fn escape(&mut self) -> Result<(), Flaw> {
        let start = self.at;
        match self.bytes.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 2;
                Ok(())
            }
            Some(b'u') => {
                let unit = self.unit()?;
                let paired = match unit {
                    0xd800..0xdc00 => {
                        self.bytes[self.at..].starts_with(b"\\u")
                            && matches!(self.unit()?, 0xdc00..0xe000)
                    }
                    unit => !matches!(unit, 0xdc00..0xe000),
                };
                if self.rules.portable && !paired {
                    return Err(self.flaw_at(start, "half of a surrogate pair"));
                }
                Ok(())
            }
            _ => Err(self.flaw("an unknown escape in a string")),
        }
    }

    /// Takes `\uXXXX`.
    fn unit(&mut self) -> Result<u16, Flaw> {
        let unit = self
            .bytes
            .get(self.at + 2..self.at + 6)
            .filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u16::from_str_radix(digits, 16).ok());
        let Some(unit) = unit else {
            return Err(self.flaw("four hexadecimal digits are missing in a string"));
        };
        self.at += 6;
        Ok(unit)
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn flaw(&self, rule: &'static str) -> Flaw {
        self.flaw_at(self.at, rule)
    }

    fn flaw_at(&self, at: usize, rule: &'static str) -> Flaw {
        Flaw { at, rule }
    }
}

impl Integers {
    /// The rule that an integer of these digits breaks.
    fn breach(self, negative: bool, digits: &[u8]) -> Option<&'static str> {
        let (most, rule) = match self {
            Self::Any => return None,
            Self::Safe => (
                MAX_SAFE_INTEGER,
                "an integer inside a tree is beyond 2^53 - 1",
            ),
            Self::Signed64 => (
                i64::MAX as u64 + u64::from(negative),
                "an integer inside a tree is beyond 64 bits",
            ),
        };
        // Twenty digits overflow, nineteen do not.
        let fits = digits.len() < 20
            && digits
                .iter()
                .fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'))
                <= most;
        (!fits).then_some(rule)
    }
}
