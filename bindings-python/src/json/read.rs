//! JSON text to Python objects.

use std::str::FromStr;

use memoxide::{Error, ErrorKind};
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString};

use super::{MAX_DEPTH, TOO_MANY_DIGITS};
use crate::errors::{Failure, Result};

/// Returns the Python object that `text` describes. The core has checked the
/// text when it decoded the value, so of its flaws only those are told apart
/// that it lets through in the dialects of other clients.
///
/// # Errors
///
/// `Decode` when the text is not JSON, or holds what Python cannot hold; an
/// exception when Python runs out of memory.
pub(crate) fn read<'py>(py: Python<'py>, text: &str) -> Result<Bound<'py, PyAny>> {
    let mut reader = Reader {
        py,
        text,
        position: 0,
        items: Vec::new(),
        keys: [const { None }; KEYS],
    };
    let object = reader.value(0)?;
    reader.space();
    if reader.position < text.len() {
        return Err(malformed().into());
    }
    Ok(object)
}

struct Reader<'a, 'py> {
    py: Python<'py>,
    text: &'a str,
    position: usize,
    /// Items of the arrays that are open, the innermost last.
    items: Vec<Bound<'py, PyAny>>,
    /// Keys met lately: objects in an array mostly have the same ones, and a
    /// key used again needs neither an allocation nor a hash.
    keys: [Option<(&'a str, Bound<'py, PyString>)>; KEYS],
}

const KEYS: usize = 64;

