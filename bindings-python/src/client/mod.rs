//! The clients: what Python calls becomes an operation of the core.
//!
//! A call walks through these rooms once: `arguments` and `lists` read what the
//! caller passed, `calls` makes an operation of it, `blocking` runs it on this
//! thread or `asynchronous` on the caller's event loop, and `harvest` builds the
//! result.
//! `commands` has the methods of both classes. What memcached is, the core knows.

mod arguments;
mod asynchronous;
mod blocking;
mod calls;
mod commands;
mod configuration;
mod dicts;
mod engine;
mod futures;
mod gathered;
mod harvest;
mod hints;
mod ids;
mod keys;
mod lists;
mod pending;
mod settle;
mod update;

pub(crate) use arguments::{Count, Data, Key, refuse};
pub(crate) use asynchronous::AsyncClient;
pub(crate) use blocking::Client;
pub(crate) use engine::Engine;
pub(crate) use hints::{Answer, Explanation, Guesses, PlacementComparison, Summary};
pub(crate) use keys::{KeyIterator, KeySource};
