//! Clusters shared with other clients, for real: three memcached servers, the
//! clients themselves, twemproxy, and PHP's session handler.
//!
//! `make test-interop` installs the clients and runs this; without the variable
//! `MEMOXIDE_LIVE`, which names the folder they are in, nothing is tested. A tool
//! that is missing skips its test with a reason, or fails it with the variable
//! `MEMOXIDE_LIVE_ALL`, which `make` sets where continuous integration is root.

#![expect(
    clippy::print_stdout,
    reason = "skips and counts are for whoever reads the test's output"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "starts servers and waits until they answer"
)]

mod clients;
mod full;
mod proxy;
mod sessions;
mod stage;
mod tools;
