//! Python objects as stored values and back.
//!
//! `bytes`, `bytearray` and `memoryview` become bytes, `str` text and `int` an
//! integer; `None`, `bool`, `float`, `list` and `dict` travel as JSON. Types are
//! checked exactly: a subclass would come back as something else, so it counts
//! as an object of its own, and those are pickled where that was asked for and
//! refused where not. What the flags mean is the core's affair.

use std::borrow::Cow;

use bytes::Bytes;
use memoxide::value::{
    self, Compression, CompressionFormat, DEFAULT_MAX_DECOMPRESSED_SIZE, DEFAULT_MAX_VALUE_SIZE,
    Dialect, Encoded, Foreign, Format, Value,
};
use memoxide::{Error, ErrorKind};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyFloat, PyInt, PyMemoryView, PyString};

use crate::errors::{Failure, Result};
use crate::json::{self, TOO_MANY_DIGITS};
use crate::serializer::{Pickle, Serializer};

/// The two ways between Python and the store: objects to flags and bytes, and
/// flags and bytes to objects.
#[derive(Debug)]
pub(crate) struct Conversion {
    codec: value::Codec,
    pickle: Option<Pickle>,
    /// What writes everything but bytes, text and integers, if the caller says.
    serializer: Option<Serializer>,
    /// Whether the dialect takes lists and maps as JSON; if not, and pickles
    /// are allowed, they are not tried as JSON first.
    takes_json: bool,
    /// The flags of bytes and of text that nothing is done to on the way.
    verbatim: Option<(u32, u32)>,
}

/// The options of a client that concern values, by the names they have in every
/// language.
#[derive(Debug)]
pub(crate) struct Options<'a> {
    /// The dialect.
    pub(crate) values: &'a str,
    /// Whether other objects are pickled, and stored pickles read.
    pub(crate) pickle: bool,
    /// The protocol to pickle with; Python's default if none is given.
    pub(crate) pickle_protocol: Option<i32>,
    /// The compression to write with, where `compress_above` asks for any.
    pub(crate) compression: &'a str,
    /// The size in bytes beyond which values are compressed; never if none.
    pub(crate) compress_above: Option<usize>,
    /// The most bytes a stored value may have.
    pub(crate) max_value_size: usize,
    /// The most bytes a compressed value may inflate to.
    pub(crate) max_decompressed_size: usize,
}

impl Conversion {
    /// Returns the conversion that `options` describe.
    ///
    /// # Errors
    ///
    /// `Config` when a name is not known or two options contradict each other,
    /// `Unsupported` when this build lacks the compression.
    pub(crate) fn from_options(py: Python<'_>, options: &Options<'_>) -> Result<Self> {
        let dialect = Dialect::by_name(options.values)?;
        let format = CompressionFormat::by_name(options.compression).ok_or_else(|| {
            let names = CompressionFormat::ALL
                .map(CompressionFormat::name)
                .join(", ");
            let message = format!("compression {:?} is none of {names}", options.compression);
            Error::new(ErrorKind::Config, message)
        })?;
        let codec = value::Codec {
            compression: options
                .compress_above
                .map(|above| Compression { format, above }),
            max_value_size: options.max_value_size,
            max_decompressed_size: options.max_decompressed_size,
            ..value::Codec::new(dialect)
        };
        let pickle = if options.pickle {
            Some(Pickle::new(py, options.pickle_protocol)?)
        } else {
            None
        };
        Ok(Self::new(codec, pickle, None)?)
    }

    /// Returns the conversion of `codec`; objects without a place in it are
    /// pickled if there is a way given to do so. A `serializer` goes first.
    ///
    /// # Errors
    ///
    /// `Config` and `Unsupported` as found by [`value::Codec::check`].
    pub(crate) fn new(
        mut codec: value::Codec,
        pickle: Option<Pickle>,
        serializer: Option<Serializer>,
    ) -> memoxide::Result<Self> {
        if let Some(serializer) = &serializer {
            codec.foreign = codec.foreign.with(serializer.format());
        }
        if pickle.is_some() {
            codec.foreign = codec.foreign.with(Format::Pickle);
        }
        codec.check()?;
        let takes_json = codec.encode(Value::Json(Cow::Borrowed("[]"))).is_ok();
        // A serializer may write anything under any flags.
        let verbatim = codec.dialect.verbatim().filter(|_| serializer.is_none());
        Ok(Self {
            codec,
            pickle,
            serializer,
            takes_json,
            verbatim,
        })
    }

