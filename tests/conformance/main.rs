//! Runs the scenarios of `tests/scenarios` through the Rust clients, against
//! the embedded server and against memcached. `tests/README.md` has the format.

#![expect(
    clippy::disallowed_methods,
    reason = "a test of clients has sockets and measures their time"
)]
#![expect(
    clippy::print_stdout,
    reason = "skips and counts are for whoever reads the test's output"
)]

mod notation;
mod run;
mod surface;
mod target;

use run::run_all;
use surface::{Asynchronous, Blocking};
use target::{Embedded, Memcached};

#[test]
fn rust_blocking_embedded() {
    run_all::<Blocking, Embedded>("rust-blocking");
}

#[test]
fn rust_blocking_memcached() {
    run_all::<Blocking, Memcached>("rust-blocking");
}

#[test]
fn rust_async_embedded() {
    run_all::<Asynchronous, Embedded>("rust-async");
}

#[test]
fn rust_async_memcached() {
    run_all::<Asynchronous, Memcached>("rust-async");
}
