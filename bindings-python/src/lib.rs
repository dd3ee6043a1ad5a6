//! The native module of the Python package: conversion between two worlds.
//!
//! What memcached is, the core knows; what Python is, the package beside this
//! crate knows. The rooms here carry values (`value`, `json`, `serializer`) and failures
//! (`errors`) from one to the other, tell the core of forks (`fork`) and `logging` of servers (`log`), hold the
//! embedded server (`server`), serve those who run a cluster (`tools`), start the
//! command (`command`) and carry what stands in for other clients (`compat`).

mod client;
mod command;
mod compat;
mod errors;
mod fork;
mod json;
mod log;
mod report;
mod serializer;
mod server;
mod tools;
mod value;

use pyo3::prelude::*;

/// The native half of the package; import `memoxide` instead.
#[pymodule(gil_used = false)]
mod _native {
    use pyo3::prelude::*;

    #[pymodule_export]
    use super::client::{AsyncClient, Client, Engine, KeyIterator, KeySource};

    #[pymodule_export]
    use super::compat::{Hosts, Placement, cmemcache_hash, decode, encode};

    #[pymodule_export]
    use super::server::EmbeddedServer;

    #[pymodule_export]
    use super::tools::{compare_placements, explain_key, explain_value, migrate};

    #[pymodule_export]
    use super::value::Codec;

    #[pymodule_export]
    use super::command::run_command;

    #[pymodule_export]
    use super::fork::fork_generation;

    #[pymodule_export]
    use super::report::typed_report;

    #[pymodule_export]
    use super::errors::{is_ambiguous, is_connection, is_retryable, is_timeout};

    /// The version of the package, the same for the three languages.
    #[pymodule_export]
    #[allow(non_upper_case_globals)]
    const __version__: &str = env!("CARGO_PKG_VERSION");

    #[pymodule_init]
    fn init(py: Python<'_>) -> PyResult<()> {
        super::fork::watch(py)
    }
}
