//! The Node module: conversion between JavaScript and the core, nothing else.
//!
//! The TypeScript in `bindings-node/ts` is the only caller. It owns the sockets
//! and timers (`design.md` calls that part the driver), rebuilds the error
//! classes from [`errors`], and is what an application imports; what this crate
//! exports is private to it and may change in any release.
//!
//! ```js
//! const { EmbeddedServer } = require("memoxide");
//! const server = await EmbeddedServer.start();
//! ```

pub mod client;
pub mod errors;
pub mod memjs;
pub mod server;
pub mod tools;
pub mod value;

use napi_derive::napi;

/// Returns the version of the core that this module was built from.
#[napi]
#[must_use]
pub fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}