    /// Returns the flags and bytes that stand for `object`. Text and bytes are
    /// borrowed from it.
    ///
    /// # Errors
    ///
    /// `Encode` when the object has no place in the dialect, `ValueTooLarge`.
    pub(crate) fn encode<'a>(&self, object: &'a Bound<'_, PyAny>) -> Result<Encoded<'a>> {
        self.encode_by(&self.codec, object)
    }

    /// Returns what [`encode`](Self::encode) does, compressed if it has more
    /// than `above` bytes whatever the client's own rule says.
    ///
    /// # Errors
    ///
    /// Those of [`encode`](Self::encode), and `Config` or `Unsupported` when the
    /// dialect or this build has no such compression.
    pub(crate) fn encode_compressed<'a>(
        &self,
        object: &'a Bound<'_, PyAny>,
        above: usize,
    ) -> Result<Encoded<'a>> {
        let format = self.codec.compression.map(|compression| compression.format);
        let format = format.unwrap_or(CompressionFormat::Zlib);
        let codec = value::Codec {
            compression: Some(Compression { format, above }),
            ..self.codec.clone()
        };
        self.encode_by(&codec, object)
    }

    fn encode_by<'a>(
        &self,
        codec: &value::Codec,
        object: &'a Bound<'_, PyAny>,
    ) -> Result<Encoded<'a>> {
        if let Some(encoded) = self.encode_verbatim(codec, object) {
            return Ok(encoded);
        }
        if let Some(serializer) = &self.serializer
            && !is_plain(object)
        {
            let written = serializer.dumps(object).and_then(|bytes| {
                Ok(match serializer.own_flags() {
                    Some(flags) => codec.encode_own(flags, bytes)?,
                    None => codec.encode(Value::Foreign(Foreign::new(Format::Msgpack, bytes)))?,
                })
            });
            match written {
                Err(Failure::Core(error))
                    if error.kind() == ErrorKind::Encode && self.pickle.is_some() => {}
                written => return written,
            }
        }
        let Some(pickle) = &self.pickle else {
            return Ok(codec.encode(value(object)?)?);
        };
        // What the dialect's own clients pickle, so that it comes back as it was.
        let is_pickled = json::is_container(object) || object.is_exact_instance_of::<PyByteArray>();
        if self.takes_json || !is_pickled {
            match value(object).and_then(|value| Ok(codec.encode(value)?)) {
                Err(Failure::Core(error)) if error.kind() == ErrorKind::Encode => {}
                result => return result,
            }
        }
        let bytes = pickle.dumps(object)?;
        Ok(codec.encode(Value::Foreign(Foreign::new(Format::Pickle, bytes)))?)
    }

    /// Encodes bytes and text that nothing is done to. Whatever else there is, and
    /// what is wrong, is left to those who look closer.
    #[inline]
    fn encode_verbatim<'a>(
        &self,
        codec: &value::Codec,
        object: &'a Bound<'_, PyAny>,
    ) -> Option<Encoded<'a>> {
        let (bytes, text) = self.verbatim?;
        let (flags, bytes) = if let Ok(object) = object.cast_exact::<PyBytes>() {
            (bytes, object.as_bytes())
        } else {
            let object = object.cast_exact::<PyString>().ok()?;
            (text, object.to_str().ok()?.as_bytes())
        };
        let fits = codec.compression.is_none() && bytes.len() <= codec.max_value_size;
        fits.then_some(Encoded {
            flags,
            bytes: Cow::Borrowed(bytes),
        })
    }

    /// Decodes them, as long as nothing is wrong with them.
    #[inline(always)]
    pub(crate) fn decode_verbatim<'py>(
        &self,
        py: Python<'py>,
        flags: u32,
        bytes: &[u8],
    ) -> Option<Bound<'py, PyAny>> {
        match self.verbatim? {
            (own, _) if own == flags => Some(PyBytes::new(py, bytes).into_any()),
            (_, text) if text == flags => PyString::from_bytes(py, bytes).ok().map(Bound::into_any),
            _ => None,
        }
    }

    /// Returns the object that `flags` and `bytes` stand for.
    ///
    /// # Errors
    ///
    /// `Decode` with the flags and bytes attached when they are not what the
    /// dialect writes, or a pickle that was not asked for.
    pub(crate) fn decode<'py>(
        &self,
        py: Python<'py>,
        flags: u32,
        bytes: &[u8],
    ) -> Result<Bound<'py, PyAny>> {
        match self.decode_or_keep(py, flags, bytes)? {
            Decoded::Object(object) => Ok(object),
            Decoded::Foreign(format, bytes) => self.load(format, flags, &bytes),
        }
    }

    /// Returns the object that `flags` and `bytes` stand for, unless it is for
    /// Python to load: that runs code of the caller's, which is to wait until
    /// nothing is held.
    ///
    /// # Errors
    ///
    /// Those of [`decode`](Self::decode).
    pub(crate) fn decode_or_keep<'py>(
        &self,
        py: Python<'py>,
        flags: u32,
        bytes: &[u8],
    ) -> Result<Decoded<'py>> {
        if let Some(object) = self.decode_verbatim(py, flags, bytes) {
            return Ok(Decoded::Object(object));
        }
        let own = self.serializer.as_ref().and_then(Serializer::own_flags);
        if let Some(own) = own.filter(|own| self.codec.is_own(*own, flags)) {
            let bytes = self.codec.decode_own(own, flags, Cow::Borrowed(bytes))?;
            return Ok(Decoded::Foreign(Format::Opaque, PyBytes::new(py, &bytes)));
        }
        let object = match self.codec.decode(flags, Cow::Borrowed(bytes))? {
            Value::Bytes(bytes) => Ok(PyBytes::new(py, &bytes).into_any()),
            Value::Text(text) => Ok(PyString::new(py, &text).into_any()),
            Value::Int(digits) => json::read_integer(py, &digits),
            Value::Json(text) => json::read(py, &text),
            Value::NonFinite(number) => Ok(PyFloat::new(py, number.to_f64()).into_any()),
            Value::Foreign(foreign) => {
                let bytes = PyBytes::new(py, &foreign.bytes);
                return Ok(Decoded::Foreign(foreign.format, bytes));
            }
        };
        object
            .map(Decoded::Object)
            .map_err(|failure| with_raw(failure, flags, bytes))
    }

    /// Returns the object that bytes of a format stand for.
    ///
    /// # Errors
    ///
    /// `Decode` with the flags and bytes attached when they cannot be loaded, or
    /// nothing that loads them was asked for.
    pub(crate) fn load<'py>(
        &self,
        format: Format,
        flags: u32,
        bytes: &Bound<'py, PyBytes>,
    ) -> Result<Bound<'py, PyAny>> {
        let object = match (&self.pickle, &self.serializer) {
            (Some(pickle), _) if format == Format::Pickle => pickle.loads(bytes),
            (_, Some(serializer)) if format == serializer.format() => serializer.loads(bytes),
            _ => Err(foreign_format(format)),
        };
        object.map_err(|failure| with_raw(failure, flags, bytes.as_bytes()))
    }
}