impl<'a, 'py> Reader<'a, 'py> {
    fn value(&mut self, depth: usize) -> Result<Bound<'py, PyAny>> {
        self.space();
        match self.peek() {
            Some(b'"') => Ok(self.string()?.into_any()),
            Some(b'{') => self.object(self.deeper(depth)?),
            Some(b'[') => self.array(self.deeper(depth)?),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b'n') => self.literal("null", |py| py.None().into_bound(py)),
            Some(b't') => self.literal("true", |py| PyBool::new(py, true).to_owned().into_any()),
            Some(b'f') => self.literal("false", |py| PyBool::new(py, false).to_owned().into_any()),
            _ => Err(malformed().into()),
        }
    }

    fn array(&mut self, depth: usize) -> Result<Bound<'py, PyAny>> {
        let first = self.items.len();
        self.position += 1;
        self.space();
        if self.peek() == Some(b']') {
            self.position += 1;
            return Ok(PyList::empty(self.py).into_any());
        }
        loop {
            let item = self.value(depth)?;
            self.items.push(item);
            self.space();
            match self.take() {
                Some(b',') => {}
                Some(b']') => break,
                _ => return Err(malformed().into()),
            }
        }
        Ok(PyList::new(self.py, self.items.drain(first..))?.into_any())
    }

    fn object(&mut self, depth: usize) -> Result<Bound<'py, PyAny>> {
        let dict = PyDict::new(self.py);
        self.position += 1;
        self.space();
        if self.peek() == Some(b'}') {
            self.position += 1;
            return Ok(dict.into_any());
        }
        loop {
            self.space();
            if self.peek() != Some(b'"') {
                return Err(malformed().into());
            }
            let key = self.key()?;
            self.space();
            if self.take() != Some(b':') {
                return Err(malformed().into());
            }
            let value = self.value(depth)?;
            dict.set_item(key, value)?;
            self.space();
            match self.take() {
                Some(b',') => {}
                Some(b'}') => return Ok(dict.into_any()),
                _ => return Err(malformed().into()),
            }
        }
    }

    fn key(&mut self) -> Result<Bound<'py, PyString>> {
        let start = self.position + 1;
        let bytes = self.text.as_bytes();
        // Only plain, short keys are remembered; the others go the long way.
        let Some(length) = bytes[start..]
            .iter()
            .take(32)
            .position(|&byte| byte == b'"' || byte == b'\\' || byte < 0x20)
            .filter(|&length| length > 0 && bytes[start + length] == b'"')
        else {
            return self.string();
        };
        let key = &self.text[start..start + length];
        self.position = start + length + 1;
        let edges = usize::from(bytes[start]) * 31 + usize::from(bytes[start + length - 1]);
        let slot = (edges * 31 + length) % KEYS;
        if let Some((known, object)) = &self.keys[slot]
            && *known == key
        {
            return Ok(object.clone());
        }
        let object = PyString::new(self.py, key);
        self.keys[slot] = Some((key, object.clone()));
        Ok(object)
    }

    fn string(&mut self) -> Result<Bound<'py, PyString>> {
        self.position += 1;
        let run = self.run()?;
        if self.peek() == Some(b'"') {
            self.position += 1;
            return Ok(PyString::new(self.py, run));
        }
        let mut text = run.to_owned();
        while self.take() != Some(b'"') {
            text.push(self.escape()?);
            text.push_str(self.run()?);
        }
        Ok(PyString::new(self.py, &text))
    }

    /// Returns the characters up to the next quote or backslash.
    fn run(&mut self) -> memoxide::Result<&'a str> {
        let start = self.position;
        let length = self.text.as_bytes()[start..]
            .iter()
            .position(|&byte| byte == b'"' || byte == b'\\' || byte < 0x20);
        self.position = length.map_or(self.text.len(), |length| start + length);
        if !matches!(self.peek(), Some(b'"' | b'\\')) {
            return Err(malformed());
        }
        Ok(&self.text[start..self.position])
    }

    /// Returns the character that is escaped after the backslash just taken.
    fn escape(&mut self) -> memoxide::Result<char> {
        Ok(match self.take() {
            Some(byte @ (b'"' | b'\\' | b'/')) => char::from(byte),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unit_or_pair(),
            _ => return Err(malformed()),
        })
    }

    fn unit_or_pair(&mut self) -> memoxide::Result<char> {
        let first = self.unit()?;
        let mut units = [first, 0];
        let mut used = 1;
        if (0xd800..0xdc00).contains(&first)
            && self.take() == Some(b'\\')
            && self.take() == Some(b'u')
        {
            units[1] = self.unit()?;
            used = 2;
        }
        match char::decode_utf16(units[..used].iter().copied()).next() {
            Some(Ok(character)) => Ok(character),
            _ => Err(fault("stored JSON holds a lone surrogate")),
        }
    }

    fn unit(&mut self) -> memoxide::Result<u16> {
        let end = self.position + 4;
        let digits = self
            .text
            .as_bytes()
            .get(self.position..end)
            .filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))
            .ok_or_else(malformed)?;
        self.position = end;
        Ok(digits.iter().fold(0, |unit, &digit| {
            let value = char::from(digit).to_digit(16).unwrap_or_default();
            unit << 4 | value as u16
        }))
    }

    fn number(&mut self) -> Result<Bound<'py, PyAny>> {
        let start = self.position;
        if self.peek() == Some(b'-') {
            self.position += 1;
        }
        match self.take() {
            Some(b'0') => {}
            Some(b'1'..=b'9') => self.digits(),
            _ => return Err(malformed().into()),
        }
        let mut whole = true;
        if self.peek() == Some(b'.') {
            whole = false;
            self.position += 1;
            self.some_digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            whole = false;
            self.position += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.position += 1;
            }
            self.some_digits()?;
        }
        let digits = &self.text[start..self.position];
        if whole {
            return read_integer(self.py, digits);
        }
        let number = f64::from_str(digits).map_err(|_| malformed())?;
        if !number.is_finite() {
            return Err(fault("stored JSON holds a number beyond the range of float").into());
        }
        Ok(PyFloat::new(self.py, number).into_any())
    }

    fn some_digits(&mut self) -> memoxide::Result<()> {
        if !matches!(self.peek(), Some(b'0'..=b'9')) {
            return Err(malformed());
        }
        self.digits();
        Ok(())
    }

    fn digits(&mut self) {
        while let Some(b'0'..=b'9') = self.peek() {
            self.position += 1;
        }
    }

    fn literal(
        &mut self,
        word: &str,
        object: impl FnOnce(Python<'py>) -> Bound<'py, PyAny>,
    ) -> Result<Bound<'py, PyAny>> {
        if !self.text[self.position..].starts_with(word) {
            return Err(malformed().into());
        }
        self.position += word.len();
        Ok(object(self.py))
    }

    fn take(&mut self) -> Option<u8> {
        let byte = self.peek();
        self.position += 1;
        byte
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.position += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.position).copied()
    }

    fn deeper(&self, depth: usize) -> memoxide::Result<usize> {
        if depth == MAX_DEPTH {
            return Err(fault(format!(
                "stored JSON is nested deeper than {MAX_DEPTH} levels"
            )));
        }
        Ok(depth + 1)
    }
}

/// Returns the `int` with these digits, of any size.
///
/// # Errors
///
/// `Decode` when Python refuses to convert that many digits.
pub(crate) fn read_integer<'py>(py: Python<'py>, digits: &str) -> Result<Bound<'py, PyAny>> {
    if let Ok(number) = i64::from_str(digits) {
        return Ok(number.into_bound_py_any(py)?);
    }
    py.get_type::<PyInt>()
        .call1((PyString::new(py, digits),))
        .map_err(|cause| Failure::because(py, ErrorKind::Decode, TOO_MANY_DIGITS, cause))
}

/// The error for text that the core would not have let through.
#[cold]
fn malformed() -> Error {
    fault("stored JSON is malformed")
}

#[cold]
fn fault(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::Decode, message)
}
