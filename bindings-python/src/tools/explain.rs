//! Where a key is, and what a stored value means.

use std::marker::PhantomData;

use memoxide::client::tools;
use memoxide::route::Spot;
use memoxide::value;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyTuple};

use super::{AnyClient, Names, make, text};
use crate::client::{Answer, Count, Data, Explanation, Guesses, Key};
use crate::errors::Result;

/// Tells which server has a key, and why.
///
/// Nothing is sent: a client that was made for this opens no connection.
///
/// Args:
///     client: A client with the servers and the `hashing` in question.
///     key: A key as the client's methods take it.
///     down: Names of servers, such as `"127.0.0.1:11211"`, that are thought to
///         be down; the key is then where the client goes whose placement it is.
///
/// Raises:
///     InvalidKeyError: The key is none.
///     NoServersError: No server is left.
///     InvalidArgumentError: A name in `down` is that of no server.
///
/// Example:
///     >>> import memoxide
///     >>> client = memoxide.Client("a,b,c", hashing="ketama")
///     >>> print(memoxide.explain_key(client, "user:1"))
///     "user:1" is on b:11211 (ketama): hash 282964413, point 284242608 of a ring of 480; then c:11211, a:11211
#[pyfunction]
#[pyo3(signature = (client, key, *, down = Names::default()))]
pub(crate) fn explain_key<'py>(
    py: Python<'py>,
    client: AnyClient<'py>,
    key: Key<'_>,
    down: Names,
) -> Result<Answer<'py, Explanation>> {
    let down: Vec<&str> = down.0.iter().map(String::as_str).collect();
    let explained = tools::explain_key(client.plan()?, key.bytes(), &down)?;
    let fields = PyDict::new(py);
    fields.set_item("key", PyBytes::new(py, &explained.key))?;
    fields.set_item("hashed", PyBytes::new(py, &explained.hashed))?;
    fields.set_item("hashing", explained.hashing.to_string())?;
    fields.set_item("server", text(py, &explained.server))?;
    let order = explained.order.iter().map(|server| text(py, server));
    fields.set_item("order", PyTuple::new(py, order.collect::<Vec<_>>())?)?;
    match explained.spot {
        Spot::Point {
            hash,
            point,
            points,
            ..
        } => {
            fields.set_item("hash", hash)?;
            fields.set_item("point", point)?;
            fields.set_item("points", points)?;
        }
        Spot::Score { score, .. } => fields.set_item("score", score)?,
        Spot::Slot { hash, slot, slots } => {
            fields.set_item("hash", hash)?;
            fields.set_item("slot", slot)?;
            fields.set_item("slots", slots)?;
        }
        _ => {}
    }
    fields.set_item("text", explained.to_string())?;
    Ok(Answer(make(py, "KeyExplanation", &fields)?, PhantomData))
}

/// Lists who probably wrote a stored value and what it is, the most probable
/// first. The list is never empty: clients without types write anything.
///
/// Args:
///     flags: The number stored beside the bytes, 0 to 2^32 - 1.
///     value: The stored bytes.
///
/// Raises:
///     InvalidArgumentError: The flags are out of range, or the value is no bytes.
///
/// Example:
///     >>> import memoxide
///     >>> print(memoxide.explain_value(0x10010, b'{"id":1}')[0])
///     likely memoxide: map, 8 bytes (memoxide)
#[pyfunction]
#[pyo3(signature = (flags, value))]
pub(crate) fn explain_value<'py>(
    py: Python<'py>,
    flags: Count,
    value: Data<'_>,
) -> Result<Answer<'py, Guesses>> {
    let (flags, Data(value)) = (flags.small()?, value);
    let guesses = PyList::empty(py);
    for guess in py.detach(|| value::explain(flags, &value)) {
        let fields = PyDict::new(py);
        fields.set_item("dialect", guess.dialect.name())?;
        fields.set_item("clients", PyTuple::new(py, guess.clients)?)?;
        fields.set_item("kind", guess.kind.name())?;
        let compression = guess.compression.map(value::CompressionFormat::name);
        fields.set_item("compression", compression)?;
        fields.set_item("size", guess.size)?;
        fields.set_item("confidence", guess.confidence.name())?;
        fields.set_item("text", guess.to_string())?;
        guesses.append(make(py, "Guess", &fields)?)?;
    }
    Ok(Answer(guesses.into_any(), PhantomData))
}