/// An object, or the bytes of one that is to be loaded later.
#[derive(Debug)]
pub(crate) enum Decoded<'py> {
    Object(Bound<'py, PyAny>),
    Foreign(Format, Bound<'py, PyBytes>),
}

#[cold]
fn foreign_format(format: Format) -> Failure {
    let message = format!("value is in the format {}", format.name());
    Error::new(ErrorKind::Decode, message).into()
}

#[cold]
fn with_raw(failure: Failure, flags: u32, bytes: &[u8]) -> Failure {
    match failure {
        Failure::Core(error) => Failure::Core(error.with_raw(flags, Bytes::copy_from_slice(bytes))),
        raised => raised,
    }
}

/// Whether every dialect has a place of its own for `object`.
fn is_plain(object: &Bound<'_, PyAny>) -> bool {
    object.is_exact_instance_of::<PyString>()
        || object.is_exact_instance_of::<PyBytes>()
        || object.is_exact_instance_of::<PyInt>()
        || object.is_exact_instance_of::<PyByteArray>()
        || object.is_exact_instance_of::<PyMemoryView>()
}

/// Returns `object` as a value, borrowing its text or bytes.
///
/// # Errors
///
/// `Encode` when it is neither bytes, text, an integer nor a JSON tree.
pub(crate) fn value<'a>(object: &'a Bound<'_, PyAny>) -> Result<Value<'a>> {
    if let Ok(text) = object.cast_exact::<PyString>() {
        return Ok(Value::Text(Cow::Borrowed(json::utf8(text)?)));
    }
    if let Ok(bytes) = object.cast_exact::<PyBytes>() {
        return Ok(Value::Bytes(Cow::Borrowed(bytes.as_bytes())));
    }
    if let Ok(integer) = object.cast_exact::<PyInt>() {
        return self::integer(integer);
    }
    if let Ok(bytes) = object.cast_exact::<PyByteArray>() {
        return Ok(Value::Bytes(Cow::Owned(bytes.to_vec())));
    }
    if let Ok(view) = object.cast_exact::<PyMemoryView>() {
        // The stable ABI of Python 3.10 has no buffers: Python copies first.
        let bytes = view.call_method0(intern!(object.py(), "tobytes"))?;
        return Ok(Value::Bytes(Cow::Owned(bytes.extract::<Vec<u8>>()?)));
    }
    if let Ok(float) = object.cast_exact::<PyFloat>() {
        return Ok(Value::from(float.value()));
    }
    let mut text = String::new();
    json::write(&mut text, object)?;
    Ok(Value::Json(Cow::Owned(text)))
}

fn integer<'a>(integer: &Bound<'_, PyInt>) -> Result<Value<'a>> {
    if let Ok(number) = integer.extract::<i64>() {
        return Ok(Value::from(number));
    }
    // Python refuses to spell out what has thousands of digits.
    let digits = integer.str().map_err(|cause| {
        Failure::because(integer.py(), ErrorKind::Encode, TOO_MANY_DIGITS, cause)
    })?;
    Ok(Value::Int(Cow::Owned(digits.to_str()?.to_owned())))
}

