//! Keys that the caller has: an iterable, or a file.

use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;
use std::sync::Mutex;

use memoxide::client::tools::read_keys;
use memoxide::{Error, ErrorKind};
use pyo3::prelude::*;
#[cfg(feature = "stubs")]
use pyo3::type_hint_union;
use pyo3::types::{PyBytes, PyString};

use crate::client::Key;
use crate::errors::Failure;

/// Keys taken from Python at a time.
const CHUNK: usize = 256;

/// Where keys come from.
pub(crate) enum Source {
    /// One key on each line.
    File(PathBuf),
    /// A Python iterator.
    Iterator(Py<PyAny>),
}

impl<'py> FromPyObject<'_, 'py> for Source {
    type Error = PyErr;

    #[cfg(feature = "stubs")]
    const INPUT_TYPE: pyo3::inspect::PyStaticExpr = type_hint_union!(
        pyo3::type_hint_subscript!(
            pyo3::type_hint_identifier!("collections.abc", "Iterable"),
            Key::INPUT_TYPE
        ),
        pyo3::type_hint_subscript!(
            pyo3::type_hint_identifier!("os", "PathLike"),
            pyo3::type_hint_identifier!("builtins", "str")
        )
    );

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let refuse = |message| Failure::from(Error::new(ErrorKind::InvalidArgument, message));
        if object.is_instance_of::<PyString>() || object.is_instance_of::<PyBytes>() {
            let message = "keys is one key; give a list of keys, or the path of a file as a Path";
            return Err(refuse(message).into());
        }
        if object.hasattr("__fspath__")? {
            return Ok(Self::File(object.extract()?));
        }
        let message = "keys is to be an iterable of keys or the path of a file";
        let iterator = object.try_iter().map_err(|cause| {
            Failure::because(object.py(), ErrorKind::InvalidArgument, message, cause)
        })?;
        Ok(Self::Iterator(iterator.into_any().unbind()))
    }
}

/// What Python raised while Rust was at work.
#[derive(Debug, Default)]
pub(crate) struct Raised(Mutex<Option<PyErr>>);

impl Raised {
    /// Keeps an exception, and returns an error to end the work with.
    pub(crate) fn keep(&self, raised: PyErr) -> Error {
        let mut kept = self
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        kept.get_or_insert(raised);
        Error::new(ErrorKind::Closed, "python raised an exception")
    }

    /// Returns what came of the work: the exception, if there was one.
    pub(crate) fn settle<T>(self, result: memoxide::Result<T>) -> Result<T, Failure> {
        let kept = self.0.into_inner();
        match kept.unwrap_or_else(std::sync::PoisonError::into_inner) {
            Some(raised) => Err(Failure::Python(raised)),
            None => Ok(result?),
        }
    }
}

impl Source {
    /// Returns the keys, for use without the GIL.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` when the file cannot be opened; exceptions are kept.
    pub(crate) fn keys(self, raised: &Raised) -> memoxide::Result<Keys<'_>> {
        let origin = match self {
            Self::Iterator(iterator) => Origin::Iterator(iterator),
            Self::File(path) => {
                let file = File::open(&path).map_err(|error| {
                    let message = format!("keys cannot be read from {}: {error}", path.display());
                    Error::new(ErrorKind::InvalidArgument, message)
                })?;
                Origin::File(read_keys(BufReader::new(file)))
            }
        };
        Ok(Keys {
            origin,
            chunk: Vec::new().into_iter(),
            raised,
        })
    }
}

/// Keys, one at a time.
pub(crate) struct Keys<'r> {
    origin: Origin,
    chunk: std::vec::IntoIter<Vec<u8>>,
    raised: &'r Raised,
}

enum Origin {
    File(memoxide::client::tools::KeyLines<BufReader<File>>),
    Iterator(Py<PyAny>),
}

impl Iterator for Keys<'_> {
    type Item = memoxide::Result<Vec<u8>>;

    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.origin {
            Origin::File(lines) => lines.next().map(|line| {
                line.map_err(|error| {
                    let message = format!("keys cannot be read: {error}");
                    Error::new(ErrorKind::InvalidArgument, message)
                })
            }),
            Origin::Iterator(iterator) => {
                if self.chunk.len() == 0 {
                    match Python::attach(|py| take(iterator.bind(py))) {
                        Ok(chunk) => self.chunk = chunk.into_iter(),
                        Err(raised) => return Some(Err(self.raised.keep(raised))),
                    }
                }
                self.chunk.next().map(Ok)
            }
        }
    }
}

/// Takes some keys from an iterator.
fn take(iterator: &Bound<'_, PyAny>) -> PyResult<Vec<Vec<u8>>> {
    let mut keys = Vec::with_capacity(CHUNK);
    for key in iterator.try_iter()?.take(CHUNK) {
        let key = key?;
        keys.push(key.extract::<Key<'_>>()?.bytes().to_vec());
    }
    Ok(keys)
}
