//! Python objects to JSON text.

use std::fmt::Write as _;

use memoxide::{Error, ErrorKind};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString};

use super::{MAX_DEPTH, MAX_SAFE_INTEGER};

/// Appends `object` to `text` as JSON without white space.
///
/// # Errors
///
/// `Encode` when the object, or one inside it, is outside the profile.
pub(crate) fn write(text: &mut String, object: &Bound<'_, PyAny>) -> memoxide::Result<()> {
    any(text, object, 0)
}

fn any(text: &mut String, object: &Bound<'_, PyAny>, depth: usize) -> memoxide::Result<()> {
    if let Ok(string) = object.cast_exact::<PyString>() {
        return self::string(text, string);
    }
    if let Ok(integer) = object.cast_exact::<PyInt>() {
        return self::integer(text, integer);
    }
    if object.is_none() {
        text.push_str("null");
        return Ok(());
    }
    if let Ok(truth) = object.cast_exact::<PyBool>() {
        text.push_str(if truth.is_true() { "true" } else { "false" });
        return Ok(());
    }
    if let Ok(float) = object.cast_exact::<PyFloat>() {
        return self::float(text, float.value());
    }
    if let Ok(list) = object.cast_exact::<PyList>() {
        return self::list(text, list, deeper(depth)?);
    }
    if let Ok(dict) = object.cast_exact::<PyDict>() {
        return self::dict(text, dict, deeper(depth)?);
    }
    Err(refuse(format!(
        "values of type {} cannot be stored as JSON; store bytes or choose a serializer",
        type_name(object)
    )))
}

fn deeper(depth: usize) -> memoxide::Result<usize> {
    if depth == MAX_DEPTH {
        return Err(refuse(format!(
            "the value is nested deeper than {MAX_DEPTH} levels"
        )));
    }
    Ok(depth + 1)
}

fn list(text: &mut String, list: &Bound<'_, PyList>, depth: usize) -> memoxide::Result<()> {
    text.push('[');
    for (index, item) in list.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        any(text, &item, depth)?;
    }
    text.push(']');
    Ok(())
}

fn dict(text: &mut String, dict: &Bound<'_, PyDict>, depth: usize) -> memoxide::Result<()> {
    text.push('{');
    for (index, (key, value)) in dict.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        let Ok(key) = key.cast_exact::<PyString>() else {
            return Err(refuse(format!(
                "a {} cannot be a key of a JSON object; keys are str",
                type_name(&key)
            )));
        };
        string(text, key)?;
        text.push(':');
        any(text, &value, depth)?;
    }
    text.push('}');
    Ok(())
}

fn string(text: &mut String, string: &Bound<'_, PyString>) -> memoxide::Result<()> {
    let string = utf8(string)?;
    text.push('"');
    let mut start = 0;
    for (index, &byte) in string.as_bytes().iter().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        text.push_str(&string[start..index]);
        start = index + 1;
        match byte {
            b'"' => text.push_str("\\\""),
            b'\\' => text.push_str("\\\\"),
            0x08 => text.push_str("\\b"),
            0x0c => text.push_str("\\f"),
            b'\n' => text.push_str("\\n"),
            b'\r' => text.push_str("\\r"),
            b'\t' => text.push_str("\\t"),
            _ => write!(text, "\\u{byte:04x}").expect("a String takes every write"),
        }
    }
    text.push_str(&string[start..]);
    text.push('"');
    Ok(())
}

/// Returns the text of `string`, which stays borrowed from it.
///
/// # Errors
///
/// `Encode` when it holds half of a surrogate pair.
pub(crate) fn utf8<'a>(string: &'a Bound<'_, PyString>) -> memoxide::Result<&'a str> {
    string
        .to_str()
        .map_err(|_| refuse("a str holds a lone surrogate"))
}

/// Whether `object` is a `list` or a `dict`.
pub(crate) fn is_container(object: &Bound<'_, PyAny>) -> bool {
    object.is_exact_instance_of::<PyList>() || object.is_exact_instance_of::<PyDict>()
}

fn integer(text: &mut String, integer: &Bound<'_, PyInt>) -> memoxide::Result<()> {
    match integer.extract::<i64>() {
        Ok(number) if number.unsigned_abs() <= MAX_SAFE_INTEGER => {
            text.push_str(itoa::Buffer::new().format(number));
            Ok(())
        }
        _ => Err(refuse(
            "an int inside a tree is beyond 2^53 - 1, which not every language can read; \
             store it as str",
        )),
    }
}

fn float(text: &mut String, number: f64) -> memoxide::Result<()> {
    if !number.is_finite() {
        return Err(refuse("JSON has no NaN and no infinity"));
    }
    // The shortest text that reads back as the same number, always with a
    // fraction or an exponent, so that 1.0 stays a float.
    write!(text, "{number:?}").expect("a String takes every write");
    Ok(())
}

fn refuse(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::Encode, message)
}

/// Returns the name of the object's type for a message.
fn type_name(object: &Bound<'_, PyAny>) -> String {
    object
        .get_type()
        .name()
        .map_or_else(|_| "value".to_owned(), |name| name.to_string())
}