/// Encodes and decodes values as a client with the same options does.
///
/// Args:
///     values: The dialect, such as `"memoxide"` (the default) or `"python"`.
///     pickle: Whether objects without a place in the dialect are pickled and
///         stored pickles are read, which runs code that their writer chose.
///     pickle_protocol: The protocol to write; Python's default if None.
///     compression: The format to compress with, `"zlib"` by default.
///     compress_above: The size in bytes beyond which values are compressed;
///         None, the default, compresses nothing. What others compressed is
///         read regardless.
///     max_value_size: The most bytes a stored value may have, 1 MiB by default.
///     max_decompressed_size: The most bytes that a compressed value may
///         inflate to, 64 MiB by default.
///
/// Raises:
///     ConfigError: A name is not known, or the dialect lacks the compression.
#[pyclass(frozen, module = "memoxide._native")]
pub(crate) struct Codec(Conversion);

#[pymethods]
impl Codec {
    #[new]
    #[pyo3(signature = (
        values = "memoxide",
        *,
        pickle = false,
        pickle_protocol = None,
        compression = "zlib",
        compress_above = None,
        max_value_size = DEFAULT_MAX_VALUE_SIZE,
        max_decompressed_size = DEFAULT_MAX_DECOMPRESSED_SIZE,
    ))]
    #[expect(clippy::too_many_arguments, reason = "they are keywords in Python")]
    fn new(
        py: Python<'_>,
        values: &str,
        pickle: bool,
        pickle_protocol: Option<i32>,
        compression: &str,
        compress_above: Option<usize>,
        max_value_size: usize,
        max_decompressed_size: usize,
    ) -> Result<Self> {
        let options = Options {
            values,
            pickle,
            pickle_protocol,
            compression,
            compress_above,
            max_value_size,
            max_decompressed_size,
        };
        Ok(Self(Conversion::from_options(py, &options)?))
    }

    /// Returns the flags and bytes that stand for `value`.
    ///
    /// Raises:
    ///     EncodeError: The dialect has no place for the value.
    ///     ValueTooLargeError: The result is over `max_value_size`.
    #[pyo3(signature = (value, /))]
    fn encode<'py>(&self, value: &Bound<'py, PyAny>) -> Result<(u32, Bound<'py, PyBytes>)> {
        let encoded = self.0.encode(value)?;
        Ok((encoded.flags, PyBytes::new(value.py(), &encoded.bytes)))
    }

    /// Returns the value that `flags` and `data` stand for.
    ///
    /// Raises:
    ///     DecodeError: The dialect does not write that; `raw` has both.
    #[pyo3(signature = (flags, data, /))]
    fn decode<'py>(&self, py: Python<'py>, flags: u32, data: &[u8]) -> Result<Bound<'py, PyAny>> {
        self.0.decode(py, flags, data)
    }
}
