//! The methods that both clients have, written once.
//!
//! The two classes differ only in how a call is run: one waits for its result,
//! one returns a future. Names and arguments are those of python-memcached; what
//! is added comes behind them and by name only.

mod administration;
mod change;
mod composites;
mod retrieval;
mod storage;

pub(crate) use administration::administration;
pub(crate) use change::change;
pub(crate) use composites::composites;
pub(crate) use retrieval::retrieval;
pub(crate) use storage::storage;

/// Defines the methods of a client class beside its own.
///
/// The class has `core()`, what calls are made of; `call(py, timeout, make)`,
/// which runs what `make` returns and returns an `$answer`; and `ids(py)`, the
/// cas ids of the calling thread or task.
macro_rules! commands {
    ($class:ident, $answer:ident) => {
        crate::client::commands::retrieval!($class, $answer);
        crate::client::commands::storage!($class, $answer);
        crate::client::commands::change!($class, $answer);
        crate::client::commands::composites!($class, $answer);
        crate::client::commands::administration!($class, $answer);
    };
}

pub(crate) use commands;

/// What the methods name; a module that defines them imports all of it.
pub(crate) mod names {
    pub(crate) use std::time::Duration;

    pub(crate) use memoxide::protocol::{Admin, Direction, StoreMode};
    pub(crate) use memoxide::value::Encoded;
    pub(crate) use pyo3::prelude::*;
    pub(crate) use pyo3::types::PyString;

    pub(crate) use crate::client::arguments::{
        Count, Data, Delay, Key, Time, Timeout, callable, expiry, place,
    };
    pub(crate) use crate::client::calls::cas_id;
    pub(crate) use crate::client::hints::{
        Anything, CasValues, Items, KeyList, MaybeItem, MaybeNumber, MaybeRaw, NoReply, Nothing,
        Number, Reports, Truth, Values, Versions,
    };
    pub(crate) use crate::client::ids::Ids;
    pub(crate) use crate::client::lists::{Iterable, Keys, Mapping, Pairs};
    pub(crate) use crate::errors::Result;
}
